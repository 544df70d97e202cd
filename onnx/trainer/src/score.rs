//! How well predictions agree with measurements.

use umbra::base::random::SplitMix64;
use umbra::rank::evaluate::{self, weighted_tau};

/// Resamples of a bootstrap interval.
const RESAMPLES: usize = 2000;

/// Spearman's rank correlation; none where it is undefined.
pub(crate) fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    evaluate::spearman(a, b).ok()
}

/// Models that tau is taken over, at most.
const MOST: usize = 400;

/// Weighted tau by the ranks of the truth, cheap first; of many models over an even choice.
pub(crate) fn tau(truth: &[f64], predicted: &[f64]) -> Option<f64> {
    let step = truth.len().div_ceil(MOST).max(1);
    let cheap = |costs: &[f64]| costs.iter().step_by(step).map(|cost| -cost).collect::<Vec<_>>();
    weighted_tau(&cheap(truth), &cheap(predicted)).ok().map(|tau| tau.truth_ranked)
}

pub(crate) fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let (sum, count) =
        values.into_iter().fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    if count > 0.0 { sum / count } else { f64::NAN }
}

/// The middle one; none is no number.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let at = |at: usize| values.get(at).copied().unwrap_or(f64::NAN);
    if values.len() % 2 == 1 {
        at(middle)
    } else {
        f64::midpoint(at(middle.wrapping_sub(1)), at(middle))
    }
}

/// 95 % interval of the mean over groups, which are drawn whole: boards of one device are not
/// independent.
pub(crate) fn interval(groups: &[Vec<f64>], seed: u64) -> (f64, f64) {
    let mut random = SplitMix64::new(seed);
    let mut resample = || {
        let drawn = (0..groups.len()).filter_map(|_| groups.get(random.below(groups.len())));
        mean(drawn.flatten().copied())
    };
    let mut means: Vec<f64> = (0..RESAMPLES).map(|_| resample()).collect();
    means.sort_by(f64::total_cmp);
    let at = |share: f64| {
        means.get((share * (RESAMPLES as f64 - 1.0)) as usize).copied().unwrap_or(f64::NAN)
    };
    (at(0.025), at(0.975))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spearman_shares_ranks_of_equal_values() {
        assert_eq!(spearman(&[1.0, 2.0, 3.0], &[10.0, 20.0, 90.0]), Some(1.0));
        assert_eq!(spearman(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]), Some(-1.0));
        // As scipy gives it.
        let tied = spearman(&[1.0, 2.0, 2.0, 3.0], &[1.0, 3.0, 2.0, 4.0]).unwrap();
        assert!((tied - 0.948_683_298_050_513_8).abs() < 1e-12, "{tied}");
        assert_eq!(spearman(&[1.0, 1.0], &[1.0, 2.0]), None);
    }
}
