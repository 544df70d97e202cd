//! What can go wrong in the store.

use std::path::PathBuf;

/// A failure of the store. The running model is untouched by every one of them.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// An operation on a path failed.
    #[error("cannot {operation} {path}: {source}")]
    Io {
        /// Verb, such as `write`.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not enough room, found before the first byte was written.
    #[error("not enough space in {path}: {needed} bytes needed, {free} free")]
    Full {
        /// Where.
        path: PathBuf,
        /// Needed.
        needed: u64,
        /// Free.
        free: u64,
    },
    /// Another agent works on the store.
    #[error("the store is locked by {holder}")]
    Locked {
        /// Process id and command, as it wrote them into the lock.
        holder: String,
    },
    /// Nothing is deployed.
    #[error("no model is deployed")]
    Nothing,
    /// There is nothing to go back to.
    #[error("there is no previous model to go back to")]
    NoPrevious,
    /// What is stored is not what was written.
    #[error("{path} is damaged: {what}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// How.
        what: String,
    },
}

impl StoreError {
    /// What to do next.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
                "run as the user who owns the state folder, or name another with --state"
            }
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => {
                "free some space or name another folder with --state"
            }
            Self::Io { .. } => "check the storage and its mount, then try again",
            Self::Full { .. } => "free some space or name another folder with --state",
            Self::Locked { .. } => "wait until it has finished, or stop it",
            Self::Nothing => "run `umbra select` first",
            Self::NoPrevious => "only one model has been deployed so far",
            Self::Damaged { .. } => "run `umbra select` to deploy again",
        }
    }
}
