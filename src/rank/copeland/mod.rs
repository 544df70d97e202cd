//! Copeland's method with weights, abstention and indifference.
//!
//! Every pair of items is a duel: each criterion gives its weight to the better of the
//! two, or abstains. An item scores 1 for a duel won and ½ for one tied. Ties in the
//! score are broken by the second-order score, then by the sum of margins, then by
//! what the caller says. All sums are integers (weights in thousandths, scores in
//! quarters), so that no order ever hangs on the rounding of a float.
//!
//! [`copeland()`] is the definition, word for word, with all margins; [`elect`] finds the
//! same order of thousands of items, and the winner among a million; [`Catalogue`] reads
//! those from a file and applies limits and targets on the way.

mod catalogue;
mod election;
mod field;
mod shortlist;

pub use catalogue::{Catalogue, Terms};
pub use election::{EXACT, Election, Rule, Standing, elect, elect_within};

use std::cmp::Ordering;

/// Weights are rounded to thousandths.
const UNIT: f64 = 1000.0;

/// Scores of all items, and their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Copeland {
    /// Duels won, plus half of those tied.
    pub copeland: Vec<f64>,
    /// Scores of the items beaten, plus half of those tied with.
    pub second_order: Vec<f64>,
    /// Sum of margins, in weight units.
    pub margin_sum: Vec<f64>,
    /// Items, best first.
    pub order: Vec<usize>,
    /// `margins[i][j]`: by how much `i` beats `j`, in weight units.
    pub margins: Vec<Vec<f64>>,
}

/// Ranks items by scores per criterion (`k x m`, higher is better, `None` abstains).
///
/// A difference within a criterion's `indifference` is a tie in that criterion. A
/// criterion without a weight counts 1, one without an indifference has none. Final
/// ties go to the lower index.
#[must_use]
pub fn copeland(scores: &[Vec<Option<f64>>], weights: &[f64], indifference: &[f64]) -> Copeland {
    let items = scores.iter().map(Vec::len).max().unwrap_or(0);
    let weight = |criterion: usize| weights.get(criterion).copied().unwrap_or(1.0);
    let weights: Vec<f64> = (0..scores.len()).map(weight).collect();
    let sign = |criterion: usize, i: usize, j: usize| {
        let row = scores.get(criterion)?;
        let difference = row.get(i).copied()?? - row.get(j).copied()??;
        let within = indifference.get(criterion).copied().unwrap_or(0.0);
        (difference.abs() > within).then(|| difference.total_cmp(&0.0))
    };
    duel(items, &weights, &sign, &|i, j| i.cmp(&j))
}

/// The same for any rule of comparison: `sign` says how item `i` compares with `j` in a
/// criterion (`Greater` is better, `None` abstains); `tie` orders what nothing else does.
pub(super) fn duel(
    items: usize,
    weights: &[f64],
    sign: &dyn Fn(usize, usize, usize) -> Option<Ordering>,
    tie: &dyn Fn(usize, usize) -> Ordering,
) -> Copeland {
    let weights: Vec<i64> = weights.iter().map(|weight| units(*weight)).collect();
    let margin = |i: usize, j: usize| -> i64 {
        let vote = |(criterion, weight): (usize, &i64)| match sign(criterion, i, j) {
            Some(Ordering::Greater) => *weight,
            Some(Ordering::Less) => -weight,
            _ => 0,
        };
        weights.iter().enumerate().map(vote).sum()
    };
    let margins: Vec<Vec<i64>> = (0..items)
        .map(|i| (0..items).map(|j| if i == j { 0 } else { margin(i, j) }).collect())
        .collect();
    let tally = Tally::of(&margins);
    let mut order: Vec<usize> = (0..items).collect();
    order.sort_by(|a, b| tally.key(*b).cmp(&tally.key(*a)).then_with(|| tie(*a, *b)));
    Copeland {
        copeland: tally.halves.iter().map(|halves| *halves as f64 / 2.0).collect(),
        second_order: tally.quarters.iter().map(|quarters| *quarters as f64 / 4.0).collect(),
        margin_sum: tally.sums.iter().map(|sum| *sum as f64 / UNIT).collect(),
        order,
        margins: margins
            .iter()
            .map(|row| row.iter().map(|margin| *margin as f64 / UNIT).collect())
            .collect(),
    }
}

/// Copeland scores in halves, second-order scores in quarters, sums of margins in thousandths.
struct Tally {
    halves: Vec<i64>,
    quarters: Vec<i64>,
    sums: Vec<i64>,
}

impl Tally {
    fn of(margins: &[Vec<i64>]) -> Self {
        let halves: Vec<i64> = margins
            .iter()
            .enumerate()
            .map(|(i, row)| others(i, row).map(|(_, margin)| 1 + margin.signum()).sum())
            .collect();
        let score = |j: usize| halves.get(j).copied().unwrap_or(0);
        let quarters = margins
            .iter()
            .enumerate()
            .map(|(i, row)| {
                others(i, row).map(|(j, margin)| (1 + margin.signum()) * score(j)).sum()
            })
            .collect();
        let sums = margins.iter().map(|row| row.iter().sum()).collect();
        Self { halves, quarters, sums }
    }

    fn key(&self, item: usize) -> [Option<i64>; 3] {
        [&self.halves, &self.quarters, &self.sums].map(|scores| scores.get(item).copied())
    }
}

/// A row of margins without the item itself.
fn others(i: usize, row: &[i64]) -> impl Iterator<Item = (usize, i64)> + '_ {
    row.iter().copied().enumerate().filter(move |(j, _)| *j != i)
}

/// A weight in thousandths; what is no weight counts nothing.
fn units(weight: f64) -> i64 {
    let scaled = (weight * UNIT).round();
    // Bounded so that sums over any sensible number of criteria stay within 64 bits.
    if scaled.is_finite() { scaled.clamp(0.0, 1e12) as i64 } else { 0 }
}

/// Items that no other beats everywhere, ascending: `j` dominates `i` where it is at
/// least as good in every criterion that `i` has, and better in one of them.
#[must_use]
pub fn pareto(scores: &[Vec<Option<f64>>]) -> Vec<usize> {
    let items = scores.iter().map(Vec::len).max().unwrap_or(0);
    let dominates = |j: usize, i: usize| {
        let mut better = false;
        for row in scores {
            let (Some(mine), theirs) = (row.get(i).copied().flatten(), row.get(j)) else {
                continue;
            };
            match theirs.copied().flatten().map(|theirs| theirs.total_cmp(&mine)) {
                None | Some(Ordering::Less) => return false,
                Some(Ordering::Greater) => better = true,
                Some(Ordering::Equal) => {}
            }
        }
        better
    };
    (0..items).filter(|i| !(0..items).any(|j| j != *i && dominates(j, *i))).collect()
}

/// Rank of each item in one criterion: 1 is best, ties share the lowest, `None` has none.
#[must_use]
pub fn competition_ranks(scores: &[Option<f64>]) -> Vec<Option<u32>> {
    let mut sorted: Vec<f64> = scores.iter().flatten().copied().collect();
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    let rank = |score: f64| {
        let better = sorted.partition_point(|other| other.total_cmp(&score).is_gt());
        u32::try_from(better).unwrap_or(u32::MAX).saturating_add(1)
    };
    scores.iter().map(|score| score.map(rank)).collect()
}
