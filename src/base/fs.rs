//! The file system the store writes through, so that tests can cut the power.

use std::fmt::Debug;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The few operations that a crash-safe store needs. Every mutation is one method,
/// so that a test can fail or "cut the power" before, at and after each of them.
pub trait Fs: Debug + Send + Sync {
    /// Whole file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Entries of a folder, sorted.
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>>;
    /// Whether something (a dangling link too) has this name.
    fn exists(&self, path: &Path) -> bool;
    /// Target of a symbolic link.
    fn read_link(&self, path: &Path) -> io::Result<PathBuf>;
    /// Bytes that an unprivileged writer may still use at `path`.
    fn free_bytes(&self, path: &Path) -> io::Result<u64>;
    /// Creates a folder and its parents.
    fn create_dir_all(&self, dir: &Path) -> io::Result<()>;
    /// Creates or truncates a file, writes it and syncs its data.
    fn write_synced(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Renames over whatever has the name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes a symbolic link; the name must be free.
    fn symlink(&self, target: &Path, link: &Path) -> io::Result<()>;
    /// Syncs a folder, so that renames in it survive a power cut.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Removes a file or link.
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Removes a folder and what is in it.
    fn remove_dir_all(&self, dir: &Path) -> io::Result<()>;
}

/// Replaces a file so that a reader, or a power cut, sees the old or the new one, never a mixture.
///
/// # Errors
/// Whatever the file system says; the old file is then untouched and the temporary one removed.
pub fn replace(fs: &dyn Fs, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temp = sibling_temp(path);
    let parent = path.parent().unwrap_or(Path::new("."));
    let done = fs.write_synced(&temp, bytes).and_then(|()| fs.rename(&temp, path));
    if done.is_err() {
        // Best effort: the error that matters is the one above.
        let _ = fs.remove_file(&temp);
    }
    done.and_then(|()| fs.sync_dir(parent))
}

/// Replaces a symbolic link in the same manner.
///
/// # Errors
/// Whatever the file system says; the old link is then untouched.
pub fn replace_link(fs: &dyn Fs, target: &Path, link: &Path) -> io::Result<()> {
    let temp = sibling_temp(link);
    if fs.exists(&temp) {
        fs.remove_file(&temp)?;
    }
    fs.symlink(target, &temp)?;
    fs.rename(&temp, link)?;
    fs.sync_dir(link.parent().unwrap_or(Path::new(".")))
}

/// `.<name>.tmp` beside `path`: on the same file system, and recognised as garbage.
fn sibling_temp(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.tmp"))
}

/// The machine's file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealFs;

impl Fs for RealFs {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let mut found: Vec<PathBuf> = Vec::new();
        for entry in std::fs::read_dir(dir)? {
            found.push(entry?.path());
        }
        found.sort();
        Ok(found)
    }

    fn exists(&self, path: &Path) -> bool {
        path.symlink_metadata().is_ok()
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        std::fs::read_link(path)
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(path)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        std::fs::create_dir_all(dir)
    }

    fn write_synced(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = std::fs::File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn symlink(&self, target: &Path, link: &Path) -> io::Result<()> {
        std::os::unix::fs::symlink(target, link)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        std::fs::File::open(dir)?.sync_all()
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn remove_dir_all(&self, dir: &Path) -> io::Result<()> {
        std::fs::remove_dir_all(dir)
    }
}
