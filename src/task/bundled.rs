//! The demo task embedded in the program.

use super::open::described;
use super::tree::Tree;
use super::{Task, TaskError};

/// A task from embedded files, such as `train/3/001.png`; `None` where there are none.
pub(super) fn embedded(files: &[(&str, &[u8])]) -> Option<Result<Task, TaskError>> {
    (!files.is_empty()).then(|| described(&Tree::Embedded(files)))
}
