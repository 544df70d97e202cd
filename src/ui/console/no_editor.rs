//! A build without line editing: the kernel's own line discipline has to do.

use super::lines::Lines;
use crate::ui::Settings;

/// There is none.
pub(crate) fn open(_: &Settings) -> Option<Box<dyn Lines>> {
    None
}
