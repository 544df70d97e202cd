//! The head: a linear classifier on a backbone's features, fitted on the device.
//!
//! Multinomial logistic regression with an L2 penalty on standardised features; where
//! that is too dear, ridge regression on one-hot targets. Both are convex, so the
//! result does not depend on a starting point, and both are solved in `f64` with a
//! fixed number of steps. The standardisation is folded into the weights, so that
//! what is deployed is `W f + b`.

mod logistic;
mod ridge;
mod standard;
mod target;
mod validate;

pub use target::{TargetFit, cross_validate_target, fit_target};
pub use validate::cross_validate;

use nalgebra::DMatrix;

use self::standard::Standardised;
use super::Undefined;
use crate::model::Head;

/// Work of one gradient (samples x coordinates x classes) above which ridge takes over.
const DEAR: usize = 8_000_000;

/// A classifier in the features' own coordinates: `features x classes`, and a bias each.
#[derive(Debug, Clone)]
struct Linear {
    weights: DMatrix<f64>,
    bias: Vec<f64>,
}

/// Fits a head on features (one sample per row) and labels; `names` are the labels' names.
///
/// # Errors
/// [`Undefined`] with fewer than two classes, labels without a name, or features that
/// are not finite.
pub fn fit(features: &DMatrix<f64>, labels: &[u32], names: &[String]) -> Result<Head, Undefined> {
    fit_linear(features, labels, names.len())?.head(names)
}

fn fit_linear(
    features: &DMatrix<f64>,
    labels: &[u32],
    classes: usize,
) -> Result<Linear, Undefined> {
    check(features, labels, classes)?;
    let standardised = Standardised::of(features);
    let work = features.nrows() * standardised.coordinates.ncols() * classes;
    let solved = if work > DEAR {
        ridge::solve(&standardised.coordinates, labels, classes)?
    } else {
        logistic::solve(&standardised.coordinates, labels, classes)
    };
    Ok(standardised.unfold(&solved))
}

fn check(features: &DMatrix<f64>, labels: &[u32], classes: usize) -> Result<(), Undefined> {
    let undefined = |why: &str| Err(Undefined(why.to_owned()));
    if labels.len() != features.nrows() {
        return undefined("not one label for each sample");
    }
    if labels.iter().any(|label| *label as usize >= classes) {
        return undefined("a label without a name");
    }
    if labels.first().is_none_or(|first| labels.iter().all(|label| label == first)) {
        return undefined("fewer than two classes present");
    }
    if features.ncols() == 0 || features.iter().any(|value| !value.is_finite()) {
        return undefined("features that are none or not finite");
    }
    Ok(())
}

impl Linear {
    /// What is deployed, with these names.
    fn head(&self, names: &[String]) -> Result<Head, Undefined> {
        let weights: Vec<f32> = self.weights.iter().map(|weight| *weight as f32).collect();
        let bias: Vec<f32> = self.bias.iter().map(|bias| *bias as f32).collect();
        if weights.iter().chain(&bias).any(|value| !value.is_finite()) {
            return Err(Undefined("the head's weights are not finite".to_owned()));
        }
        // Column by column of `features x classes` is row by row of `labels x features`.
        Ok(Head { labels: names.to_vec(), features: self.weights.nrows(), weights, bias })
    }

    /// The best class of a row of features.
    fn classify(&self, row: &nalgebra::RowDVector<f64>) -> usize {
        let scores = row * &self.weights;
        let mut best = (0, f64::NEG_INFINITY);
        for (class, (score, bias)) in scores.iter().zip(&self.bias).enumerate() {
            if score + bias > best.1 {
                best = (class, score + bias);
            }
        }
        best.0
    }
}
