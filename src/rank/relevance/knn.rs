//! Nearest neighbours: would a sample be told by those most like it?
//!
//! Leave-one-out accuracy of the k nearest neighbours by Euclidean distance, as used to
//! choose among many models without training (Puigcerver et al., ICLR 2021, with k = 1).

use std::collections::BTreeMap;

use super::spectrum::check_finite;
use super::{Matrix, Undefined, classes};

/// Leave-one-out accuracy, 0 to 1, of features (one sample per row).
///
/// The majority among the neighbours decides, of equal majorities the one with the nearest
/// member. Of equal distances the sample of the lower index is nearer. Time O(N² D).
///
/// # Errors
/// [`Undefined`] with fewer than two samples or classes, no neighbour to ask, or features
/// that are not finite or all the same.
pub fn knn(features: &Matrix, labels: &[u32], neighbours: usize) -> Result<f64, Undefined> {
    classes(features, labels)?;
    check_finite(features)?;
    if neighbours == 0 {
        return Err(Undefined("no neighbours to ask".to_owned()));
    }
    let largest = features.amax();
    if features.row_iter().all(|row| Some(row) == features.row_iter().next()) || largest == 0.0 {
        return Err(Undefined("the features of all samples are the same".to_owned()));
    }
    // One sample per column, so that a distance reads memory in order.
    let samples = features.transpose() / largest;
    let right = (0..labels.len()).filter(|at| told(&samples, labels, *at, neighbours)).count();
    Ok(right as f64 / labels.len() as f64)
}

/// Whether a sample's neighbours have its label.
fn told(samples: &Matrix, labels: &[u32], at: usize, neighbours: usize) -> bool {
    let own = samples.column(at);
    let mut others: Vec<(f64, usize, u32)> = samples
        .column_iter()
        .zip(labels)
        .enumerate()
        .filter(|(other, _)| *other != at)
        .map(|(other, (sample, label))| ((sample - own).norm_squared(), other, *label))
        .collect();
    others.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    // Votes, and the place of the nearest voter.
    let mut votes: BTreeMap<u32, (usize, usize)> = BTreeMap::new();
    for (place, (_, _, label)) in others.iter().take(neighbours).enumerate() {
        votes.entry(*label).or_insert((0, place)).0 += 1;
    }
    let winner = votes.iter().max_by(|(_, a), (_, b)| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    winner.map(|(label, _)| label) == labels.get(at)
}
