//! The facts of a board: plain data, every value with its source.

use serde::Serialize;

use crate::base::{Bytes, Celsius, Digest, Hertz, Reading};

/// Everything `probe` finds out.
#[derive(Debug, Clone, Serialize)]
pub struct Facts {
    /// Which board, SoC and system this is.
    pub board: Identity,
    /// Processors.
    pub cpu: Cpu,
    /// Main memory.
    pub memory: Memory,
    /// The file system that holds the state folder.
    pub storage: Storage,
    /// Thermal zones.
    pub thermal: Vec<ThermalZone>,
    /// Clocks, governor, power mode, throttling.
    pub clocks: Clocks,
    /// Graphics processors.
    pub gpu: Vec<Gpu>,
    /// Power meters found.
    pub power: Vec<PowerSource>,
    /// Hash of what decides how fast a model runs here: board, SoC, CPU parts, ISA, memory size.
    pub fingerprint: Digest,
}

/// Which board this is.
#[derive(Debug, Clone, Serialize)]
pub struct Identity {
    /// Board model, from the device tree or DMI.
    pub model: Reading<String>,
    /// System on chip or processor name.
    pub soc: Reading<String>,
    /// Profile in `profiles/boards` that applies, `generic` where none does.
    pub profile: String,
    /// Host name.
    pub hostname: Reading<String>,
    /// Kernel release.
    pub kernel: Reading<String>,
    /// Distribution (`PRETTY_NAME` of os-release).
    pub os: Reading<String>,
    /// Machine architecture of this program, such as `aarch64`.
    pub arch: String,
}

/// Processors.
#[derive(Debug, Clone, Serialize)]
pub struct Cpu {
    /// Logical processors online.
    pub logical: Reading<u32>,
    /// Groups of equal cores, fastest first.
    pub clusters: Vec<Cluster>,
    /// Instruction-set features that matter here (`asimd`, `asimddp`, `i8mm`, `avx2`, ...).
    pub features: Reading<Vec<String>>,
    /// Caches of the first core and those shared with it.
    pub caches: Vec<Cache>,
    /// One-minute load average.
    pub load: Reading<f64>,
}

/// A group of equal cores.
#[derive(Debug, Clone, Serialize)]
pub struct Cluster {
    /// Core name, such as `Cortex-A76`, or the part number in hexadecimal.
    pub core: Reading<String>,
    /// Logical processor numbers.
    pub cpus: Vec<u32>,
    /// Highest clock.
    pub max_hz: Reading<Hertz>,
    /// Clock now.
    pub current_hz: Reading<Hertz>,
}

/// One cache.
#[derive(Debug, Clone, Serialize)]
pub struct Cache {
    /// 1, 2, 3.
    pub level: u8,
    /// `Data`, `Instruction` or `Unified`.
    pub kind: String,
    /// Size of one instance.
    pub size: Bytes,
}

/// Main memory.
#[derive(Debug, Clone, Serialize)]
pub struct Memory {
    /// All of it.
    pub total: Reading<Bytes>,
    /// What the kernel expects to be able to give out.
    pub available: Reading<Bytes>,
    /// Limit of our memory cgroup, where one is set.
    pub cgroup_limit: Reading<Bytes>,
}

/// Storage of the state folder.
#[derive(Debug, Clone, Serialize)]
pub struct Storage {
    /// The folder asked about.
    pub path: String,
    /// Free for an unprivileged writer.
    pub free: Reading<Bytes>,
    /// Size of the file system.
    pub total: Reading<Bytes>,
}

/// A thermal zone.
#[derive(Debug, Clone, Serialize)]
pub struct ThermalZone {
    /// Its type, such as `cpu-thermal`.
    pub zone: String,
    /// Temperature now.
    pub temperature: Reading<Celsius>,
    /// Lowest passive or critical trip point.
    pub throttle_at: Reading<Celsius>,
}

/// Clocks and what holds them back.
#[derive(Debug, Clone, Serialize)]
pub struct Clocks {
    /// cpufreq governor of the first core.
    pub governor: Reading<String>,
    /// nvpmodel power mode (Jetson).
    pub power_mode: Reading<String>,
    /// Throttle flags now in force, by name (`under-voltage`, `frequency-capped`, `throttled`, `soft-temperature-limit`).
    pub throttled: Reading<Vec<String>>,
}

/// A graphics processor.
#[derive(Debug, Clone, Serialize)]
pub struct Gpu {
    /// Name.
    pub name: Reading<String>,
    /// How we know of it: `nvml`, `devfreq`, ...
    pub via: String,
    /// Its own memory (absent on unified-memory boards).
    pub memory_total: Reading<Bytes>,
    /// In use.
    pub memory_used: Reading<Bytes>,
    /// Clock now.
    pub clock: Reading<Hertz>,
    /// Temperature now.
    pub temperature: Reading<Celsius>,
    /// Load now, 0 to 1.
    pub load: Reading<f64>,
}

/// A power meter, as probe lists it.
#[derive(Debug, Clone, Serialize)]
pub struct PowerSource {
    /// Kind and place, such as `hwmon ina3221 1-0040`.
    pub source: String,
    /// What it covers.
    pub scope: super::power::Scope,
    /// Its rails.
    pub rails: Vec<super::power::Rail>,
}
