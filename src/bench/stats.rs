//! What raw samples say.
//!
//! Percentiles are nearest-rank, the median is the usual one. The upper bound is
//! LoadGen's early-stopping estimate (mlcommons/inference, `loadgen/early_stopping.cc`):
//! it assumes independent samples. They are not quite, hence the interval of the
//! median comes from medians of blocks, and drift is looked for apart.

use super::{Latency, Outliers};
use crate::base::Micros;

/// LoadGen's confidence.
const CONFIDENCE: f64 = 0.99;
/// Blocks whose medians give the interval of the median: enough for a 95 % interval
/// by order statistics, few enough to swallow what neighbours have in common.
const BLOCKS: usize = 20;
/// A one-sided tail of a two-sided 95 % interval.
const TAIL: f64 = 0.025;
/// Half a 95 % interval of what the median of one process differs from that of the next, as
/// a share of it: where its pages lie, which neighbours it has. One process cannot see it.
const BETWEEN: f64 = 0.02;
/// Samples that a spread is said of at least.
const FEWEST: usize = 8;
/// The highest correlation of neighbours that an interval is stretched for.
const MOST_ALIKE: f64 = 0.95;
/// Interquartile ranges between the third quartile and Tukey's outer fence.
const FENCE: f64 = 3.0;

/// A median with the ends of its 95 % interval.
#[derive(Debug, Clone, Copy)]
pub(super) struct Interval {
    pub(super) low: f64,
    pub(super) median: f64,
    pub(super) high: f64,
}

impl Interval {
    /// From the median to the farther end.
    fn half_width(self) -> f64 {
        (self.median - self.low).max(self.high - self.median)
    }
}

/// Latency from steady samples in nanoseconds, in the order they were taken.
#[must_use]
pub fn latency(samples: &[u64]) -> Option<Latency> {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    let micros = |nanos: u64| Micros(nanos as f64 / 1000.0);
    let interval = median_interval(samples)?;
    Some(Latency {
        p50: Micros(median_of_sorted(&sorted)? / 1000.0),
        p90: micros(percentile(&sorted, 0.90)?),
        p90_upper: upper_bound(&sorted, 0.90).map(micros),
        p99: micros(percentile(&sorted, 0.99)?),
        mean: Micros(mean(&sorted) / 1000.0),
        standard_error: standard_error(samples).map(|nanos| Micros(nanos / 1000.0)),
        spread: spread(samples),
        samples: sorted.len() as u64,
        p50_half_width: Micros(interval.half_width().hypot(BETWEEN * interval.median) / 1000.0),
        outliers: outliers(&sorted)?,
    })
}

/// Standard error of the mean: the deviation of the means of blocks, which holds what
/// neighbours have in common, over the root of their number.
fn standard_error(samples: &[u64]) -> Option<f64> {
    if samples.len() < FEWEST {
        return None;
    }
    let means: Vec<f64> = blocks(samples).map(mean).collect();
    let (count, middle) = (means.len() as f64, means.iter().sum::<f64>() / means.len() as f64);
    let squares: f64 = means.iter().map(|mean| (mean - middle).powi(2)).sum();
    Some((squares / (count - 1.0) / count).sqrt())
}

/// Standard deviation of the logarithms, about that of the median.
fn spread(samples: &[u64]) -> f64 {
    let Some(median) = median(samples) else { return 0.0 };
    let squares = samples.iter().map(|&nanos| (nanos.max(1) as f64 / median.max(1.0)).ln().powi(2));
    (squares.sum::<f64>() / samples.len().saturating_sub(1).max(1) as f64).sqrt()
}

fn mean(samples: &[u64]) -> f64 {
    samples.iter().map(|&nanos| nanos as f64).sum::<f64>() / samples.len().max(1) as f64
}

