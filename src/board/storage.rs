//! Free space where the state lives.

use std::path::Path;

use super::facts::Storage;
use crate::base::{Bytes, Reading, SysRoot};

/// Asks the file system of the folder, or of its nearest ancestor that exists (the
/// folder itself is made later). A recorded tree has no file system to ask.
pub(super) fn storage(sys: &SysRoot, state: &Path) -> Storage {
    let path = state.display().to_string();
    let there = std::path::absolute(state).unwrap_or_else(|_| state.to_owned());
    let there = there.ancestors().find(|path| path.exists()).filter(|_| sys.is_live());
    let Some(there) = there else {
        return Storage { path, free: Reading::Absent, total: Reading::Absent };
    };
    let source = format!("statvfs {}", there.display());
    match rustix::fs::statvfs(there) {
        Ok(stat) => Storage {
            path,
            free: Reading::of(Bytes(stat.f_bavail.saturating_mul(stat.f_frsize)), source.clone()),
            total: Reading::of(Bytes(stat.f_blocks.saturating_mul(stat.f_frsize)), source),
        },
        Err(error) => {
            let failed = || Reading::from_io(&error.into(), there.to_owned());
            Storage { path, free: failed(), total: failed() }
        }
    }
}
