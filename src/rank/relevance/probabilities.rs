//! Source-class probabilities: what the scores of a source head take.

use super::{Matrix, Undefined};

/// Rows may miss a sum of 1 by this much, as rounded files do.
const ROUNDED: f64 = 1e-3;

/// Probabilities of logits, both N x Z (one sample per row).
///
/// # Errors
/// [`Undefined`] where a logit is not finite, or there are none.
pub fn softmax(logits: &Matrix) -> Result<Matrix, Undefined> {
    if logits.is_empty() {
        return Err(Undefined("no logits".to_owned()));
    }
    let mut probabilities = logits.clone();
    for (sample, mut row) in probabilities.row_iter_mut().enumerate() {
        if let Some(class) = row.iter().position(|logit| !logit.is_finite()) {
            return Err(Undefined(format!("non-finite logit {class} of sample {sample}")));
        }
        let highest = row.max();
        row.apply(|logit| *logit = (*logit - highest).exp());
        let sum = row.sum();
        row.unscale_mut(sum);
    }
    Ok(probabilities)
}

/// Labels and probabilities that belong together.
#[derive(Debug)]
pub(super) struct Predicted {
    /// N x Z, every row summing to 1.
    pub(super) probabilities: Matrix,
    /// Class of every sample, from 0 without gaps.
    pub(super) labels: Vec<usize>,
    /// Classes present.
    pub(super) classes: usize,
}

impl Predicted {
    /// # Errors
    /// [`Undefined`] with no samples, not one label each, or rows that are no probabilities.
    pub(super) fn of(probabilities: &Matrix, labels: &[u32]) -> Result<Self, Undefined> {
        if labels.len() != probabilities.nrows() {
            let (labels, samples) = (labels.len(), probabilities.nrows());
            return Err(Undefined(format!("{labels} labels for {samples} samples")));
        }
        if probabilities.is_empty() {
            return Err(Undefined("no samples or no source classes".to_owned()));
        }
        let mut probabilities = probabilities.clone();
        for (sample, mut row) in probabilities.row_iter_mut().enumerate() {
            let sum = row.sum();
            let sound = row.iter().all(|p| *p >= 0.0) && (sum - 1.0).abs() <= ROUNDED;
            if !sound {
                return Err(Undefined(format!("the row of sample {sample} is no distribution")));
            }
            row.unscale_mut(sum);
        }
        let (labels, classes) = numbered(labels);
        Ok(Self { probabilities, labels, classes })
    }

    /// Sum over samples of each class, `classes x Z`.
    pub(super) fn joint(&self) -> Matrix {
        let mut joint = Matrix::zeros(self.classes, self.probabilities.ncols());
        for (row, label) in self.probabilities.row_iter().zip(&self.labels) {
            let mut sum = joint.row_mut(*label);
            sum += row;
        }
        joint
    }
}

/// Labels numbered from 0 without gaps, in their order, and how many there are.
pub(super) fn numbered(labels: &[u32]) -> (Vec<usize>, usize) {
    let mut present = labels.to_vec();
    present.sort_unstable();
    present.dedup();
    let number = |label: &u32| present.binary_search(label).unwrap_or_default();
    (labels.iter().map(number).collect(), present.len())
}
