//! The accuracy of a linear head, as a score beside the others.

use super::probabilities::numbered;
use super::{Matrix, Undefined};
use crate::task::{Estimate, head};

/// Cross-validated accuracy of a linear head on features (one sample per row), 0 to 1,
/// with a 95 % interval; see [`head::cross_validate`].
///
/// # Errors
/// [`Undefined`] with fewer than two classes, a class of a single sample, or features that
/// are not finite.
pub fn head_accuracy(features: &Matrix, labels: &[u32]) -> Result<Estimate, Undefined> {
    // A label of four billion must not mean as many classes.
    let (numbers, _) = numbered(labels);
    let numbers: Vec<u32> = numbers.into_iter().filter_map(|at| u32::try_from(at).ok()).collect();
    head::cross_validate(features, &numbers)
}
