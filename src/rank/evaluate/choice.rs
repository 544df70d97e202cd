//! What somebody who believes a score gets: the first, the first few, and what they may not use.
//!
//! Where several items share the highest score, the figure is what a fair draw among them
//! expects: no list looks better for the order in which it names equals, and a constant list is
//! as good as chance.

use super::check;
use crate::task::Undefined;

/// The truth of the best item, less that of the one with the highest score.
///
/// # Errors
/// [`Undefined`] with no items, a value that is not finite, or sides of different length.
pub fn regret_at_1(truth: &[f64], score: &[f64]) -> Result<f64, Undefined> {
    check(truth, score, 1)?;
    let (best, top) = (highest(truth), highest(score));
    let chosen = truth.iter().zip(score).filter(|(_, score)| **score == top);
    let (count, sum) =
        chosen.fold((0.0, 0.0), |(count, sum), (truth, _)| (count + 1.0, sum + truth));
    Ok(best - sum / count)
}

/// How surely the best item is among the `k` with the highest scores, 0 to 1. Of several best
/// the one that the score likes most counts.
///
/// # Errors
/// As [`regret_at_1`].
pub fn top_recall(truth: &[f64], score: &[f64], k: usize) -> Result<f64, Undefined> {
    check(truth, score, 1)?;
    let best = highest(truth);
    let favourites = truth.iter().zip(score).filter(|(truth, _)| **truth == best);
    let liked = favourites.map(|(_, score)| *score).fold(f64::NEG_INFINITY, f64::max);
    let above = score.iter().filter(|score| **score > liked).count();
    let level = score.iter().filter(|score| **score == liked).count();
    Ok((k.saturating_sub(above) as f64 / level as f64).min(1.0))
}

/// How often the item with the highest score is one that may not be used, 0 to 1.
///
/// # Errors
/// [`Undefined`] with no items, a score that is not finite, or sides of different length.
pub fn violation_rate(feasible: &[bool], score: &[f64]) -> Result<f64, Undefined> {
    let allowed: Vec<f64> =
        feasible.iter().map(|feasible| f64::from(u8::from(*feasible))).collect();
    check(&allowed, score, 1)?;
    let top = highest(score);
    let chosen = allowed.iter().zip(score).filter(|(_, score)| **score == top);
    let (count, allowed) =
        chosen.fold((0.0, 0.0), |(n, sum), (allowed, _)| (n + 1.0, sum + allowed));
    Ok(1.0 - allowed / count)
}

fn highest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}
