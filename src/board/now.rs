//! Stand-in until the room is built: what changes from moment to moment.

use super::{Clocks, Cluster, ThermalZone};
use crate::base::{Reading, SysRoot};

/// Clocks, governor, throttling.
#[must_use]
pub fn clocks(sys: &SysRoot) -> Clocks {
    Clocks {
        governor: sys.text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        power_mode: Reading::Absent,
        throttled: sys
            .text("/sys/devices/platform/soc/soc:firmware/get_throttled")
            .map(|bits| if bits == "0" { Vec::new() } else { vec!["under-voltage".to_owned()] }),
    }
}

/// Thermal zones.
#[must_use]
pub fn thermal(_sys: &SysRoot) -> Vec<ThermalZone> {
    Vec::new()
}

/// One-minute load.
#[must_use]
pub fn load(sys: &SysRoot) -> Reading<f64> {
    sys.text("/proc/loadavg").and_then(|text| text.split(' ').next()?.parse().ok())
}

/// Clusters, fastest first.
#[must_use]
pub fn clusters(_sys: &SysRoot) -> Vec<Cluster> {
    Vec::new()
}
