//! Who can be among the best: items that few others match or better everywhere.
//!
//! If one item is at least as good as another in every criterion (and misses the same
//! scores), it does at least as well in every duel, whatever the weights and the
//! indifference: comparison is monotone. So it has at least the other's score, and an
//! item with `top` such others is not needed among the `top` best. Looking for them among
//! all would take quadratic time; they are sought among the strongest only, which leaves a
//! few more on the list and never one too few.

/// Strong items that all others are held against.
const STRONGEST: usize = 256;
/// Items whose spread says how the criteria's scales compare.
const SAMPLE: usize = 1024;

/// Items that fewer than `top` of the strongest match or better everywhere, ascending. Of
/// equal items the one with the lower index is the better.
pub(super) fn shortlist<T: Copy + Into<f64>>(columns: &[Vec<T>], top: usize) -> Vec<u32> {
    let items = columns.iter().map(Vec::len).max().unwrap_or(0);
    let score = |item: u32| {
        columns.iter().map(move |c| c.get(item as usize).map_or(f64::NAN, |s| (*s).into()))
    };
    let scales = scales(columns, items);
    // Monotone: nobody is strictly better everywhere than one with a larger sum.
    let sum = |item: u32| -> f32 {
        let known = score(item).zip(&scales).filter(|(score, _)| !score.is_nan());
        known.map(|(score, scale)| score * scale).sum::<f64>() as f32
    };
    let mut order: Vec<(f32, u32)> = (0..items as u32).map(|item| (sum(item), item)).collect();
    order.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut strongest: Vec<(Vec<f64>, u32)> = Vec::new();
    let mut kept = Vec::new();
    let mut own = Vec::with_capacity(columns.len());
    for (_, item) in order {
        own.clear();
        own.extend(score(item));
        let ahead = |(other, at): &&(Vec<f64>, u32)| dominates(other, *at, &own, item);
        if strongest.iter().filter(ahead).take(top).count() < top {
            kept.push(item);
            if strongest.len() < STRONGEST.max(top.saturating_mul(4)) {
                strongest.push((own.clone(), item));
            }
        }
    }
    kept.sort_unstable();
    kept
}

/// At least as good everywhere, with the same scores missing.
fn dominates(other: &[f64], at: u32, own: &[f64], item: u32) -> bool {
    let mut better = at < item;
    for (other, own) in other.iter().zip(own) {
        // Both missing is neither; one missing fails.
        if other < own || other.is_nan() != own.is_nan() {
            return false;
        }
        better |= other > own;
    }
    better
}

/// One over the distance between the quartiles of a sample, per criterion.
fn scales<T: Copy + Into<f64>>(columns: &[Vec<T>], items: usize) -> Vec<f64> {
    let step = (items / SAMPLE).max(1);
    let spread = |column: &Vec<T>| {
        let mut sample: Vec<f64> = column.iter().step_by(step).map(|s| (*s).into()).collect();
        sample.retain(|score| score.is_finite());
        sample.sort_unstable_by(f64::total_cmp);
        let quartile = |part: usize| sample.get(sample.len() * part / 4).copied();
        quartile(3).zip(quartile(1)).map_or(0.0, |(upper, lower)| upper - lower)
    };
    columns.iter().map(spread).map(|s| if s > 0.0 { 1.0 / s } else { 1.0 }).collect()
}
