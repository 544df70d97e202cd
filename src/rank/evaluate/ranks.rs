//! Ranks from 1, ties sharing their mean.

/// Rank of every value, the highest being 1; equal values share the mean of their places. All
/// values are finite.
#[must_use]
pub fn mean_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<(usize, f64)> = values.iter().copied().enumerate().collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for tied in order.chunk_by(|a, b| a.1 == b.1) {
        let mean = before as f64 + (tied.len() + 1) as f64 / 2.0;
        for (at, _) in tied {
            if let Some(rank) = ranks.get_mut(*at) {
                *rank = mean;
            }
        }
        before += tied.len();
    }
    ranks
}
