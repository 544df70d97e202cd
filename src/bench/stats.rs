//! What raw samples say.
//!
//! Percentiles are nearest-rank, the median is the usual one. The upper bound is
//! LoadGen's early-stopping estimate (mlcommons/inference, `loadgen/early_stopping.cc`):
//! it assumes independent samples. They are not quite, hence the interval of the
//! median comes from medians of blocks, and drift is looked for apart.

use super::Latency;
use crate::base::Micros;

/// LoadGen's confidence.
const CONFIDENCE: f64 = 0.99;
/// Blocks whose medians give the interval of the median: enough for a 95 % interval
/// by order statistics, few enough to swallow what neighbours have in common.
const BLOCKS: usize = 20;
/// A one-sided tail of a two-sided 95 % interval.
const TAIL: f64 = 0.025;

/// Latency from steady samples in nanoseconds, in the order they were taken.
#[must_use]
pub(super) fn latency(samples: &[u64]) -> Option<Latency> {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    let micros = |nanos: u64| Micros(nanos as f64 / 1000.0);
    let (low, high) = median_interval(samples)?;
    Some(Latency {
        p50: Micros(median_of_sorted(&sorted)? / 1000.0),
        p90: micros(percentile(&sorted, 0.90)?),
        p90_upper: upper_bound(&sorted, 0.90).map(micros),
        p99: micros(percentile(&sorted, 0.99)?),
        mean: Micros(
            sorted.iter().map(|&nanos| nanos as f64).sum::<f64>() / sorted.len() as f64 / 1000.0,
        ),
        samples: sorted.len() as u64,
        p50_half_width: Micros((high - low) / 2.0 / 1000.0),
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

/// A 95 % interval of the median, from the medians of consecutive blocks by order
/// statistics; all of their range where there are too few for that.
fn median_interval(samples: &[u64]) -> Option<(f64, f64)> {
    let mut medians = block_medians(samples);
    medians.sort_by(f64::total_cmp);
    let outside = binomial_cdf(medians.len(), 0.5).take_while(|&tail| tail <= TAIL).count();
    let low = medians.get(outside.saturating_sub(1))?;
    let high = medians.get(medians.len() - outside.max(1))?;
    Some((*low, *high))
}

fn block_medians(samples: &[u64]) -> Vec<f64> {
    let blocks = samples.len().min(BLOCKS);
    let edge = |block: usize| block * samples.len() / blocks.max(1);
    (0..blocks).filter_map(|b| median(samples.get(edge(b)..edge(b + 1))?)).collect()
}

/// Half the 95 % interval of the median, relative to it.
pub(super) fn uncertainty(samples: &[u64]) -> Option<f64> {
    let (low, high) = median_interval(samples)?;
    Some((high - low) / 2.0 / median(samples)?.max(1.0))
}

/// Change of the median from the first third to the last, relative to the first, where
/// the 95 % intervals of the two do not overlap; otherwise zero.
pub(super) fn drift(samples: &[u64]) -> Option<f64> {
    let third = samples.len() / 3;
    let (first, last) = (samples.get(..third)?, samples.get(samples.len() - third..)?);
    let (before, after) = (median_interval(first)?, median_interval(last)?);
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
            let (low, high) = median_interval(&run).unwrap();
            (low..=high).contains(&1.05e6)
        });
        let covered = covered.count();
        assert!((460..=498).contains(&covered), "{covered} of 500");
        let wave = |k: usize| if (k / 50).is_multiple_of(2) { 1_000_000 } else { 1_100_000 };
        let run: Vec<u64> = (0..400).map(wave).collect();
        assert!(uncertainty(&run).unwrap() > 0.04);
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
