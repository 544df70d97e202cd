//! Energy over a window: what a meter said, integrated; or why there is nothing to say.

use std::time::Duration;

use super::Energy;
use crate::base::{Joules, Reading, Watts};
use crate::board::power::{Meter, Sample};
use crate::child::Context;

/// A shorter window says more about its edges than about the model.
pub(super) const SHORTEST: Duration = Duration::from_millis(500);
/// Looks at a power that make an integral.
const FEWEST: u32 = 5;
/// How often an idle board is looked at.
const IDLE_TICK: Duration = Duration::from_millis(100);

/// Why there is no energy.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(super) enum NoEnergy {
    #[error("no power meter answers")]
    NoMeter,
    #[error("energy is absent: {looks} looks at the meter in {seconds:.2} s are too few")]
    TooShort { looks: u32, seconds: f64 },
    #[error("energy is absent: the meter stopped answering")]
    Lost,
    #[error("energy is absent: the meter did not move")]
    Still,
}

/// Energy of a window and its length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Total {
    pub(super) joules: Joules,
    pub(super) seconds: f64,
}

/// Integrates what a meter says: power by the trapezoidal rule, a counter by difference.
#[derive(Debug, Default)]
struct Integral {
    first: Option<Duration>,
    last: Option<(Duration, Sample)>,
    joules: f64,
    looks: u32,
    is_counter: bool,
    broken: bool,
}

impl Integral {
    fn add(&mut self, at: Duration, sample: Sample) {
        if let Some((before, earlier)) = self.last {
            match step(earlier, sample, at.saturating_sub(before).as_secs_f64()) {
                Some(joules) => self.joules += joules,
                None => self.broken = true,
            }
        }
        self.is_counter = matches!(sample, Sample::Energy { .. });
        self.first = self.first.or(Some(at));
        self.last = Some((at, sample));
        self.looks += 1;
    }

    fn total(&self) -> Result<Total, NoEnergy> {
        let (Some(first), Some((last, _))) = (self.first, self.last) else {
            return Err(NoEnergy::Lost);
        };
        let (span, looks) = (last.saturating_sub(first), self.looks);
        let seconds = span.as_secs_f64();
        if self.broken {
            return Err(NoEnergy::Lost);
        }
        if span < SHORTEST || (looks < FEWEST && !self.is_counter) {
            return Err(NoEnergy::TooShort { looks, seconds });
        }
        if self.joules <= 0.0 {
            return Err(NoEnergy::Still);
        }
        Ok(Total { joules: Joules(self.joules), seconds })
    }
}

/// Joules between two looks; `None` where they do not belong together.
fn step(earlier: Sample, later: Sample, seconds: f64) -> Option<f64> {
    match (earlier, later) {
        (Sample::Power(a), Sample::Power(b)) => Some((a.0 + b.0) / 2.0 * seconds),
        (Sample::Energy { total: a, .. }, Sample::Energy { total: b, .. }) if b >= a => {
            Some(b.0 - a.0)
        }
        // It has started again, once: we look far more often than it wraps.
        (Sample::Energy { total: a, wraps_at }, Sample::Energy { total: b, .. }) => {
            wraps_at.map(|top| top.0 - a.0 + b.0)
        }
        _ => None,
    }
}

/// A meter and what it has said in one window.
#[derive(Debug)]
pub(super) struct Gauge<'a> {
    meter: &'a mut dyn Meter,
    integral: Integral,
    answered: bool,
}

impl<'a> Gauge<'a> {
    /// The best meter that answers.
    pub(super) fn best(meters: &'a mut [Box<dyn Meter>]) -> Option<Self> {
        let meter = meters.iter_mut().find_map(|meter| {
            let answers = matches!(meter.sample(), Reading::Value { .. });
            answers.then_some(&mut **meter)
        })?;
        Some(Self { meter, integral: Integral::default(), answered: false })
    }

    /// Begins a window.
    pub(super) fn begin(&mut self, at: Duration) {
        self.integral = Integral::default();
        self.look(at);
        // Without a look at the beginning the window would be shorter than it claims.
        self.integral.broken = !self.answered;
    }

