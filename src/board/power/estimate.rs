//! The last resort: a figure computed from the profile and the processors' load.
//!
//! `idle + (max - idle) * busy`, with the bare board's published figures. It says
//! `estimate` wherever it appears and exists only where a profile has figures.

use super::{Meter, Rail, Sample, Scope};
use crate::base::{Reading, SysRoot, Watts};
use crate::board::profile::{Power, Profile};

/// Busy and total time of all processors since boot, in clock ticks.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Ticks {
    busy: u64,
    total: u64,
}

#[derive(Debug)]
struct Estimate {
    sys: SysRoot,
    source: String,
    figures: Power,
    last: Ticks,
    busy: f64,
}

/// The estimate for this board, where its profile has figures.
pub(super) fn meter(sys: &SysRoot, profile: &Profile) -> Option<Box<dyn Meter>> {
    let figures = profile.power.clone()?;
    Some(Box::new(Estimate {
        sys: sys.clone(),
        source: format!("estimate {} ({})", profile.id, figures.source),
        figures,
        last: Ticks::default(),
        busy: 0.0,
    }))
}

impl Estimate {
    /// Load since the last look (since boot at the first), and the power it stands for.
    fn power(&mut self) -> Reading<Watts> {
        let stat = self.sys.text("/proc/stat").and_then(|text| ticks(&text));
        stat.map(|now| {
            let total = now.total.saturating_sub(self.last.total);
            if total > 0 {
                let busy = now.busy.saturating_sub(self.last.busy);
                self.busy = (busy as f64 / total as f64).clamp(0.0, 1.0);
                self.last = now;
            }
            let Power { idle_w, max_w, .. } = self.figures;
            Watts(idle_w + (max_w - idle_w) * self.busy)
        })
    }
}

/// The first line of `/proc/stat`: user nice system idle iowait irq softirq steal ...
/// Guest time is in user time already.
fn ticks(text: &str) -> Option<Ticks> {
    let line = text.lines().next()?.strip_prefix("cpu ")?;
    let fields = line.split_whitespace().take(8).map(str::parse);
    let fields: Vec<u64> = fields.collect::<Result<_, _>>().ok()?;
    let total = fields.iter().try_fold(0u64, |sum, field| sum.checked_add(*field))?;
    let idle = fields.get(3)?.checked_add(*fields.get(4).unwrap_or(&0))?;
    Some(Ticks { busy: total.checked_sub(idle)?, total })
}

impl Meter for Estimate {
    fn source(&self) -> &str {
        &self.source
    }

    fn scope(&self) -> Scope {
        Scope::Estimate
    }

    fn rails(&mut self) -> Vec<Rail> {
        vec![Rail { label: "board".to_owned(), power: self.power(), counted: true }]
    }

    fn sample(&mut self) -> Reading<Sample> {
        self.power().map(Sample::Power)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_and_waiting_for_disks_are_not_busy() {
        let stat = "cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 2 3 4\n";
        assert_eq!(ticks(stat), Some(Ticks { busy: 150, total: 1000 }));
        assert_eq!(ticks("cpu  1 2\n"), None);
        assert_eq!(ticks("cpu  18446744073709551615 1 1 1 1\n"), None);
    }
}
