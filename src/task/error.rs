//! What can be wrong with a task.

use std::path::PathBuf;

/// A task that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaskError {
    /// A file or folder cannot be read.
    #[error("{path} cannot be read: {reason}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The path is neither a task folder nor an archive.
    #[error("{0} is no task")]
    NotATask(PathBuf),
    /// task.toml says something that cannot be.
    #[error("{path}: {reason}")]
    Description {
        /// Which file.
        path: PathBuf,
        /// What, with line and column where known.
        reason: String,
    },
    /// An image cannot be used.
    #[error("image {name}: {reason}")]
    Image {
        /// Which.
        name: String,
        /// Why.
        reason: String,
    },
    /// An `.npz` does not hold samples.
    #[error("{name}: {reason}")]
    Archive {
        /// Which.
        name: String,
        /// Why.
        reason: String,
    },
    /// A class without samples.
    #[error("class {class:?} has no sample in {place}")]
    EmptyClass {
        /// The class.
        class: String,
        /// Folder or archive.
        place: String,
    },
    /// The classes of the samples are not those of the task.
    #[error("labels do not match in {place}: {reason}")]
    Labels {
        /// Folder or archive.
        place: String,
        /// What is missing or too much.
        reason: String,
    },
    /// Too few or too many classes or samples.
    #[error("{place} has {found}")]
    Size {
        /// Folder or archive.
        place: String,
        /// How many of what.
        found: String,
    },
}

impl TaskError {
    /// Stable name, for scripts.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "task-unreadable",
            Self::NotATask(_) => "task-unknown",
            Self::Description { .. } => "task-description",
            Self::Image { .. } => "task-image",
            Self::Archive { .. } => "task-archive",
            Self::EmptyClass { .. } => "task-empty-class",
            Self::Labels { .. } => "task-labels",
            Self::Size { .. } => "task-size",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "check the path and its permissions",
            Self::NotATask(_) => {
                "give a folder with task.toml, a folder of one folder of images per class, or an .npz"
            }
            Self::Description { .. } => "see docs/tasks.md for the keys of task.toml",
            Self::Image { .. } => "images are PNG or JPEG, at most 8192 pixels a side and 32 MB",
            Self::Archive { .. } => {
                "an .npz has x (uint8, N x height x width x 1 or 3) and y (whole numbers), or x_train and y_train; real numbers are called targets"
            }
            Self::EmptyClass { .. } => "add at least two images of the class, or remove the class",
            Self::Labels { .. } => "make the folders, or the class numbers, those of `labels`",
            Self::Size { .. } => {
                "a task has at least 2 classes and 2 samples, at most 1000 classes"
            }
        }
    }

    /// The same error of an image that has a name.
    #[must_use]
    pub(super) fn of_image(self, name: &str) -> Self {
        match self {
            Self::Image { reason, .. } => Self::Image { name: name.to_owned(), reason },
            other => other,
        }
    }
}
