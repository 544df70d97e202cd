//! LEEP: how well the classes of the source predict those of the task.
//!
//! The mean log likelihood of the labels under the classifier that draws a source class
//! from the model's probabilities, and a label from how often it met that source class
//! (Nguyen et al., ICML 2020). No small number is added anywhere: a sample contributes to
//! the cell it is read from, so no logarithm is of zero.

use super::probabilities::Predicted;
use super::{Matrix, Undefined, defined};

/// LEEP of source-class probabilities (N x Z), nats per sample, at most 0; higher is better.
///
/// 0 with one class or one sample, which says nothing: do not rank by that. Time O(NZ),
/// memory O(NZ + CZ).
///
/// # Errors
/// [`Undefined`] with no samples, not one label each, or rows that do not sum to 1.
pub fn leep(probabilities: &Matrix, labels: &[u32]) -> Result<f64, Undefined> {
    let predicted = Predicted::of(probabilities, labels)?;
    let mut given = predicted.joint();
    for mut column in given.column_iter_mut() {
        let sum = column.sum();
        if sum > 0.0 {
            column.unscale_mut(sum);
        }
    }
    let rows = predicted.probabilities.row_iter().zip(&predicted.labels);
    let total: f64 = rows.map(|(row, label)| row.dot(&given.row(*label)).ln()).sum();
    // A certain prediction may be more than certain by the last bit.
    defined((total / labels.len() as f64).min(0.0))
}
