//! How good a linear head is, as a score beside the others.

use super::probabilities::numbered;
use super::{Matrix, Undefined};
use crate::task::Estimate;
use crate::task::head::{self, TargetFit};

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

/// How well a linear head explains each column of real targets; see
/// [`head::cross_validate_target`].
#[must_use]
pub fn head_targets(features: &Matrix, targets: &Matrix) -> Vec<Result<TargetFit, Undefined>> {
    if targets.ncols() == 0 {
        return vec![Err(Undefined("no target".to_owned()))];
    }
    let column = |at| targets.column(at).iter().copied().collect::<Vec<f64>>();
    let fit = |at| head::cross_validate_target(features, &column(at));
    (0..targets.ncols()).map(fit).collect()
}
