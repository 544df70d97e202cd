//! How much several tasks agree on the order of the same models.

use super::{check, mean_ranks};
use crate::task::Undefined;

/// Kendall's W of several lists of values for the same items: 1 where all order them alike, 0
/// where they have nothing in common. Corrected for ties.
///
/// # Errors
/// [`Undefined`] with fewer than two lists or items, a value that is not finite, lists of
/// different length, or lists without any order.
pub fn concordance(lists: &[Vec<f64>]) -> Result<f64, Undefined> {
    let Some((first, others)) = lists.split_first().filter(|(_, others)| !others.is_empty()) else {
        return Err(Undefined("fewer than two lists".to_owned()));
    };
    check(first, first, 2)?;
    others.iter().try_for_each(|list| check(first, list, 2))?;
    let (items, judges) = (first.len() as f64, lists.len() as f64);
    let ranks: Vec<Vec<f64>> = lists.iter().map(|list| mean_ranks(list)).collect();
    let sums = (0..first.len()).map(|at| ranks.iter().filter_map(|list| list.get(at)).sum::<f64>());
    let middle = judges * (items + 1.0) / 2.0;
    let spread: f64 = sums.map(|sum| (sum - middle).powi(2)).sum();
    let ties: f64 = ranks.iter().map(|list| ties(list)).sum();
    let most = judges * (judges * (items.powi(3) - items) - ties);
    if most <= 0.0 {
        return Err(Undefined("the lists have no order".to_owned()));
    }
    Ok((12.0 * spread / most).clamp(0.0, 1.0))
}

/// Sum of `t³ - t` over groups of `t` equal ranks.
fn ties(ranks: &[f64]) -> f64 {
    let mut sorted = ranks.to_vec();
    sorted.sort_by(f64::total_cmp);
    let group = |tied: &[f64]| (tied.len() as f64).powi(3) - tied.len() as f64;
    sorted.chunk_by(|a, b| a == b).map(group).sum()
}
