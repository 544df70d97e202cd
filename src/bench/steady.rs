//! The steady part: run after run, until enough is known.
//!
//! Owns the rule that ends a measurement. It knows neither what a run is nor where samples
//! go, so that the tests can hold it against runs whose distribution is known.

use std::time::Duration;

use super::{Plan, stats};
use crate::base::{Clock, Micros};

/// Samples are handed on about so often, so that the parent sees that the worker lives.
const BLOCK: Duration = Duration::from_millis(50);
/// The interval of the median that ends the measurement before its time.
const SURE: f64 = 0.02;
/// Drift that goes on measuring.
const DRIFT: f64 = 0.05;
/// Of so many samples the smallest lies above the median once in 256 times.
const DECIDED: usize = 8;

/// Runs until the rule says stop. `run` gives nanoseconds; `send` gets each sample once, in
/// order, a block at a time.
///
/// # Errors
/// Whatever `run` or `send` say.
pub fn steady<E>(
    plan: &Plan,
    clock: &dyn Clock,
    mut run: impl FnMut() -> Result<u64, E>,
    mut send: impl FnMut(&[u64]) -> Result<(), E>,
) -> Result<(), E> {
    let started = clock.now();
    let mut rule = Rule { plan, look_at: plan.min_time };
    let (mut samples, mut sent, mut block_ends) = (Vec::new(), 0, BLOCK);
    loop {
        samples.push(run()?);
        let spent = clock.now().saturating_sub(started);
        let full = rule.is_full(samples.len(), spent) || rule.is_decided(&samples);
        if !full && spent < block_ends {
            continue;
        }
        send(samples.get(sent..).unwrap_or_default())?;
        (sent, block_ends) = (samples.len(), spent + BLOCK);
        if full || rule.is_enough(&samples, spent) {
            return Ok(());
        }
    }
}

/// When to stop.
struct Rule<'p> {
    plan: &'p Plan,
    look_at: Duration,
}