    /// Looks once. A look that fails is bridged by its neighbours.
    pub(super) fn look(&mut self, at: Duration) {
        let sample = self.meter.sample();
        self.answered = sample.value().is_some();
        if let Some(sample) = sample.value() {
            self.integral.add(at, *sample);
        }
    }

    /// Ends the window.
    pub(super) fn end(&mut self, at: Duration) -> Result<Total, NoEnergy> {
        self.look(at);
        if !self.answered {
            return Err(NoEnergy::Lost);
        }
        self.integral.total()
    }

    /// Energy of one of so many inferences. Net is absent where idle was not measured, or
    /// where the difference is no more than noise.
    pub(super) fn energy(&self, total: Total, inferences: usize, idle: Option<Watts>) -> Energy {
        let each = |joules: f64| Joules(joules / inferences.max(1) as f64);
        let net = idle.map(|idle| total.joules.0 - idle.0 * total.seconds);
        Energy {
            gross: each(total.joules.0),
            net: net.filter(|joules| *joules > 0.0).map(each),
            source: self.meter.source().to_owned(),
            scope: self.meter.scope(),
        }
    }
}

/// Mean power of the board while nothing is measured on it, from the best meter;
/// `None` without one, or where `span` is under half a second.
pub fn measure_idle(
    meters: &mut [Box<dyn Meter>],
    ctx: Context<'_>,
    span: Duration,
) -> Option<Watts> {
    let mut gauge = Gauge::best(meters)?;
    let started = ctx.clock.now();
    gauge.begin(started);
    while ctx.clock.now().saturating_sub(started) < span {
        if ctx.stop.wanted() {
            return None;
        }
        ctx.clock.sleep(IDLE_TICK);
        gauge.look(ctx.clock.now());
    }
    let total = gauge.end(ctx.clock.now()).ok()?;
    Some(Watts(total.joules.0 / total.seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn counter(joules: f64, wraps_at: Option<f64>) -> Sample {
        Sample::Energy { total: Joules(joules), wraps_at: wraps_at.map(Joules) }
    }

    #[test]
    fn power_is_integrated_by_trapezoids() {
        let mut integral = Integral::default();
        for k in 0..=10 {
            integral.add(at(k * 100), Sample::Power(Watts(2.0 + k as f64 / 5.0)));
        }
        let total = integral.total().unwrap();
        assert!((total.joules.0 - 3.0).abs() < 1e-9, "{total:?}");
        assert!((total.seconds - 1.0).abs() < 1e-9);
    }

    #[test]
    fn counters_wrap_where_they_say() {
        let mut integral = Integral::default();
        for (k, joules) in [90.0, 95.0, 3.0, 8.0].into_iter().enumerate() {
            integral.add(at(k as u64 * 300), counter(joules, Some(100.0)));
        }
        assert!((integral.total().unwrap().joules.0 - 18.0).abs() < 1e-9);
        let mut reset = Integral::default();
        for (k, joules) in [90.0, 1.0].into_iter().enumerate() {
            reset.add(at(k as u64 * 900), counter(joules, None));
        }
        assert_eq!(reset.total(), Err(NoEnergy::Lost));
    }

    #[test]
    fn too_little_to_go_by_is_said_and_not_guessed() {
        let mut few = Integral::default();
        for k in 0..4 {
            few.add(at(k * 300), Sample::Power(Watts(3.0)));
        }
        assert!(matches!(few.total(), Err(NoEnergy::TooShort { looks: 4, .. })));
        let mut short = Integral::default();
        for k in 0..20 {
            short.add(at(k * 20), Sample::Power(Watts(3.0)));
        }
        assert!(matches!(short.total(), Err(NoEnergy::TooShort { looks: 20, .. })));
        let mut still = Integral::default();
        for k in 0..10 {
            still.add(at(k * 100), counter(50.0, None));
        }
        assert_eq!(still.total(), Err(NoEnergy::Still));
        assert_eq!(Integral::default().total(), Err(NoEnergy::Lost));
    }
}