fn outliers(sorted: &[u64]) -> Option<Outliers> {
    let (first, third) = (percentile(sorted, 0.25)? as f64, percentile(sorted, 0.75)? as f64);
    let fence = third + FENCE * (third - first);
    let inside = sorted.partition_point(|&nanos| nanos as f64 <= fence);
    let beyond = sorted.get(inside..)?;
    let sum = |samples: &[u64]| samples.iter().map(|&nanos| nanos as f64).sum::<f64>();
    Some(Outliers {
        above: Micros(fence / 1000.0),
        count: beyond.len() as u64,
        time_share: sum(beyond) / sum(sorted).max(1.0),
    })
}

/// Nearest rank: the smallest sample that at least this share does not exceed.
fn percentile(sorted: &[u64], share: f64) -> Option<u64> {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied()
}

fn median_of_sorted(sorted: &[u64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)? as f64;
    let lower = *sorted.get(sorted.len().checked_sub(1)? / 2)? as f64;
    Some((lower + upper) / 2.0)
}

/// Median of samples in any order.
pub(super) fn median(samples: &[u64]) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    median_of_sorted(&sorted)
}

/// LoadGen's estimate: with `t` the most overlatencies that would be seen with a
/// probability of 1 % at most if the true percentile were higher, the `t`-th largest
/// sample. `None` below the floor, where `t` would be zero.
fn upper_bound(sorted: &[u64], share: f64) -> Option<u64> {
    let at_most = overlatencies(sorted.len(), 1.0 - share, 1.0 - CONFIDENCE)?;
    sorted.get(sorted.len().checked_sub(at_most)?).copied()
}

/// The largest `t >= 1` with P(X <= t) <= `bound`, X ~ Binomial(`n`, `rate`).
fn overlatencies(n: usize, rate: f64, bound: f64) -> Option<usize> {
    let within = binomial_cdf(n, rate).take_while(|&probability| probability <= bound).count();
    within.checked_sub(1).filter(|&t| t >= 1)
}

/// P(X <= 0), P(X <= 1), ... for X ~ Binomial(`n`, `rate`); term after term in
/// logarithms, so that a term too small for a float is lost and not the rest.
fn binomial_cdf(n: usize, rate: f64) -> impl Iterator<Item = f64> {
    let odds = (rate / (1.0 - rate)).ln();
    let first = n as f64 * (1.0 - rate).ln();
    let terms = std::iter::successors(Some((0usize, first)), move |&(k, log)| {
        (k < n).then(|| (k + 1, log + ((n - k) as f64 / (k + 1) as f64).ln() + odds))
    });
    terms.scan(0.0, |sum, (_, log)| {
        *sum += log.exp();
        Some(*sum)
    })
}

/// A 95 % interval of the median by order statistics: the union of that of the medians of
/// consecutive blocks, which holds what neighbours have in common, and that of the samples
/// themselves (small blocks of skewed samples are off centre), stretched by what the
/// correlation of neighbours takes from their number.
pub(super) fn median_interval(samples: &[u64]) -> Option<Interval> {
    let blocks = block_interval(samples)?;
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    let (low, high) = middle(&sorted, |&nanos| nanos as f64)?;
    let median = median_of_sorted(&sorted)?;
    let stretch = stretch(samples, median);
    let (below, above) = (stretch * (median - low), stretch * (high - median));
    let (low, high) = (blocks.0.min(median - below), blocks.1.max(median + above));
    Some(Interval { low, median, high })
}

fn block_interval(samples: &[u64]) -> Option<(f64, f64)> {
    let mut medians: Vec<f64> = blocks(samples).filter_map(median).collect();
    medians.sort_by(f64::total_cmp);
    middle(&medians, |&median| median)
}

/// The order statistics between which the median lies with 95 %; all of the range where there
/// are too few for that.
fn middle<T>(sorted: &[T], value: impl Fn(&T) -> f64) -> Option<(f64, f64)> {
    let outside = binomial_cdf(sorted.len(), 0.5).take_while(|&tail| tail <= TAIL).count();
    let low = sorted.get(outside.saturating_sub(1))?;
    let high = sorted.get(sorted.len() - outside.max(1))?;
    Some((value(low), value(high)))
}

