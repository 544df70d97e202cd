//! Energy counters of x86 processors (RAPL), through the kernel's powercap files.
//!
//! `/sys/class/powercap/intel-rapl:N/energy_uj` counts microjoules of one package
//! and starts again after `max_energy_range_uj`; AMD uses the same names. Since
//! Linux 5.10 root alone may read it. <https://docs.kernel.org/power/powercap/powercap.html>

use std::path::{Path, PathBuf};

use super::{Meter, Rail, Sample, Scope};
use crate::base::{Joules, Reading, SysRoot, Watts};
use crate::board::text::line;

/// One counter.
#[derive(Debug)]
struct Zone {
    label: String,
    counter: PathBuf,
    range: Reading<u64>,
    last: Option<u64>,
}

/// All packages and memory controllers: what the processors draw, not the board.
#[derive(Debug)]
struct Rapl {
    sys: SysRoot,
    zones: Vec<Zone>,
    microjoules: u64,
}

/// The meter, where the kernel offers any counter.
pub(super) fn meter(sys: &SysRoot) -> Option<Box<dyn Meter>> {
    let folders = sys.list("/sys/class/powercap").into_iter();
    let zones: Vec<Zone> = folders.filter_map(|folder| zone(sys, &folder)).take(64).collect();
    (!zones.is_empty())
        .then(|| Box::new(Rapl { sys: sys.clone(), zones, microjoules: 0 }) as Box<dyn Meter>)
}

/// Packages (`intel-rapl:0`) and their `dram` (`intel-rapl:0:2`), which is beside the
/// package; `core` and `uncore` are inside it, and `psys` would count it again.
fn zone(sys: &SysRoot, folder: &Path) -> Option<Zone> {
    let number = folder.file_name()?.to_str()?.strip_prefix("intel-rapl:")?;
    let label = sys.text(folder.join("name")).value().map(|text| line(text))?;
    let wanted = if number.contains(':') { label == "dram" } else { label.starts_with("package") };
    wanted.then(|| Zone {
        label: format!("{label} {number}"),
        counter: folder.join("energy_uj"),
        range: sys.number(folder.join("max_energy_range_uj")),
        last: None,
    })
}

impl Zone {
    /// What was counted since the last look, across one wrap.
    fn advance(&mut self, sys: &SysRoot) -> Reading<u64> {
        let (last, range) = (self.last, self.range.value().copied());
        let now = sys.number::<u64>(&self.counter);
        self.last = now.value().copied();
        now.and_then(|now| match last {
            None => Some(0),
            Some(last) if now >= last => Some(now - last),
            // The range is the largest value, so that the step over zero is one more.
            Some(last) => (range?.checked_sub(last)?).checked_add(now)?.checked_add(1),
        })
    }
}

impl Meter for Rapl {
    fn source(&self) -> &str {
        "rapl"
    }

    fn scope(&self) -> Scope {
        Scope::Rail
    }

    /// A counter has no power "now": unsupported where it can be read, else the reason.
    fn rails(&mut self) -> Vec<Rail> {
        let zones = self.zones.iter().map(|zone| Rail {
            label: zone.label.clone(),
            power: match self.sys.number::<u64>(&zone.counter) {
                Reading::Value { .. } => Reading::Unsupported,
                reason => reason.map(|_| Watts(0.0)),
            },
            counted: true,
        });
        zones.collect()
    }

    /// The sum of all counters since the meter was opened, already unwrapped: look at
    /// least once per wrap (tens of minutes at full power). A counter that did not
    /// answer makes the sample unknown; it is counted from its next answer on.
    fn sample(&mut self) -> Reading<Sample> {
        let mut failed = None;
        for zone in &mut self.zones {
            match zone.advance(&self.sys) {
                Reading::Value { value, .. } => {
                    self.microjoules = self.microjoules.saturating_add(value);
                }
                reason => failed = Some(reason),
            }
        }
        let total = Joules(self.microjoules as f64 * 1e-6);
        let sample = Sample::Energy { total, wraps_at: None };
        failed.map_or_else(|| Reading::of(sample, "rapl"), |reason| reason.and_then(|_| None))
    }
}
