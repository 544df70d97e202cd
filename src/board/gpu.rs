//! Graphics processors, metric by metric.
//!
//! On a Jetson NVML opens, gives a name and refuses the rest, while devfreq and the
//! `load` file know the rest and no name: such a GPU is one entry made of both.

use std::path::{Path, PathBuf};

use super::facts::{Gpu, ThermalZone};
use super::nvml;
use super::text::line;
use crate::base::{Celsius, Hertz, Reading, SysRoot};

/// What NVIDIA's device trees call the GPU, from Tegra X1 to Orin.
const TEGRA: [&str; 4] = ["gpu", "gp10b", "gv11b", "ga10b"];
/// Where JetPack 4, 5 and 6 keep the load, in tenths of a percent.
const LOAD: [&str; 2] = ["/sys/devices/platform/gpu.0/load", "/sys/devices/gpu.0/load"];

pub(super) fn gpus(sys: &SysRoot, thermal: &[ThermalZone], nvml: &nvml::Library) -> Vec<Gpu> {
    let mut known = nvml.gpus();
    for own in devfreq(sys, thermal) {
        match known.first_mut().filter(|gpu| is_integrated(gpu)) {
            Some(gpu) => complete(gpu, own),
            None => known.push(own),
        }
    }
    known
}

/// NVML calls it `Orin (nvgpu)`.
fn is_integrated(gpu: &Gpu) -> bool {
    gpu.name.value().is_some_and(|name| name.contains("nvgpu"))
}

fn complete(gpu: &mut Gpu, own: Gpu) {
    fill(&mut gpu.clock, own.clock);
    fill(&mut gpu.temperature, own.temperature);
    fill(&mut gpu.load, own.load);
    gpu.via = format!("{}, {}", gpu.via, own.via);
}

fn fill<T>(mine: &mut Reading<T>, other: Reading<T>) {
    *mine = std::mem::replace(mine, Reading::Absent).or_else(|| other);
}

fn devfreq(sys: &SysRoot, thermal: &[ThermalZone]) -> Vec<Gpu> {
    let entries = sys.list("/sys/class/devfreq").into_iter();
    entries.filter_map(|entry| Some(gpu(sys, thermal, &entry, tegra(sys, &entry)?))).collect()
}

/// The node's name if this devfreq entry is a Tegra GPU: `17000000.ga10b`.
fn tegra(sys: &SysRoot, entry: &Path) -> Option<String> {
    let node = sys.text(entry.join("device/of_node/name")).value().map(|text| line(text));
    let file = entry.file_name()?.to_string_lossy();
    let suffix = file.rsplit('.').next().map(str::to_owned);
    [node, suffix].into_iter().flatten().find(|name| TEGRA.contains(&name.as_str()))
}

fn gpu(sys: &SysRoot, thermal: &[ThermalZone], entry: &Path, node: String) -> Gpu {
    let source = entry.display().to_string();
    Gpu {
        name: Reading::of(node, source),
        via: "devfreq".to_owned(),
        // The GPU shares the main memory.
        memory_total: Reading::Absent,
        memory_used: Reading::Absent,
        clock: sys.number::<u64>(entry.join("cur_freq")).map(Hertz),
        temperature: temperature(thermal),
        load: load(sys, entry),
    }
}

fn load(sys: &SysRoot, entry: &Path) -> Reading<f64> {
    let places = [entry.join("device/load")].into_iter().chain(LOAD.map(PathBuf::from));
    let readings = places.map(|path| sys.number::<u32>(path));
    let found = readings.fold(Reading::Absent, |found: Reading<u32>, next| found.or_else(|| next));
    found.and_then(|tenths| (tenths <= 1000).then(|| f64::from(tenths) / 1000.0))
}

fn temperature(thermal: &[ThermalZone]) -> Reading<Celsius> {
    let zone = thermal.iter().find(|zone| zone.zone.to_ascii_lowercase().starts_with("gpu"));
    zone.map_or(Reading::Absent, |zone| zone.temperature.clone())
}
