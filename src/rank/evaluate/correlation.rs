//! Correlations of values and of ranks.

use super::{check, constant, mean_ranks};
use crate::task::Undefined;

/// Pearson's correlation, -1 to 1.
///
/// # Errors
/// [`Undefined`] with fewer than two items, a side that is constant or not finite, or
/// sides of different length.
pub fn pearson(a: &[f64], b: &[f64]) -> Result<f64, Undefined> {
    check(a, b, 2)?;
    let (a, b) = (centred(a).ok_or_else(constant)?, centred(b).ok_or_else(constant)?);
    let product: f64 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
    Ok(product.clamp(-1.0, 1.0))
}

/// Spearman's correlation: Pearson's, of ranks in which ties share their mean.
///
/// # Errors
/// As [`pearson`].
pub fn spearman(a: &[f64], b: &[f64]) -> Result<f64, Undefined> {
    check(a, b, 2)?;
    pearson(&mean_ranks(a), &mean_ranks(b))
}

/// Values less their mean, scaled to a norm of 1; none where they are all the same.
fn centred(values: &[f64]) -> Option<Vec<f64>> {
    let largest = values.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
    if values.first().is_none_or(|first| values.iter().all(|value| value == first)) {
        return None;
    }
    // Scaled first, so that no square overflows or vanishes.
    let mean = values.iter().map(|value| value / largest).sum::<f64>() / values.len() as f64;
    let apart: Vec<f64> = values.iter().map(|value| value / largest - mean).collect();
    let norm = apart.iter().map(|value| value * value).sum::<f64>().sqrt();
    (norm > 0.0).then(|| apart.iter().map(|value| value / norm).collect())
}
