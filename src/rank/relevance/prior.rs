//! What is expected of a candidate before it has seen a sample.
//!
//! A list that never looks at the task beats most scores that do (docs/evaluation.md), so it has a
//! seat among them. One scale for one ranking: what every candidate has, or nothing.

use serde::{Deserialize, Serialize};

use crate::model::Candidate;

/// What the prior of a ranking is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Prior {
    /// The figure that the sidecars state.
    Stated,
    /// Multiply-accumulates of one inference.
    Macs,
    /// Accuracy on the source task, the same for all.
    Source,
}

impl Prior {
    /// The scale that all these candidates have; none where there is no such scale, or fewer
    /// than two of them.
    ///
    /// What the sidecars state holds for any zoo. Size and source accuracy hold only among models
    /// of one source: among models of different sources they say next to nothing
    /// (docs/evaluation.md).
    #[must_use]
    pub fn of(candidates: &[&Candidate]) -> Option<Self> {
        if candidates.len() < 2 {
            return None;
        }
        let all =
            |prior: &Self| candidates.iter().all(|candidate| prior.value(candidate).is_some());
        let alike = |pair: &[&Candidate]| match pair {
            [a, b] => source(a).is_some() && source(a) == source(b),
            _ => true,
        };
        let one_source = candidates.windows(2).all(alike);
        let sound = |prior: &Self| all(prior) && (*prior == Self::Stated || one_source);
        [Self::Stated, Self::Macs, Self::Source].into_iter().find(sound)
    }

    /// A candidate's value, higher being better.
    #[must_use]
    pub fn value(self, candidate: &Candidate) -> Option<f64> {
        let manifest = candidate.manifest.as_ref();
        let value = match self {
            Self::Stated => manifest?.prior,
            Self::Macs => candidate.card.as_ref()?.macs.map(|macs| macs as f64),
            Self::Source => {
                let source = manifest?.source.as_ref()?;
                source.accuracy_int8.or(source.accuracy_float)
            }
        };
        value.filter(|value| value.is_finite())
    }

    /// In words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stated => "stated in the sidecars",
            Self::Macs => "multiply-accumulates",
            Self::Source => "accuracy on the source task",
        }
    }
}

/// Labels of the source task.
fn source(candidate: &Candidate) -> Option<&[String]> {
    Some(&candidate.manifest.as_ref()?.source.as_ref()?.labels)
}
