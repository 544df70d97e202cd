//! What a candidate shows on the task's samples.

use serde::{Deserialize, Serialize};

use crate::base::{Digest, Micros};
use crate::model::Head;

/// A value with a 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Point estimate.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Why a score is not defined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{0}")]
pub struct Undefined(pub String);

/// A candidate on the task's samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Candidate.
    pub id: String,
    /// Model.
    pub sha256: Digest,
    /// Task.
    pub task: Digest,
    /// Accuracy of the model's own scores, where its labels are the task's.
    pub own_accuracy: Option<Estimate>,
    /// Cross-validated accuracy of a head fitted on its features.
    pub head_accuracy: Option<Estimate>,
    /// The head fitted on all samples.
    pub head: Option<Head>,
    /// Exact LogME of its features, nats per sample.
    pub logme: Option<Estimate>,
    /// Why a score above is missing.
    pub undefined: Option<Undefined>,
    /// Mean time of one forward pass while observing.
    pub forward: Option<Micros>,
}

impl Evidence {
    /// Whether the model's own scores serve the task better than the fitted head.
    #[must_use]
    pub fn uses_own_scores(&self) -> bool {
        match (self.own_accuracy, self.head_accuracy) {
            (Some(own), Some(head)) => own.value >= head.value,
            (Some(_), None) => true,
            _ => false,
        }
    }

    /// Accuracy of what would be deployed.
    #[must_use]
    pub fn accuracy(&self) -> Option<Estimate> {
        if self.uses_own_scores() { self.own_accuracy } else { self.head_accuracy }
    }
}
