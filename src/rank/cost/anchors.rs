//! Which models to measure on a new board.

use super::Pool;
use crate::base::random::SplitMix64;

/// Draws `count` models, one from each of as many groups of about equal size in the order of
/// their mean cost over the pool, so that they span it. Only `eligible` models are drawn;
/// fewer come back where there are fewer.
#[must_use]
pub fn choose_anchors(
    pool: &Pool,
    eligible: &[usize],
    count: usize,
    random: &mut SplitMix64,
) -> Vec<usize> {
    let mean = |model: usize| {
        let cells = pool.columns().iter().filter_map(|column| column.get(model).copied().flatten());
        let (sum, count) = cells.fold((0.0, 0.0), |(sum, count), cell| (sum + cell, count + 1.0));
        if count > 0.0 { sum / count } else { f64::INFINITY }
    };
    let mut order: Vec<(f64, usize)> =
        eligible.iter().map(|model| (mean(*model), *model)).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let count = count.min(order.len());
    let group = |at: usize| order.get(at * order.len() / count..(at + 1) * order.len() / count);
    let draw = |at: usize| {
        let group = group(at)?;
        group.get(random.below(group.len())).map(|(_, model)| *model)
    };
    (0..count).filter_map(draw).collect()
}
