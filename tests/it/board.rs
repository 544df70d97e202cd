//! The board room: recorded boards, this machine, meters that change, hostile files.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "clippy.toml allows them in test functions; these are what those call"
)]

mod hostile;
mod ina;
mod live;
mod meters;
mod recorded;

use std::path::{Path, PathBuf};

use umbra::base::SysRoot;
use umbra::board::Facts;

/// Root reads every file, whatever its mode. A test of denial that finds itself root runs
/// itself again as nobody and answers `true`; where that is impossible it says so aloud.
fn ran_as_nobody(test: &str) -> bool {
    use std::os::unix::process::CommandExt as _;
    if !rustix::process::geteuid().is_root() {
        return false;
    }
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    match again.args([test, "--exact"]).current_dir("/").uid(65_534).gid(65_534).output() {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && text.contains("1 passed"), "as nobody: {text}");
        }
        Err(error) => eprintln!("SKIPPED {test}: root, and cannot start as nobody: {error}"),
    }
    true
}

/// A recorded board.
fn tree(name: &str) -> SysRoot {
    SysRoot::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/boards").join(name))
}

fn facts(sys: &SysRoot) -> Facts {
    umbra::board::probe(sys, Path::new("/var/lib/umbra"))
}

/// A tree made by the test itself, whose files it may change between looks.
struct Scripted {
    dir: tempfile::TempDir,
    sys: SysRoot,
}

impl Scripted {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let sys = SysRoot::new(dir.path());
        let tree = Self { dir, sys };
        for (path, text) in files {
            tree.write(path, text);
        }
        tree
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path.trim_start_matches('/'))
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn remove(&self, path: &str) {
        std::fs::remove_file(self.path(path)).unwrap();
    }
}
