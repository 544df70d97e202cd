//! Processors: how many, of which kind, how fast, how busy.

use std::path::PathBuf;

use super::cpuinfo::{self, Processor};
use super::facts::{Cluster, Cpu};
use super::text::cpu_list;
use super::{cache, isa};
use crate::base::{Hertz, Reading, SysRoot};

pub(super) fn cpu(sys: &SysRoot) -> Cpu {
    Cpu {
        logical: logical(sys),
        clusters: clusters(sys),
        features: isa::features(sys),
        caches: cache::caches(sys),
        load: load(sys),
    }
}

/// One-minute load average.
#[must_use]
pub fn load(sys: &SysRoot) -> Reading<f64> {
    sys.text("/proc/loadavg").and_then(|text| {
        let load: f64 = text.split_whitespace().next()?.parse().ok()?;
        (load.is_finite() && load >= 0.0).then_some(load)
    })
}

/// Groups of equal cores with their clocks now, fastest first.
#[must_use]
pub fn clusters(sys: &SysRoot) -> Vec<Cluster> {
    let cpuinfo = sys.text("/proc/cpuinfo");
    let policies = policies(sys);
    let mut clusters: Vec<Cluster> = Vec::new();
    for core in cores(sys, &cpuinfo) {
        let policy = policies.iter().find(|policy| policy.cpus.contains(&core.cpu));
        let max_hz =
            policy.map_or(Reading::Absent, |policy| clock(sys, policy, "cpuinfo_max_freq"));
        let same = clusters.iter_mut().find(|known| {
            known.core.value() == core.name.value() && known.max_hz.value() == max_hz.value()
        });
        match same {
            Some(cluster) => cluster.cpus.push(core.cpu),
            None => clusters.push(Cluster {
                current_hz: current(sys, policy, &core),
                core: core.name,
                cpus: vec![core.cpu],
                max_hz,
            }),
        }
    }
    clusters.sort_by_key(|cluster| std::cmp::Reverse(cluster.max_hz.value().copied()));
    clusters
}

/// Logical processors online.
fn logical(sys: &SysRoot) -> Reading<u32> {
    let online = sys.text("/sys/devices/system/cpu/online").and_then(|text| cpu_list(&text));
    let count = online.and_then(|cpus| u32::try_from(cpus.len()).ok());
    count.or_else(|| {
        sys.text("/proc/cpuinfo").and_then(|text| {
            u32::try_from(cpuinfo::processors(&text).len()).ok().filter(|count| *count > 0)
        })
    })
}

/// One core before grouping.
struct Core {
    cpu: u32,
    name: Reading<String>,
    mhz: Option<f64>,
}

/// The cores of cpuinfo; where it cannot be read or names none, those online.
fn cores(sys: &SysRoot, cpuinfo: &Reading<String>) -> Vec<Core> {
    let listed = cpuinfo.value().map(|text| cpuinfo::processors(text)).unwrap_or_default();
    if !listed.is_empty() {
        return listed.into_iter().map(named).collect();
    }
    let online = sys.text("/sys/devices/system/cpu/online").and_then(|text| cpu_list(&text));
    let unnamed = || cpuinfo.clone().and_then(|_| None);
    let cpus = online.value().cloned().unwrap_or_default();
    cpus.into_iter().map(|cpu| Core { cpu, name: unnamed(), mhz: None }).collect()
}

fn named(processor: Processor) -> Core {
    let name = processor.core.map_or(Reading::Absent, |name| Reading::of(name, "/proc/cpuinfo"));
    Core { cpu: processor.number, name, mhz: processor.mhz }
}

/// A cpufreq policy and its processors.
pub(super) struct Policy {
    pub(super) path: PathBuf,
    pub(super) cpus: Vec<u32>,
}

pub(super) fn policies(sys: &SysRoot) -> Vec<Policy> {
    let folders = sys.list("/sys/devices/system/cpu/cpufreq").into_iter();
    folders
        .filter_map(|path| {
            let related = sys.text(path.join("related_cpus")).and_then(|text| cpu_list(&text));
            Some(Policy { cpus: related.value()?.clone(), path })
        })
        .collect()
}

fn current(sys: &SysRoot, policy: Option<&Policy>, core: &Core) -> Reading<Hertz> {
    match (policy, core.mhz) {
        (Some(policy), _) => clock(sys, policy, "scaling_cur_freq"),
        (None, Some(mhz)) => Reading::of(Hertz((mhz * 1e6) as u64), "/proc/cpuinfo"),
        (None, None) => Reading::Absent,
    }
}

/// cpufreq counts in kilohertz.
fn clock(sys: &SysRoot, policy: &Policy, file: &str) -> Reading<Hertz> {
    sys.number::<u64>(policy.path.join(file)).and_then(|khz| khz.checked_mul(1000).map(Hertz))
}