/// How much wider an interval is than one of independent samples: with a correlation `r` of
/// neighbours, `n` samples are worth `n (1 - r) / (1 + r)`. `r` is that of a normal process
/// whose neighbours are as often on the same side of the median; one that chance explains is
/// none.
fn stretch(samples: &[u64], median: f64) -> f64 {
    let above = samples.iter().map(|&nanos| nanos as f64 > median);
    let same = above.clone().zip(above.skip(1)).filter(|(one, next)| one == next).count();
    let pairs = samples.len().saturating_sub(1).max(1) as f64;
    let sides = 2.0 * same as f64 / pairs - 1.0;
    if sides * pairs.sqrt() < 2.0 {
        return 1.0;
    }
    let r = (std::f64::consts::FRAC_PI_2 * sides).sin().min(MOST_ALIKE);
    ((1.0 + r) / (1.0 - r)).sqrt()
}

/// Consecutive blocks of nearly equal size.
fn blocks(samples: &[u64]) -> impl Iterator<Item = &[u64]> {
    let blocks = samples.len().min(BLOCKS);
    let edge = move |block: usize| block * samples.len() / blocks.max(1);
    (0..blocks).filter_map(move |block| samples.get(edge(block)..edge(block + 1)))
}

/// Half the 95 % interval of the median, relative to it.
pub(super) fn uncertainty(samples: &[u64]) -> Option<f64> {
    let interval = median_interval(samples)?;
    Some(interval.half_width() / interval.median.max(1.0))
}

