//! What the user wants of a model.

use serde::{Deserialize, Serialize};

use crate::base::{Bytes, Joules, Micros};

/// Limits, targets and weights.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Policy {
    /// A model over one of these is out.
    pub limits: Limits,
    /// Better than these earns nothing.
    pub targets: Targets,
    /// How much each criterion counts.
    pub weights: Weights,
}

/// Hard limits; `None` is no limit.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Limits {
    /// Upper bound of the 90th percentile of the latency, at most.
    pub latency: Option<Micros>,
    /// Peak resident memory, at most.
    pub memory: Option<Bytes>,
    /// File size, at most.
    pub storage: Option<Bytes>,
    /// Energy of one inference, at most.
    pub energy: Option<Joules>,
    /// Accuracy on the task, 0 to 1, at least.
    pub accuracy: Option<f64>,
}

/// Targets; `None` means that less is always better.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Targets {
    /// Median latency.
    pub latency: Option<Micros>,
    /// Peak resident memory.
    pub memory: Option<Bytes>,
    /// Energy of one inference.
    pub energy: Option<Joules>,
    /// File size.
    pub storage: Option<Bytes>,
}

/// Weights, in the user's units; defaults have no two subsets of equal sum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Weights {
    pub relevance: f64,
    pub latency: f64,
    pub memory: f64,
    pub energy: f64,
    pub thermal: f64,
    pub storage: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            relevance: 40.0,
            latency: 20.0,
            memory: 15.0,
            energy: 12.0,
            thermal: 8.0,
            storage: 5.0,
        }
    }
}
