//! A build without NVML: there is no library, hence no GPU and no meter of it.

use super::facts::Gpu;
use super::power::Meter;
use crate::base::SysRoot;

/// Stands where the library would.
#[derive(Debug)]
pub(super) struct Library;

impl Library {
    pub(super) fn open(_: &SysRoot) -> Self {
        Self
    }

    pub(super) fn gpus(&self) -> Vec<Gpu> {
        Vec::new()
    }

    pub(super) fn meters(&self) -> Vec<Box<dyn Meter>> {
        Vec::new()
    }
}
