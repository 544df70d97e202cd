//! Floor 8: the only writer of the store.
//!
//! Content-addressed folders made by renaming a synced temporary one; a `current`
//! link replaced atomically, which is the one moment at which a deployment happens;
//! two generations of state, of which the newest that names the linked model counts;
//! one lock. A power cut at any moment leaves the old or the new model active, never
//! neither (docs/store.md has the argument, tests/it/store.rs the kill table).

mod error;
mod folder;
mod lock;
mod package;
mod plans;
mod quarantine;
mod records;
mod repair;
mod state;
mod store;

pub use error::StoreError;
pub use lock::Lock;
pub use package::{Active, Deployment, HistoryEntry, Installed, Package, Quarantined, Status};
pub use plans::plan_name;
pub use records::Gauged;
pub use store::{Store, TRIES};

use std::io;
use std::path::Path;

use crate::base::Fs;

/// Turns an I/O error into ours: `.map_err(failed("write", path))`.
fn failed<'p>(
    operation: &'static str,
    path: &'p Path,
) -> impl FnOnce(io::Error) -> StoreError + 'p {
    move |source| StoreError::Io { operation, path: path.to_owned(), source }
}

/// A folder that survives a power cut: whichever part of its path was missing is synced
/// into its parent.
fn make_folder(fs: &dyn Fs, dir: &Path) -> Result<(), StoreError> {
    let missing: Vec<&Path> = dir.ancestors().take_while(|part| !fs.exists(part)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    fs.create_dir_all(dir).map_err(failed("create", dir))?;
    for parent in missing.iter().rev().filter_map(|part| part.parent()) {
        fs.sync_dir(parent).map_err(failed("sync", parent))?;
    }
    Ok(())
}

/// Whether a name is that of an unfinished write (`.<name>.tmp`).
fn is_leftover(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') && name.ends_with(".tmp")
}
