//! Floor 8: the only writer of the store.
//!
//! Content-addressed folders made by renaming a synced temporary one; a `current`
//! link replaced atomically; two generations of state, newest valid wins; one lock.
//! A power cut at any moment leaves the old or the new model active, never neither.

mod error;
mod package;

pub use error::StoreError;
pub use package::{Deployment, HistoryEntry, Installed, Package, Status};
