//! How far to trust a LogME score: half-sampling.
//!
//! Random halves of every class, in complementary pairs, are scored like the whole;
//! the standard deviation over halves estimates that of the score (the delete-half
//! jackknife). A bootstrap would draw samples twice, and with fewer samples than
//! features a sample that is there twice predicts itself: its scores are biased up.

use super::{Matrix, Undefined, logme};
use crate::base::random::SplitMix64;
use crate::task::Estimate;

/// Fixed, so that equal evidence is equal everywhere.
const SEED: u64 = 0x4c6f_674d_4521;
/// Above this rank an eigenproblem is dear, and fewer halves must do.
const DEAR: usize = 256;

/// Exact LogME with a 95 % interval.
///
/// # Errors
/// As [`logme`].
pub fn logme_with_interval(features: &Matrix, labels: &[u32]) -> Result<Estimate, Undefined> {
    let value = logme(features, labels)?;
    let dear = features.nrows().min(features.ncols()) > DEAR;
    let pairs = if dear { 4 } else { 16 };
    let mut random = SplitMix64::new(SEED);
    let mut scores = Vec::new();
    for _ in 0..pairs {
        for half in halves(labels, &mut random) {
            let part: Vec<u32> = half.iter().filter_map(|at| labels.get(*at).copied()).collect();
            scores.push(logme(&features.select_rows(&half), &part)?);
        }
    }
    let reach = 1.96 * deviation(&scores);
    Ok(Estimate { value, low: value - reach, high: value + reach })
}

/// Two complementary random halves of every class; a class of one sample is in both.
fn halves(labels: &[u32], random: &mut SplitMix64) -> [Vec<usize>; 2] {
    let mut parts = [Vec::new(), Vec::new()];
    let mut present: Vec<u32> = labels.to_vec();
    present.sort_unstable();
    present.dedup();
    for class in present {
        let mut members: Vec<usize> =
            (0..labels.len()).filter(|at| labels.get(*at) == Some(&class)).collect();
        random.shuffle(&mut members);
        let (first, second) = members.split_at(members.len() / 2);
        let first = if first.is_empty() { second } else { first };
        let [one, other] = &mut parts;
        one.extend(first);
        other.extend(second);
    }
    for part in &mut parts {
        part.sort_unstable();
    }
    parts
}

fn deviation(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (count - 1.0).max(1.0)).sqrt()
}
