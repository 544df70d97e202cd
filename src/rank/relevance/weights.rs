//! Weights of the fitted relevance; written by `python -m lab fusion --write`, not by hand.
//!
//! Ridge regression on the standing in the truth, on 172 tasks of 12 datasets with 55
//! backbones (docs/laboratory.md).

use super::View;

/// Of each view: the weight of a candidate's own value, of the mean over the candidates of its
/// source task, and of the mean over those of its family.
pub(super) const WEIGHTS: [(View, [f64; 3]); 4] = [
    (View::Prior, [0.4271, -0.0684, 0.1430]),
    (View::LogMe, [0.1382, 0.1532, 0.2049]),
    (View::HScore, [0.2181, 0.1218, -0.1359]),
    (View::Nce, [-0.0542, 0.0898, -0.0669]),
];
