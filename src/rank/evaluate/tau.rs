//! Weighted Kendall tau (Vigna, 2015).
//!
//! A discordance near the top weighs more: a pair counts `1/(1+ρi) + 1/(1+ρj)`, ρ
//! being the rank from 0. Two definitions are in use and differ by up to 0.3 on the
//! same data: ranks of the truth alone, or the mean over ranks of both sides. Pairs tied
//! in a side count nothing for it.
//!
//! As pair weights are sums, the weights of all pairs of a set follow from those of its
//! items, and the discordant pairs from a merge sort that carries sums: O(n log n).

use super::{check, constant};
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
    check(truth, score, 2)?;
    let by_truth = tau(truth, score).ok_or_else(constant)?;
    let by_score = tau(score, truth).ok_or_else(constant)?;
    Ok(WeightedTau { truth_ranked: by_truth, symmetric: f64::midpoint(by_truth, by_score) })
}

/// One item: its two values and its weight.
#[derive(Debug, Clone, Copy)]
struct Item {
    x: f64,
    y: f64,
    weight: f64,
}

/// Tau with ranks from 0 by `first` descending, then `second` descending.
fn tau(first: &[f64], second: &[f64]) -> Option<f64> {
    // The sum with zero makes one of the two zeros, which are equal and sort apart.
    let item = |(x, y): (&f64, &f64)| Item { x: x + 0.0, y: y + 0.0, weight: 0.0 };
    let mut items: Vec<Item> = first.iter().zip(second).map(item).collect();
    items.sort_by(|a, b| b.x.total_cmp(&a.x).then(b.y.total_cmp(&a.y)));
    for (rank, item) in items.iter_mut().enumerate() {
        item.weight = 1.0 / (1.0 + rank as f64);
    }
    let all = pairs(&items);
    let tied_x = tied(&items, |a, b| a.x == b.x);
    let tied_both = tied(&items, |a, b| a.x == b.x && a.y == b.y);
    let discordant = sort_by_y(&mut items);
    let tied_y = tied(&items, |a, b| a.y == b.y);
    let (in_x, in_y) = (all - tied_x, all - tied_y);
    let agreement = all - tied_x - tied_y + tied_both - 2.0 * discordant;
    // Differences of sums: a side of nothing but ties leaves rounding behind.
    let least = all * 1e-12;
    (in_x > least && in_y > least).then(|| (agreement / (in_x * in_y).sqrt()).clamp(-1.0, 1.0))
}

/// Weight of all pairs among these items.
fn pairs(items: &[Item]) -> f64 {
    let sum: f64 = items.iter().map(|item| item.weight).sum();
    sum * items.len().saturating_sub(1) as f64
}

/// Weight of the pairs that are tied; tied items stand side by side.
fn tied(items: &[Item], same: impl Fn(&Item, &Item) -> bool) -> f64 {
    items.chunk_by(same).map(pairs).sum()
}

/// Sorts by `y`, highest first, and gives the weight of all pairs that had to be exchanged.
fn sort_by_y(items: &mut [Item]) -> f64 {
    if items.len() < 2 {
        return 0.0;
    }
    let (left, right) = items.split_at_mut(items.len() / 2);
    let within = sort_by_y(left) + sort_by_y(right);
    let (merged, between) = merge(left, right);
    items.copy_from_slice(&merged);
    within + between
}

fn merge(left: &[Item], right: &[Item]) -> (Vec<Item>, f64) {
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let mut exchanged = 0.0;
    let (mut left, mut right) = (left, right);
    let mut waiting: f64 = left.iter().map(|item| item.weight).sum();
    while let (Some((l, rest_l)), Some((r, rest_r))) = (left.split_first(), right.split_first()) {
        if l.y >= r.y {
            merged.push(*l);
            waiting -= l.weight;
            left = rest_l;
        } else {
            merged.push(*r);
            exchanged += waiting + r.weight * left.len() as f64;
            right = rest_r;
        }
    }
    merged.extend(left);
    merged.extend(right);
    (merged, exchanged)
}
