//! A stable hash of what decides how fast a model runs here.
//!
//! Host name, kernel, temperature, free memory and clocks of the moment stay out:
//! the same board after a reboot must give the same hash. The kernel and the power
//! mode are part of a trial's key on their own.

use super::facts::{Cluster, Cpu, Identity, Memory};
use crate::base::{Bytes, Digest};

/// Kernels reserve a few mebibytes more or less from one release to the next.
const MEMORY_STEP: u64 = 256 << 20;

pub(super) fn fingerprint(board: &Identity, cpu: &Cpu, memory: &Memory) -> Digest {
    let mut parts = vec![
        board.model.value().cloned().unwrap_or_default(),
        board.soc.value().cloned().unwrap_or_default(),
        board.arch.clone(),
        cpu.features.value().map(|features| features.join(" ")).unwrap_or_default(),
        rounded(memory.total.value().copied().unwrap_or_default()).to_string(),
    ];
    parts.extend(cpu.clusters.iter().map(cluster));
    Digest::of_parts(parts.iter().map(String::as_bytes))
}

fn cluster(cluster: &Cluster) -> String {
    let core = cluster.core.value().map_or("?", String::as_str);
    let max = cluster.max_hz.value().map_or(0, |hertz| hertz.0);
    format!("{core} x{} {max}", cluster.cpus.len())
}

fn rounded(memory: Bytes) -> u64 {
    memory.0.saturating_add(MEMORY_STEP / 2) / MEMORY_STEP
}
