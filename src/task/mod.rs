//! Floor 5: the target task: its samples, what the user wants of a model, and what a
//! candidate shows on the samples ([`Evidence`]).
//!
//! [`open`] reads a task from a folder or an archive and refuses what would mislead:
//! an unreadable image, an empty class, labels that do not match. [`observe`] runs one
//! candidate over the samples in a child; [`work`] is the child's side. No image and no
//! feature leaves the child: what comes back are scores and a fitted [`head`]. [`tokens`] say
//! what a task is about without its images.

pub mod behaviour;
mod bundled;
mod decode;
mod description;
mod error;
mod evidence;
pub mod head;
mod observe;
mod open;
mod policy;
mod samples;
mod scores;
pub mod tokens;
mod tree;
mod work;

pub use bundled::bundled;
pub use decode::decode;
pub use error::TaskError;
pub use evidence::{Estimate, Evidence, Undefined, wilson};
pub use observe::{KIND, observe};
pub use open::{open, open_samples};
pub use policy::{Limits, MEGABYTE, Policy, Targets, Weights, megabytes};
pub use scores::{Given, Judged, Score, Scored, Scores};
pub use work::work;

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
    /// The real target of each sample; none where their labels are what is asked for.
    pub targets: Vec<f64>,
    /// Limits, targets, weights.
    pub policy: Policy,
    /// Hash of labels and samples.
    pub digest: Digest,
}

/// What kind of answer a task asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskKind {
    /// One of some labels; with two of them a binary task.
    Classification,
    /// A real number.
    Regression,
}

impl Task {
    /// What it asks for.
    #[must_use]
    pub fn kind(&self) -> TaskKind {
        if self.targets.is_empty() { TaskKind::Classification } else { TaskKind::Regression }
    }
}

/// A labelled image.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Sample {
    /// The image.
    pub image: Image,
    /// Index into the task's labels.
    pub label: u32,
}
