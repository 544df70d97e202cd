//! What may change while something is measured, looked at often and cheaply: the files are
//! found once, and a look reads a handful of them.

use std::path::{Path, PathBuf};

use super::clocks::{self, names};
use super::cpu::policies;
use super::text::{cpu_list, hex};
use crate::base::{Hertz, Reading, SysRoot};

/// The clocks of some processors, and the firmware's throttle bits.
#[derive(Debug, Clone)]
pub struct Watch {
    clocks: Vec<PathBuf>,
    firmware: Option<PathBuf>,
    bound: Option<Hertz>,
}

impl Watch {
    /// Over the processors of this list; over all where it is empty.
    #[must_use]
    pub fn over(sys: &SysRoot, cpus: &[u32]) -> Self {
        let mut policies = policies(sys);
        policies
            .retain(|policy| cpus.is_empty() || policy.cpus.iter().any(|cpu| cpus.contains(cpu)));
        let bounds = policies.iter().filter_map(|policy| bound(sys, &policy.path));
        Self {
            bound: bounds.max(),
            clocks: policies.iter().map(|policy| policy.path.join("scaling_cur_freq")).collect(),
            firmware: clocks::firmware_file(sys),
        }
    }

    /// The clock that the fastest of them should reach when it is busy: what the governor may
    /// choose now, or what the maker guarantees where boost comes and goes.
    #[must_use]
    pub fn bound(&self) -> Option<Hertz> {
        self.bound
    }

    /// The clock of the fastest of them, now.
    #[must_use]
    pub fn clock(&self, sys: &SysRoot) -> Option<Hertz> {
        self.clocks.iter().filter_map(|path| kilohertz(sys, path)).max()
    }

    /// Throttle flags in force, and those that were in force at some time since boot. The
    /// second tell of what came and went between two looks.
    #[must_use]
    pub fn throttled(&self, sys: &SysRoot) -> Option<(Vec<String>, Vec<String>)> {
        let bits = sys.text(self.firmware.as_ref()?).and_then(|text| hex(&text));
        bits.value().map(|bits| (names(*bits), names(bits >> 16)))
    }
}

/// `base_frequency` is there where the highest clock is a boost that nobody promises.
fn bound(sys: &SysRoot, policy: &Path) -> Option<Hertz> {
    ["base_frequency", "scaling_max_freq", "cpuinfo_max_freq"]
        .iter()
        .find_map(|file| kilohertz(sys, &policy.join(file)))
}

fn kilohertz(sys: &SysRoot, path: &Path) -> Option<Hertz> {
    let khz: Reading<u64> = sys.number(path);
    khz.value().and_then(|khz| khz.checked_mul(1000)).map(Hertz)
}

/// Processors that this process may use, as its kernel says.
#[must_use]
pub fn allowed_cpus(sys: &SysRoot) -> Reading<Vec<u32>> {
    sys.text("/proc/self/status").and_then(|text| {
        let list = text.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
        cpu_list(list)
    })
}
