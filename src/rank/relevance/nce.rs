//! Negative conditional entropy of the labels, given the source class that a model names.
//!
//! `-H(Y|Z)` (Tran et al., ICCV 2019), with Z the most probable source class.

use std::collections::BTreeMap;

use super::{Matrix, Undefined};

/// NCE of one source class for each sample, nats, at most 0; higher is better.
///
/// 0 with one class or one sample, which says nothing: do not rank by that.
///
/// # Errors
/// [`Undefined`] with no samples, or not one label each.
pub fn nce(source: &[u32], labels: &[u32]) -> Result<f64, Undefined> {
    if source.len() != labels.len() {
        return Err(Undefined(format!("{} labels for {} samples", labels.len(), source.len())));
    }
    if labels.is_empty() {
        return Err(Undefined("no samples".to_owned()));
    }
    let mut per_source: BTreeMap<u32, BTreeMap<u32, u32>> = BTreeMap::new();
    for (source, label) in source.iter().zip(labels) {
        *per_source.entry(*source).or_default().entry(*label).or_default() += 1;
    }
    let within = |counts: &BTreeMap<u32, u32>| {
        let all = f64::from(counts.values().sum::<u32>());
        counts.values().map(|n| f64::from(*n) * (f64::from(*n) / all).ln()).sum::<f64>()
    };
    Ok(per_source.values().map(within).sum::<f64>() / labels.len() as f64)
}

/// The most probable source class of each sample (one per row); of equals the first.
///
/// # Errors
/// [`Undefined`] with no source classes, or a value that is not finite.
pub fn most_probable(scores: &Matrix) -> Result<Vec<u32>, Undefined> {
    let best = |(sample, row): (usize, nalgebra::MatrixView1xX<'_, f64, _, _>)| {
        let mut best = None;
        for (class, score) in row.iter().enumerate() {
            if !score.is_finite() {
                return Err(Undefined(format!("non-finite value {class} of sample {sample}")));
            }
            if best.is_none_or(|(_, highest)| *score > highest) {
                best = Some((class, *score));
            }
        }
        let (class, _) = best.ok_or_else(|| Undefined("no source classes".to_owned()))?;
        u32::try_from(class).map_err(|_| Undefined("too many source classes".to_owned()))
    };
    scores.row_iter().enumerate().map(best).collect()
}
