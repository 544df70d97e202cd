//! Floor 5: the target task: its samples, what the user wants of a model, and what a
//! candidate shows on the samples ([`Evidence`]).

mod evidence;
mod policy;

pub use evidence::{Estimate, Evidence, Undefined};
pub use policy::{Limits, MEGABYTE, Policy, Targets, Weights, megabytes};

use crate::base::Digest;
use crate::model::Image;

/// A task: labels, labelled samples, and what the user wants.
#[derive(Debug, Clone)]
pub struct Task {
    /// Name.
    pub name: String,
    /// One sentence.
    pub description: String,
    /// Labels in class order.
    pub labels: Vec<String>,
    /// Samples for the device.
    pub samples: Vec<Sample>,
    /// Limits, targets, weights.
    pub policy: Policy,
    /// Hash of labels and samples.
    pub digest: Digest,
}

/// A labelled image.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Sample {
    /// The image.
    pub image: Image,
    /// Index into the task's labels.
    pub label: u32,
}
