//! Samples without labels: what the features make of them on their own.
//!
//! Clusters take the place of labels: features that fall apart into as many groups as there are
//! classes may tell the classes, too. This is weak evidence. The clusters are made of the very
//! features that are scored, so the score flatters, and whether groups are classes nobody
//! knows; its interval therefore reaches down to what the same groups score once
//! they are dealt out at random.

use super::mixture::responsibilities;
use super::spectrum::check_finite;
use super::{Matrix, Undefined, logme};
use crate::base::random::SplitMix64;
use crate::task::Estimate;

/// Starts of the clustering.
const STARTS: u64 = 8;

/// LogME of the clusters that features (one sample per row) fall into: the mean over several
/// starts, up to the best of them, and down to the same clusters dealt out at random.
///
/// # Errors
/// [`Undefined`] with fewer than two clusters, not two samples for each, or features that are
/// not finite or fall into one cluster only.
pub fn unlabelled(features: &Matrix, clusters: usize, seed: u64) -> Result<Estimate, Undefined> {
    check_finite(features)?;
    if clusters < 2 || features.nrows() < clusters.saturating_mul(2) {
        let samples = features.nrows();
        return Err(Undefined(format!("{clusters} clusters of {samples} samples")));
    }
    let largest = features.amax();
    let points = features / if largest > 0.0 { largest } else { 1.0 };
    let mut random = SplitMix64::new(seed);
    let (mut scores, mut lowest) = (Vec::new(), f64::INFINITY);
    for start in 0..STARTS {
        let mut labels = assigned(&responsibilities(&points, clusters, seed.wrapping_add(start)));
        scores.push(logme(features, &labels)?);
        random.shuffle(&mut labels);
        lowest = lowest.min(logme(features, &labels)?);
    }
    let value = scores.iter().sum::<f64>() / scores.len() as f64;
    let highest = scores.iter().copied().fold(value, f64::max);
    Ok(Estimate { value, low: lowest.min(value), high: highest })
}

/// The likeliest component of every sample.
fn assigned(shares: &Matrix) -> Vec<u32> {
    let best = |row: nalgebra::MatrixView1xX<'_, f64, _, _>| {
        let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)));
        best.map_or(0, |(component, _)| u32::try_from(component).unwrap_or(u32::MAX))
    };
    shares.row_iter().map(best).collect()
}
