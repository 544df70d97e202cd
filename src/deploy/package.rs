//! What goes into the store and what comes out.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::base::Digest;
use crate::model::{Config, Head, Manifest, Preprocess};

/// Everything that a deployed model needs to run.
#[derive(Debug, Clone, PartialEq)]
pub struct Package {
    /// The ONNX file.
    pub model: Vec<u8>,
    /// What is known of it.
    pub installed: Installed,
}

/// What is stored beside the ONNX file (as `manifest.toml`, and `head.postcard` for the head).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Installed {
    /// Candidate id.
    pub id: String,
    /// Hash of the candidate's file, as the zoo knows it.
    pub sha256: Digest,
    /// How to run it.
    pub config: Config,
    /// Task it was chosen for.
    pub task: String,
    /// Labels of what it says.
    pub labels: Vec<String>,
    /// Output whose values feed the head, or are the scores.
    pub output: String,
    /// How an image becomes its input, as it was measured.
    pub preprocess: Option<Preprocess>,
    /// The sidecar, if there was one.
    pub manifest: Option<Manifest>,
    /// The fitted head; `None` where the model's own scores are used.
    pub head: Option<Head>,
    /// Accuracy measured on the task's samples.
    pub accuracy: Option<f64>,
}

/// The active model, found whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Active {
    /// Hash of everything in its folder, and the folder's name.
    pub address: Digest,
    /// Its folder.
    pub path: PathBuf,
    /// What is known of it.
    pub installed: Installed,
    /// Generation of the state that made it current.
    pub generation: u64,
    /// Whether it was confirmed.
    pub committed: bool,
    /// Attempts left before it is given up.
    pub tries_left: u32,
}

/// A model that must not be deployed again by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// Hash of the candidate's file.
    pub sha256: Digest,
    /// Candidate id.
    pub model: String,
    /// What it did.
    pub reason: String,
    /// Seconds since the epoch.
    pub at: u64,
}

/// A model was put in place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deployment {
    /// Generation of the state that made it current.
    pub generation: u64,
    /// Candidate id.
    pub model: String,
    /// Its folder.
    pub path: PathBuf,
}

/// The store at a glance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// The active model.
    pub current: Option<Deployment>,
    /// What a rollback would activate.
    pub previous: Option<String>,
    /// Whether the active model was confirmed.
    pub committed: bool,
    /// Whether its files are kept, whatever replaces it.
    pub pinned: bool,
    /// Attempts left before a rollback.
    pub tries_left: u32,
    /// Free bytes where the store is.
    pub free_bytes: Option<u64>,
}

/// One line of history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Generation.
    pub generation: u64,
    /// Seconds since the epoch.
    pub at: u64,
    /// `deploy`, `rollback`, `keep`, ...
    pub action: String,
    /// Candidate id.
    pub model: String,
    /// Its hash.
    pub sha256: Digest,
    /// Why, one line.
    pub reason: String,
}
