//! The state of the board at this moment.

use super::Condition;
use crate::base::{Bytes, SysRoot};
use crate::board;

/// Reads what can be read.
pub(super) fn now(sys: &SysRoot) -> Condition {
    let clocks = board::clocks(sys);
    let zones = board::thermal(sys);
    let temperatures = zones.iter().filter_map(|zone| zone.temperature.value().copied());
    let clusters = board::clusters(sys);
    let fastest = clusters.first().map_or(&[][..], |cluster| &cluster.cpus);
    Condition {
        temperature: temperatures.max_by(|a, b| a.0.total_cmp(&b.0)),
        clock: clusters.first().and_then(|cluster| cluster.current_hz.value().copied()),
        clock_bound: board::Watch::over(sys, fastest).bound(),
        governor: clocks.governor.value().cloned(),
        power_mode: clocks.power_mode.value().cloned(),
        throttled: clocks.throttled.value().cloned(),
        load: board::load(sys).value().copied(),
        gpu_memory: gpu_memory(sys),
    }
}

/// Memory in use on all graphics processors that have some of their own and tell.
fn gpu_memory(sys: &SysRoot) -> Option<Bytes> {
    let gpus = board::gpus(sys);
    let used = gpus.iter().filter_map(|gpu| gpu.memory_used.value()).map(|bytes| bytes.0);
    used.reduce(u64::saturating_add).map(Bytes)
}
