//! One writer at a time: `flock` on a real file that says who holds it.
//!
//! The kernel releases the lock when the holder ends, however it ends, so a stale
//! lock cannot exist; the text in the file is only for people.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use super::{StoreError, failed};

/// The store is ours until this is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Takes the lock or says who has it. `command` is what the holder does, for people.
pub(super) fn take(root: &Path, command: &str) -> Result<Lock, StoreError> {
    std::fs::create_dir_all(root).map_err(failed("create", root))?;
    let path = root.join("lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(failed("open", &path))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            return Err(StoreError::Locked { holder: holder(&mut file) });
        }
        Err(error) => return Err(failed("lock", &path)(error.into())),
    }
    // On a full disk the name is missing; the lock itself holds.
    let sign = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "process {} ({command})", std::process::id())
    };
    if let Err(error) = sign(&mut file) {
        log::warn!("cannot write our name into {}: {error}", path.display());
    }
    Ok(Lock { _file: file })
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let _ = file.take(200).read_to_string(&mut text);
    let text = text.trim();
    if text.is_empty() { "another process".to_owned() } else { text.to_owned() }
}
