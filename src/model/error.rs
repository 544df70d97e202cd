//! What can be wrong with a zoo as a whole. A broken model in it is no error: it becomes a
//! rejected candidate.

use std::path::PathBuf;

/// A zoo that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// No file or folder was named.
    #[error("no model was named")]
    NothingNamed,
    /// Nothing is at this path.
    #[error("{0}: there is no such file or folder")]
    Missing(PathBuf),
    /// It is there and cannot be read.
    #[error("{path}: cannot be read: {source}")]
    Unreadable {
        /// File or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A folder without models.
    #[error("{0}: the folder holds no .onnx file")]
    Empty(PathBuf),
}

impl ModelError {
    /// What to do about it, one sentence.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::NothingNamed | Self::Missing(_) => "name .onnx files or folders that hold them",
            Self::Unreadable { .. } => "check the permissions of the path, or run as its owner",
            Self::Empty(_) => "put .onnx files into the folder, or name another one",
        }
    }
}
