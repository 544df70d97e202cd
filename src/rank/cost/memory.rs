//! Peak memory: the analytic bound, and beside it what the runtime takes.
//!
//! A process is mostly runtime, whose share no file tells: it is learned from the models that
//! were measured here, as a sum beside the bound and a factor on it that is 1 until they show
//! otherwise.

use super::{Guess, REACH};

/// A model's memory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Footprint {
    /// Weights and peak activations, bytes.
    pub bound: f64,
    /// Measured peak of the process, bytes.
    pub measured: Option<f64>,
}

/// Variance of the factor on the bound.
const FACTOR: f64 = 0.25;
/// What two runs of one model differ by, as a share of the peak.
const AGAIN: f64 = 0.02;

/// Predicts every model from the others. Without measurements the bound stands, which no
/// process keeps to: it is then its own lower end, and there is no upper one.
#[must_use]
pub fn footprints(models: &[Footprint]) -> Vec<Guess> {
    (0..models.len())
        .filter_map(|at| Some(from_others(models, at, models.get(at)?.bound)))
        .collect()
}

fn from_others(models: &[Footprint], at: usize, bound: f64) -> Guess {
    let others = models.iter().enumerate().filter(|(other, _)| *other != at);
    let known: Vec<(f64, f64)> =
        others.filter_map(|(_, model)| Some((model.bound, model.measured?))).collect();
    if known.is_empty() {
        return Guess { cost: bound, low: bound, high: f64::INFINITY };
    }
    let count = known.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| known.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|known| known.0), mean(|known| known.1));
    let moment = |of: &dyn Fn(f64, f64) -> f64| {
        known.iter().map(|(bound, peak)| of(bound - x, peak - y)).sum::<f64>()
    };
    let (xx, xy) = (moment(&|dx, _| dx * dx), moment(&|dx, dy| dx * dy));
    // A ridge towards the factor 1, as strong as the noise of a peak asks for.
    let noise = (AGAIN * y) * (AGAIN * y);
    let pull = noise / FACTOR;
    let factor = ((xy + pull) / (xx + pull).max(f64::MIN_POSITIVE)).max(0.0);
    let cost = y + factor * (bound - x);
    let left = moment(&|dx, dy| (dy - factor * dx) * (dy - factor * dx));
    let spread = (left + noise) / count;
    let lever = noise * (bound - x) * (bound - x) / (xx + pull).max(f64::MIN_POSITIVE);
    let reach = REACH * (spread * (1.0 + 1.0 / count) + lever).sqrt();
    Guess { cost, low: (cost - reach).max(0.0), high: cost + reach }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn footprint(bound: f64, measured: Option<f64>) -> Footprint {
        Footprint { bound, measured }
    }

    #[test]
    fn without_measurements_the_bound_stands_and_nothing_bounds_it_from_above() {
        let found = footprints(&[footprint(3e6, None)]);
        assert_eq!((found[0].cost, found[0].low, found[0].high), (3e6, 3e6, f64::INFINITY));
    }

    #[test]
    fn a_runtime_of_ten_megabytes_is_learned_from_two_models() {
        let of = |bound: f64| footprint(bound, Some(10e6 + bound));
        let found = footprints(&[of(1e6), of(3e6), footprint(2e6, None)]);
        assert!((found[2].cost - 12e6).abs() < 1e4, "{found:?}");
        assert!(found[2].low > 10e6 && found[2].high < 14e6, "{found:?}");
        // Of the first only the second tells, and so little of the factor.
        assert!((found[0].cost - 11e6).abs() < 1e4, "{found:?}");
    }
}
