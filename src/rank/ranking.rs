//! A ranking: plain data, with everything needed to explain and to redo it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Method;
use super::relevance::{Prior, Standing};
use crate::base::Digest;
use crate::task::{Estimate, Policy};

/// What candidates are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Criterion {
    /// How well it serves the task: accuracy (0 to 1) or LogME (nats per sample), see
    /// docs/ranking.md. Higher is better; every other criterion is a cost.
    Relevance,
    /// Median latency, microseconds.
    Latency,
    /// Peak resident memory, bytes.
    Memory,
    /// Energy of one inference, joules.
    Energy,
    /// Degrees above the throttle margin that steady running would reach, Celsius.
    Thermal,
    /// File size, bytes.
    Storage,
}

impl Criterion {
    /// All of them, in the order of their default weights.
    pub const ALL: [Self; 6] =
        [Self::Relevance, Self::Latency, Self::Memory, Self::Energy, Self::Thermal, Self::Storage];

    /// Lower-case name, as in JSON and task.toml.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Relevance => "relevance",
            Self::Latency => "latency",
            Self::Memory => "memory",
            Self::Energy => "energy",
            Self::Thermal => "thermal",
            Self::Storage => "storage",
        }
    }
}

/// A value with its interval, in the criterion's unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// Value.
    pub value: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Predicted rather than measured.
    pub predicted: bool,
}

/// A hard limit that a candidate breaks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Violation {
    /// `latency`, `memory`, `storage`, `energy`, `accuracy`.
    pub limit: String,
    /// The candidate's value, in the unit of task.toml (ms, MB, mJ, fraction).
    pub value: f64,
    /// The limit, in the same unit.
    pub bound: f64,
}

/// One candidate in a ranking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Candidate.
    pub id: String,
    /// Configuration.
    pub config_id: String,
    /// Model.
    pub sha256: Digest,
    /// Usable at all (measured or predicted, not rejected or invalid).
    pub usable: bool,
    /// Hard limits it breaks.
    pub violations: Vec<Violation>,
    /// Values per criterion, measured or else predicted; a missing one abstains.
    pub measures: BTreeMap<Criterion, Measure>,
    /// What its costs are predicted to be, as if it had not been measured itself.
    #[serde(default)]
    pub predictions: BTreeMap<Criterion, Measure>,
    /// The figures that limits are gated with, in the unit of task.toml, by limit name.
    pub gates: BTreeMap<String, f64>,
    /// Accuracy on the task.
    pub accuracy: Option<Estimate>,
    /// Where it stands among the usable by the prior and all scores of the samples.
    #[serde(default)]
    pub standing: Option<Standing>,
    /// Rank per criterion among the feasible, 1 is best, ties share the lowest.
    pub ranks: BTreeMap<Criterion, u32>,
    /// Copeland score among the feasible.
    pub copeland: Option<f64>,
    /// Sum of the Copeland scores of those it beats, and half of those it ties with.
    pub second_order: Option<f64>,
    /// Sum of its margins, in weight units.
    pub margin_sum: Option<f64>,
}

impl Row {
    /// Usable and within every limit.
    #[must_use]
    pub fn feasible(&self) -> bool {
        self.usable && self.violations.is_empty()
    }
}

/// The order of all candidates under a policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// What the user wants.
    pub policy: Policy,
    /// What the prior of the standings is, where there is one.
    #[serde(default)]
    pub prior: Option<Prior>,
    /// How those within the limits are ordered.
    #[serde(default)]
    pub method: Method,
    /// Why the standings are mean ranks and not fitted, where that is so.
    #[serde(default)]
    pub unfitted: Option<String>,
    /// Every candidate, in the order given.
    pub rows: Vec<Row>,
    /// Indices into `rows` of the feasible ones, best first.
    pub order: Vec<usize>,
    /// Margins `D_ij` in weight units between `order[i]` and `order[j]`, row by row.
    pub margins: Vec<Vec<f64>>,
    /// Ids on the Pareto front of the feasible.
    pub pareto: Vec<String>,
    /// Ids that the noise does not tell from the first.
    pub indistinguishable: Vec<String>,
}
