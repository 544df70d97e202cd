//! NVIDIA's management library, metric by metric: the only file that knows it.
//!
//! A library that opens proves nothing: on Jetson it starts, counts one device and
//! refuses nearly every question. Each question is therefore a reading of its own,
//! and no library at all is an empty list. Only the versioned name is opened: the
//! unversioned one may be the stub of a CUDA toolkit (`.../stubs/libnvidia-ml.so`).

use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::Arc;

use nvml_wrapper::enum_wrappers::device::{Clock, TemperatureSensor};
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, Nvml};

use super::facts::Gpu;
use super::power::{Meter, Rail, Sample, Scope};
use super::text::line;
use crate::base::{Bytes, Celsius, Hertz, Joules, Reading, SysRoot, Watts};

const LIBRARY: &str = "libnvidia-ml.so.1";

/// The library, where it could be opened. A recorded tree has none.
#[derive(Debug)]
pub(super) struct Library(Option<Arc<Nvml>>);

impl Library {
    pub(super) fn open(sys: &SysRoot) -> Self {
        let open = || match Nvml::builder().lib_path(OsStr::new(LIBRARY)).init() {
            Ok(nvml) => Some(Arc::new(nvml)),
            Err(error) => {
                log::debug!("no NVML: {error}");
                None
            }
        };
        Self(sys.is_live().then(open).flatten())
    }

    pub(super) fn gpus(&self) -> Vec<Gpu> {
        let Some(nvml) = &self.0 else { return Vec::new() };
        indices(nvml)
            .filter_map(|index| nvml.device_by_index(index).ok())
            .map(|d| gpu(&d))
            .collect()
    }

    /// One meter per device that tells power or energy, or that refuses for lack of
    /// rights. A device that does not support either has no meter.
    pub(super) fn meters(&self) -> Vec<Box<dyn Meter>> {
        let Some(nvml) = &self.0 else { return Vec::new() };
        let meters = indices(nvml).map(|index| NvmlMeter::new(nvml, index));
        meters
            .filter(|meter| !matches!(meter.read(), Reading::Unsupported | Reading::Absent))
            .map(|meter| Box::new(meter) as Box<dyn Meter>)
            .collect()
    }
}

fn indices(nvml: &Nvml) -> std::ops::Range<u32> {
    0..nvml.device_count().unwrap_or(0).min(64)
}

fn gpu(device: &Device<'_>) -> Gpu {
    let memory = || device.memory_info();
    Gpu {
        name: reading("name", device.name()).map(|name| line(&name)),
        via: "nvml".to_owned(),
        memory_total: reading("memory", memory()).map(|memory| Bytes(memory.total)),
        memory_used: reading("memory", memory()).map(|memory| Bytes(memory.used)),
        clock: reading("clock", device.clock_info(Clock::Graphics))
            .map(|mhz| Hertz(u64::from(mhz) * 1_000_000)),
        temperature: reading("temperature", device.temperature(TemperatureSensor::Gpu))
            .map(|degrees| Celsius(f64::from(degrees))),
        load: reading("utilisation", device.utilization_rates())
            .map(|rates| f64::from(rates.gpu) / 100.0),
    }
}

/// What an answer of the library means.
fn reading<T>(metric: &str, answer: Result<T, NvmlError>) -> Reading<T> {
    match answer {
        Ok(value) => Reading::of(value, format!("nvml {metric}")),
        Err(
            NvmlError::NotSupported
            | NvmlError::FailedToLoadSymbol(_)
            | NvmlError::FunctionNotFound,
        ) => Reading::Unsupported,
        Err(NvmlError::NoPermission) => Reading::Denied(PathBuf::from(LIBRARY)),
        Err(NvmlError::NotFound) => Reading::Absent,
        Err(error) => {
            log::debug!("nvml {metric}: {error}");
            Reading::Stale
        }
    }
}

/// The energy counter where the device has one (Volta and later), else its power.
#[derive(Debug)]
struct NvmlMeter {
    nvml: Arc<Nvml>,
    index: u32,
    source: String,
}

impl NvmlMeter {
    fn new(nvml: &Arc<Nvml>, index: u32) -> Self {
        let name = nvml.device_by_index(index).and_then(|device| device.name());
        let name = line(&name.unwrap_or_default());
        Self { nvml: Arc::clone(nvml), index, source: format!("nvml {index} {name}") }
    }

    fn power(&self) -> Reading<Watts> {
        let milliwatts = self.nvml.device_by_index(self.index).and_then(|d| d.power_usage());
        reading("power", milliwatts).map(|milli| Watts(f64::from(milli) / 1000.0))
    }

    fn read(&self) -> Reading<Sample> {
        let device = self.nvml.device_by_index(self.index);
        let millijoules = device.and_then(|device| device.total_energy_consumption());
        reading("energy", millijoules)
            .map(|milli| Sample::Energy { total: Joules(milli as f64 / 1000.0), wraps_at: None })
            .or_else(|| self.power().map(Sample::Power))
    }
}

impl Meter for NvmlMeter {
    fn source(&self) -> &str {
        &self.source
    }

    fn scope(&self) -> Scope {
        Scope::Rail
    }

    fn rails(&mut self) -> Vec<Rail> {
        vec![Rail { label: "GPU".to_owned(), power: self.power(), counted: true }]
    }

    fn sample(&mut self) -> Reading<Sample> {
        self.read()
    }
}