/// Change of the median from the first third to the last, relative to the first, where
/// the 95 % intervals of the two do not overlap; otherwise zero.
pub(super) fn drift(samples: &[u64]) -> Option<f64> {
    let third = samples.len() / 3;
    let (first, last) = (samples.get(..third)?, samples.get(samples.len() - third..)?);
    let (before, after) = (block_interval(first)?, block_interval(last)?);
    if before.0 <= after.1 && after.0 <= before.1 {
        return Some(0.0);
    }
    Some(median(last)? / median(first)?.max(1.0) - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: u64) -> impl FnMut() -> f64 {
        let mut state = seed;
        move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        }
    }

    #[test]
    fn floors_are_those_that_loadgen_publishes() {
        for (rate, floor) in [(0.5, 11), (0.1, 64), (0.05, 130), (0.01, 662), (0.001, 6636)] {
            assert_eq!(overlatencies(floor - 1, rate, 0.01), None, "one under {floor}");
            assert_eq!(overlatencies(floor, rate, 0.01), Some(1), "{floor}");
        }
        for (rate, floor) in [(0.5, 8), (0.1, 46), (0.05, 93), (0.01, 473), (0.001, 4742)] {
            assert_eq!(overlatencies(floor - 1, rate, 0.05), None, "one under {floor}");
            assert_eq!(overlatencies(floor, rate, 0.05), Some(1), "{floor}");
        }
    }

    #[test]
    fn binomial_tail_agrees_with_exact_fractions_and_survives_many_samples() {
        let cdf: Vec<f64> = binomial_cdf(4, 0.5).collect();
        for (found, exact) in cdf.iter().zip([1.0, 5.0, 11.0, 15.0, 16.0]) {
            assert!((found - exact / 16.0).abs() < 1e-12);
        }
        // Normal approximation: 2000 - 2.326 * sqrt(1800) = 1901.3.
        let t = overlatencies(20_000, 0.1, 0.01).unwrap();
        assert!((1899..=1903).contains(&t), "{t}");
    }

    #[test]
    fn the_bound_covers_the_true_percentile_in_99_of_100_runs() {
        let mut uniform = noise(7);
        for n in [64, 200, 700] {
            let covered = (0..1000).filter(|_| {
                let mut run: Vec<u64> = (0..n).map(|_| (uniform() * 1e6) as u64).collect();
                run.sort_unstable();
                upper_bound(&run, 0.9).unwrap() >= 900_000
            });
            assert!(covered.count() >= 985, "{n}");
        }
    }

    #[test]
    fn percentiles_of_a_known_list() {
        let samples: Vec<u64> = (1..=100).map(|k| k * 1000).collect();
        let found = latency(&samples).unwrap();
        assert_eq!(found.p50, Micros(50.5));
        assert_eq!(found.p90, Micros(90.0));
        assert_eq!(found.p99, Micros(99.0));
        assert_eq!(found.mean, Micros(50.5));
        // P(X <= 3) = 0.0078 and P(X <= 4) = 0.0237 for Binomial(100, 0.1): t = 3.
        assert_eq!(found.p90_upper, Some(Micros(98.0)));
        assert_eq!(latency(&samples[..63]).unwrap().p90_upper, None);
        assert_eq!(latency(&[]), None);
        assert_eq!(latency(&[7000]).unwrap().p50, Micros(7.0));
    }

    #[test]
    fn interval_of_the_median_covers_it_and_sees_slow_waves() {
        let mut uniform = noise(3);
        let covered = (0..500).filter(|_| {
            let run: Vec<u64> = (0..400).map(|_| (1e6 + uniform() * 1e5) as u64).collect();
            let Interval { low, high, .. } = median_interval(&run).unwrap();
            (low..=high).contains(&1.05e6)
        });
        let covered = covered.count();
        assert!((460..=500).contains(&covered), "{covered} of 500");
        let wave = |k: usize| if (k / 50).is_multiple_of(2) { 1_000_000 } else { 1_100_000 };
        let run: Vec<u64> = (0..400).map(wave).collect();
        assert!(uncertainty(&run).unwrap() > 0.04);
    }

    #[test]
    fn the_error_of_the_mean_holds_what_neighbours_have_in_common() {
        let mut uniform = noise(5);
        let alone: Vec<u64> = (0..4000).map(|_| (uniform() * 1e6) as u64).collect();
        // A uniform distribution's deviation is its width over the root of twelve.
        let expected = 1e6 / 12f64.sqrt() / 4000f64.sqrt();
        let found = standard_error(&alone).unwrap();
        assert!((0.6..1.5).contains(&(found / expected)), "{found} for {expected}");
        let in_fifties: Vec<u64> = (0..4000).map(|k| alone[k / 50]).collect();
        assert!(standard_error(&in_fifties).unwrap() > 4.0 * found);
        assert_eq!(standard_error(&alone[..7]), None);
    }

    #[test]
    fn outliers_are_counted_and_stay_in_every_figure() {
        let mut samples: Vec<u64> = (1..=100).map(|k| k * 1000).collect();
        samples.extend([225_000, 226_000, 500_000]);
        let found = latency(&samples).unwrap();
        let quartiles = (26.0, 78.0);
        assert_eq!(found.outliers.above, Micros(quartiles.1 + 3.0 * (quartiles.1 - quartiles.0)));
        assert_eq!(found.outliers.count, 1);
        let share = 500.0 / (5050.0 + 951.0);
        assert!((found.outliers.time_share - share).abs() < 1e-12);
        assert!(found.mean.0 > 50.5 && found.samples == 103);
        assert_eq!(latency(&[5000; 9]).unwrap().outliers.count, 0);
    }

    #[test]
    fn drift_is_told_from_noise() {
        let mut uniform = noise(11);
        let steady: Vec<u64> = (0..90).map(|_| (1e6 * (1.0 + uniform())) as u64).collect();
        assert_eq!(drift(&steady), Some(0.0));
        let warming: Vec<u64> = (0..90).map(|k| 1_000_000 + k * 2000).collect();
        assert!((drift(&warming).unwrap() - 0.117).abs() < 0.005);
        assert_eq!(drift(&[1, 2]), None);
    }
}
