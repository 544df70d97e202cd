//! How well a candidate suits the task: scores of its features on the task's samples.
//!
//! Every score is exact, in `f64`, and defined or [`Undefined`]: no score is ever
//! NaN. Which score a ranking uses is decided in one place, [`scale`].

mod compat;
mod energy;
mod fitted;
mod fusion;
mod gamma;
mod gbc;
mod halves;
mod head;
mod hscore;
mod knn;
mod leep;
mod lfc;
mod logme;
mod mixture;
mod moments;
mod nce;
mod nleep;
mod pactran;
mod prior;
mod probabilities;
mod project;
mod scale;
mod spectrum;
mod unlabelled;
mod weights;

pub use crate::task::Undefined;
pub use compat::{logme_compat, logme_compat_regression};
pub use energy::energy;
pub(in crate::rank) use fitted::standardised;
pub use fitted::{Kin, applies, group_means};
pub use fusion::{Standing, View, fuse};
pub use gbc::gbc;
pub use halves::{logme_with_interval, scores};
pub use head::{head_accuracy, head_targets};
pub use hscore::{hscore, hscore_shrunk};
pub use knn::knn;
pub use leep::leep;
pub use lfc::lfc;
pub use logme::{TargetEvidence, logme, logme_per_class, logme_regression, logme_targets};
pub use moments::{Accumulator, Moments};
pub use nce::{most_probable, nce};
pub use nleep::nleep;
pub use pactran::pactran;
pub use prior::Prior;
pub use probabilities::softmax;
pub use scale::{Scale, scale};
pub use unlabelled::unlabelled;

/// Features: one sample per row.
pub type Matrix = nalgebra::DMatrix<f64>;

/// The classes present, ascending, once it is sure that a score is defined.
fn classes(features: &Matrix, labels: &[u32]) -> Result<Vec<u32>, Undefined> {
    if labels.len() != features.nrows() {
        let (labels, samples) = (labels.len(), features.nrows());
        return Err(Undefined(format!("{labels} labels for {samples} samples")));
    }
    if labels.len() < 2 {
        return Err(Undefined("fewer than two samples".to_owned()));
    }
    let mut present = labels.to_vec();
    present.sort_unstable();
    present.dedup();
    if present.len() < 2 {
        return Err(Undefined("fewer than two classes present".to_owned()));
    }
    Ok(present)
}

/// A score is a finite number or has a reason; powers of enormous features overflow.
fn defined(value: f64) -> Result<f64, Undefined> {
    if value.is_finite() {
        return Ok(value);
    }
    Err(Undefined("features whose powers overflow or vanish".to_owned()))
}