impl Rule<'_> {
    /// The plan's bounds are reached.
    fn is_full(&self, samples: usize, spent: Duration) -> bool {
        let Plan { glance, min_samples, max_samples, max_time, patience, .. } = *self.plan;
        let longest = if samples >= min_samples as usize { max_time } else { patience };
        let most = glance.unwrap_or(max_samples);
        spent >= longest || samples >= most as usize
    }

    /// The median is beyond what could still matter, and no further sample would bring it
    /// back: all of the first few lie there.
    fn is_decided(&self, samples: &[u64]) -> bool {
        let Some(Micros(bound)) = self.plan.hopeless_above else { return false };
        samples.len() == DECIDED && samples.iter().all(|&nanos| nanos as f64 > bound * 1000.0)
    }

    /// More samples would change little.
    fn is_enough(&mut self, samples: &[u64], spent: Duration) -> bool {
        if spent < self.look_at || samples.len() < self.plan.min_samples as usize {
            return false;
        }
        // Looking costs time that is nobody's inference: look less and less often.
        self.look_at = spent + spent / 4;
        stats::uncertainty(samples).is_some_and(|width| width <= SURE)
            && stats::drift(samples).is_some_and(|drift| drift.abs() <= DRIFT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::FakeClock;
    use crate::base::random::SplitMix64;

    /// Runs of the real loop behind every figure below.
    const SEEDS: u64 = 2000;

    /// A model whose latencies come from a known distribution.
    struct Scripted {
        random: SplitMix64,
        /// Where the slow wave stands, for a model that has one.
        wave: f64,
    }

    impl Scripted {
        /// Uniform in (0, 1].
        fn left(&mut self) -> f64 {
            1.0 - self.random.unit()
        }

        fn normal(&mut self) -> f64 {
            let radius = (-2.0 * self.left().ln()).sqrt();
            radius * (std::f64::consts::TAU * self.random.unit()).cos()
        }
    }

    /// A distribution of latencies in milliseconds: its name, how to draw, its true median
    /// and 90th percentile.
    struct Law {
        name: &'static str,
        draw: fn(&mut Scripted) -> f64,
        median: f64,
        p90: f64,
    }

    const MS: f64 = 4.0;
    /// The standard normal distribution's 90th percentile.
    const Z90: f64 = 1.281_551_565_545;

    fn ar1(scripted: &mut Scripted, correlation: f64) -> f64 {
        let fresh = (1.0 - correlation * correlation).sqrt() * scripted.normal();
        scripted.wave = correlation * scripted.wave + fresh;
        MS * (0.05 * scripted.wave).exp()
    }

    fn laws() -> Vec<Law> {
        let log_normal = MS * (0.05 * Z90).exp();
        let law = |name, draw, median, p90| Law { name, draw, median, p90 };
        vec![
            law("log-normal, 5 %", |s| MS * (0.05 * s.normal()).exp(), MS, log_normal),
            law(
                "exponential tail, 10 %",
                |s| MS * (1.0 - 0.1 * s.left().ln()),
                MS * (1.0 + 0.1 * 2f64.ln()),
                MS * (1.0 + 0.1 * 10f64.ln()),
            ),
            // Four in five about MS, one in five about 2 MS: the median is the 62.5th
            // percentile of the first, the 90th that of the second's middle.
            law(
                "bimodal, 80:20",
                |s| {
                    let slow = s.random.unit() < 0.2;
                    MS * if slow { 2.0 } else { 1.0 } * (0.02 * s.normal()).exp()
                },
                MS * (0.02 * 0.318_639_363_964f64).exp(),
                2.0 * MS,
            ),
            law("AR(1), 0.5", |s| ar1(s, 0.5), MS, log_normal),
            law("AR(1), 0.9", |s| ar1(s, 0.9), MS, log_normal),
            law("AR(1), 0.98", |s| ar1(s, 0.98), MS, log_normal),
        ]
    }

    /// Shares of the runs whose bound covers the true percentile, whose interval covers the
    /// true median, and the mean number of samples.
    fn coverage(law: &Law, plan: &Plan) -> [f64; 3] {
        let (mut bounded, mut within, mut samples) = (0, 0, 0);
        for seed in 0..SEEDS {
            let clock = FakeClock::default();
            let mut scripted = Scripted { random: SplitMix64::new(seed << 20), wave: 0.0 };
            scripted.wave = scripted.normal();
            let mut found = Vec::new();
            let run = || {
                let nanos = (law.draw)(&mut scripted) * 1e6;
                clock.advance(Duration::from_nanos(nanos as u64));
                Ok::<u64, ()>(nanos as u64)
            };
            steady(plan, &clock, run, |block| {
                found.extend_from_slice(block);
                Ok(())
            })
            .unwrap();
            let latency = stats::latency(&found).unwrap();
            let stats::Interval { low, high, .. } = stats::median_interval(&found).unwrap();
            bounded += u64::from(latency.p90_upper.unwrap().millis() >= law.p90);
            within += u64::from((low..=high).contains(&(law.median * 1e6)));
            samples += latency.samples;
        }
        [bounded, within, samples].map(|count| count as f64 / SEEDS as f64)
    }

    #[test]
    fn what_is_promised_is_covered_and_what_correlation_takes_is_printed() {
        // Three standard errors of a share of so many runs.
        let below = |share: f64| share - 3.0 * (share * (1.0 - share) / SEEDS as f64).sqrt();
        println!("latencies               p90_upper >= p90   median in 95 %   samples");
        for law in laws() {
            let [bounded, within, samples] = coverage(&law, &Plan::quick());
            let [b, w] = [bounded, within].map(|share| share * 100.0);
            println!("{:<24} {b:>14.1} % {w:>14.1} % {samples:>9.0}", law.name);
            if !law.name.starts_with("AR(1)") {
                assert!(bounded >= below(0.99), "{}: {bounded}", law.name);
                assert!(within >= below(0.95), "{}: {within}", law.name);
            }
        }
    }
}
