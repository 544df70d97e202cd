//! The board room: recorded boards, this machine, meters that change, hostile files.

mod hostile;
mod ina;
mod live;
mod meters;
mod recorded;

use std::path::{Path, PathBuf};

use umbra::base::SysRoot;
use umbra::board::Facts;

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
