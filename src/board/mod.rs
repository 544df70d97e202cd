//! Floor 1: what the board is and what its sensors say.
//!
//! Everything is read below a [`SysRoot`], metric by metric; a metric that cannot
//! be read says why and never stops the others. What a board's files do not tell
//! (which rail is the total, where the firmware throttles) comes from its profile
//! in `profiles/boards`. Nothing here writes to the board, scans a bus or starts
//! a process.

mod cache;
mod clocks;
mod cores;
mod cpu;
mod cpuinfo;
mod facts;
mod fingerprint;
mod gpu;
mod identity;
mod isa;
mod memory;
#[cfg_attr(not(feature = "nvml"), path = "nvml_absent.rs")]
mod nvml;
pub mod power;
mod profile;
mod storage;
mod text;
mod thermal;
mod watch;

use std::path::Path;

pub use clocks::clocks;
pub use cpu::{clusters, load};
pub use facts::{
    Cache, Clocks, Cluster, Cpu, Facts, Gpu, Identity, Memory, PowerSource, Storage, ThermalZone,
};
pub use memory::memory;
pub use power::{MeterConfig, meters};
pub use text::cpu_list;
pub use thermal::thermal;
pub use watch::{Watch, allowed_cpus};

use crate::base::SysRoot;

/// The graphics processors, read now: NVML and devfreq, metric by metric.
#[must_use]
pub fn gpus(sys: &SysRoot) -> Vec<Gpu> {
    gpu::gpus(sys, &thermal(sys), &nvml::Library::open(sys))
}

/// Everything that can be found out about the board. Never fails: what cannot be
/// read is a reading that says so. `state` is the folder whose free space counts.
#[must_use]
pub fn probe(sys: &SysRoot, state: &Path) -> Facts {
    let profile = profile::of(sys);
    let nvml = nvml::Library::open(sys);
    let mut meters = power::open(sys, &MeterConfig::default(), &profile, &nvml);
    let thermal = thermal::zones(sys, &profile);
    let board = identity::identity(sys, &profile);
    let cpu = cpu::cpu(sys);
    let memory = memory::memory(sys);
    Facts {
        fingerprint: fingerprint::fingerprint(&board, &cpu, &memory),
        gpu: gpu::gpus(sys, &thermal, &nvml),
        storage: storage::storage(sys, state),
        clocks: clocks(sys),
        power: power::sources(&mut meters),
        board,
        cpu,
        memory,
        thermal,
    }
}
