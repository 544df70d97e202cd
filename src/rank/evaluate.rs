//! How well a ranking agrees with the truth: weighted Kendall tau (Vigna, 2015).
//!
//! A discordance near the top weighs more: a pair counts `1/(1+ρi) + 1/(1+ρj)`, ρ
//! being the rank from 0. Two definitions are in use and differ by up to 0.3 on the
//! same data: ranks of the truth alone, or the mean over ranks of both sides.

use std::cmp::Ordering;

use crate::task::Undefined;

/// Both definitions of weighted tau.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WeightedTau {
    /// Ranks by the truth (SciPy `rank=None`).
    pub truth_ranked: f64,
    /// Mean over ranks by the truth and by the score (SciPy's default).
    pub symmetric: f64,
}

/// Weighted tau between the truth and a score, higher being better in both.
///
/// # Errors
/// [`Undefined`] with fewer than two items, a side that is constant or not finite, or
/// sides of different length.
pub fn weighted_tau(truth: &[f64], score: &[f64]) -> Result<WeightedTau, Undefined> {
    if truth.len() != score.len() {
        return Err(Undefined(format!("{} truths for {} scores", truth.len(), score.len())));
    }
    if truth.len() < 2 {
        return Err(Undefined("fewer than two items".to_owned()));
    }
    if truth.iter().chain(score).any(|value| !value.is_finite()) {
        return Err(Undefined("a value that is not finite".to_owned()));
    }
    let constant = || Undefined("one side is constant".to_owned());
    let by_truth = tau(truth, score, &ranks(truth, score)).ok_or_else(constant)?;
    let by_score = tau(truth, score, &ranks(score, truth)).ok_or_else(constant)?;
    Ok(WeightedTau { truth_ranked: by_truth, symmetric: f64::midpoint(by_truth, by_score) })
}

/// Rank from 0 by `first` descending, then `second` descending, then index descending.
fn ranks(first: &[f64], second: &[f64]) -> Vec<f64> {
    let mut items: Vec<(usize, (&f64, &f64))> = first.iter().zip(second).enumerate().collect();
    items.sort_by(|(i, a), (j, b)| b.0.total_cmp(a.0).then(b.1.total_cmp(a.1)).then(j.cmp(i)));
    let mut ranks = vec![0.0; first.len()];
    for (rank, (item, _)) in items.into_iter().enumerate() {
        if let Some(place) = ranks.get_mut(item) {
            *place = rank as f64;
        }
    }
    ranks
}

fn tau(x: &[f64], y: &[f64], ranks: &[f64]) -> Option<f64> {
    let items: Vec<(f64, f64, f64)> =
        x.iter().zip(y).zip(ranks).map(|((x, y), rank)| (*x, *y, 1.0 / (1.0 + rank))).collect();
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (at, (xi, yi, wi)) in items.iter().enumerate() {
        for (xj, yj, wj) in items.iter().skip(at + 1) {
            let (sx, sy, w) = (sign(*xi, *xj), sign(*yi, *yj), wi + wj);
            xy += sx * sy * w;
            xx += sx * sx * w;
            yy += sy * sy * w;
        }
    }
    (xx > 0.0 && yy > 0.0).then(|| xy / (xx * yy).sqrt())
}

fn sign(a: f64, b: f64) -> f64 {
    match a.partial_cmp(&b) {
        Some(Ordering::Greater) => 1.0,
        Some(Ordering::Less) => -1.0,
        _ => 0.0,
    }
}
