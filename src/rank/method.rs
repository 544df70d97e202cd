//! Ways of ordering what is within the limits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::rows::Merge;
use super::{Criterion, Measure, Ranking, ordered};
use crate::base::Digest;
use crate::task::{Estimate, Policy, Weights};

/// A way of ordering the candidates that keep the hard limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Relevance to the task and the costs on the board, combined by weighted Copeland.
    #[default]
    Shadow,
    /// The same, with predicted latencies corrected by what was learned on other boards.
    Corrected,
    /// One learned score of task and board.
    Fusion,
    /// One learned score of the task alone.
    Spider,
    /// What was expected before anything was seen: the prior of the sidecars, else size.
    Static,
}

impl Method {
    /// All of them, the default first.
    pub const ALL: [Self; 5] =
        [Self::Shadow, Self::Corrected, Self::Fusion, Self::Spider, Self::Static];

    /// Lower-case name, as on the command line and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Shadow => "shadow",
            Self::Corrected => "corrected",
            Self::Fusion => "fusion",
            Self::Spider => "spider",
            Self::Static => "static",
        }
    }

    /// The policy that it orders by: one score stands for everything but the limits.
    pub(super) fn policy(self, policy: &Policy) -> Policy {
        if matches!(self, Self::Shadow | Self::Corrected) {
            return policy.clone();
        }
        let none = Weights {
            relevance: 1.0,
            latency: 0.0,
            memory: 0.0,
            energy: 0.0,
            thermal: 0.0,
            storage: 0.0,
        };
        Policy { weights: none, ..policy.clone() }
    }
}

/// What a way says of each model: one score, higher being better.
#[derive(Debug, Clone, PartialEq)]
pub struct Advice {
    /// The way.
    pub method: Method,
    /// Scores of those that have one.
    pub scores: BTreeMap<Digest, Estimate>,
}

/// The same candidates in the order of an advice. A model that it says nothing of keeps no
/// relevance, and loses to every one that has some.
#[must_use]
pub fn advised(ranking: &Ranking, advice: &Advice) -> Ranking {
    let mut rows = ranking.rows.clone();
    for row in &mut rows {
        row.measures.remove(&Criterion::Relevance);
        if let Some(Estimate { value, low, high }) = advice.scores.get(&row.sha256).copied() {
            let measure = Measure { value, low, high, predicted: false };
            row.measures.insert(Criterion::Relevance, measure);
        } else {
            row.usable = false;
        }
    }
    ordered(rows, Merge::of(ranking), &ranking.policy, advice.method)
}
