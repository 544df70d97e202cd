//! What a candidate shows on the task's samples.

use serde::{Deserialize, Serialize};

use super::Scores;
use super::head::TargetFit;
use crate::base::{Digest, Micros};
use crate::model::{Head, Preprocess};

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
    /// How well such a head explains the samples' real targets, where they have those.
    pub fit: Option<TargetFit>,
    /// The head fitted on all samples.
    pub head: Option<Head>,
    /// What the scores say of it.
    pub scores: Scores,
    /// How images were fed where no sidecar says it: of all guesses the one that served best.
    pub preprocess: Option<Preprocess>,
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

    /// Whether it was shown to answer the task at all.
    #[must_use]
    pub fn serves(&self) -> bool {
        self.accuracy().is_some() || self.fit.is_some()
    }

    /// How well it answers, to choose between ways of feeding it: accuracy, or R².
    #[must_use]
    pub fn merit(&self) -> Option<f64> {
        self.accuracy().or(self.fit.map(|fit| fit.r2)).map(|found| found.value)
    }

    /// Exact LogME of its features, nats per sample.
    #[must_use]
    pub fn logme(&self) -> Option<Estimate> {
        self.scores.logme.as_ref().ok().map(super::Scored::estimate)
    }

    /// Accuracy of what would be deployed.
    #[must_use]
    pub fn accuracy(&self) -> Option<Estimate> {
        if self.uses_own_scores() { self.own_accuracy } else { self.head_accuracy }
    }
}

/// Accuracy from `right` of `trials`, with Wilson's 95 % interval.
#[must_use]
pub fn wilson(right: f64, trials: f64) -> Estimate {
    const Z: f64 = 1.959_963_984_540_054;
    if trials <= 0.0 {
        return Estimate { value: 0.0, low: 0.0, high: 1.0 };
    }
    let share = right / trials;
    let spread = Z * Z / trials;
    let middle = (share + spread / 2.0) / (1.0 + spread);
    let reach = (share * (1.0 - share) * spread + spread * spread / 4.0).sqrt() / (1.0 + spread);
    Estimate { value: share, low: (middle - reach).max(0.0), high: (middle + reach).min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_agrees_with_published_figures() {
        // Newcombe (1998), table I: 81 of 263 and 0 of 20.
        let many = wilson(81.0, 263.0);
        assert!((many.low - 0.2553).abs() < 5e-5 && (many.high - 0.3662).abs() < 5e-5, "{many:?}");
        let none = wilson(0.0, 20.0);
        assert!(none.low == 0.0 && (none.high - 0.1611).abs() < 5e-5, "{none:?}");
    }
}
