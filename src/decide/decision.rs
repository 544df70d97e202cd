//! A decision: plain data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::Digest;

/// The model that runs now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incumbent {
    /// Candidate id.
    pub id: String,
    /// Configuration.
    pub config_id: String,
    /// Model.
    pub sha256: Digest,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Put the model in place.
    Deploy,
    /// The running model stays.
    Keep,
    /// Nothing is feasible; the running model stays because it is better than none.
    Fallback,
    /// Nothing is feasible and nothing runs.
    None,
}

impl Action {
    /// Lower-case name, as in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Keep => "keep",
            Self::Fallback => "fallback",
            Self::None => "none",
        }
    }
}

/// A change of the policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// A limit, by its name in task.toml, in that unit.
    Limit {
        /// Name.
        name: String,
        /// Now.
        from: Option<f64>,
        /// Then.
        to: f64,
    },
    /// A target, by its name in task.toml, in that unit.
    Target {
        /// Name.
        name: String,
        /// Now.
        from: Option<f64>,
        /// Then.
        to: f64,
    },
    /// A weight.
    Weight {
        /// Name.
        name: String,
        /// Now.
        from: f64,
        /// Then.
        to: f64,
    },
}

/// The smallest single change that would turn the choice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flip {
    /// What to change.
    pub change: Change,
    /// What would then be chosen; `None` where nothing would be feasible.
    pub to: Option<String>,
    /// One line for people, such as `latency target 2 -> 0.9 ms: mbv1-... wins`.
    pub text: String,
}

/// What to do, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// What.
    pub action: Action,
    /// Which candidate, if any.
    pub model: Option<String>,
    /// Its configuration.
    pub config_id: Option<String>,
    /// Why, for people.
    pub reason: String,
    /// Margins of the chosen one against every other feasible one, in weight units.
    pub margins: BTreeMap<String, f64>,
    /// Ids on the Pareto front.
    pub pareto: Vec<String>,
    /// Ids that the noise does not tell from the first.
    pub indistinguishable: Vec<String>,
    /// What would change it.
    pub flip: Option<Flip>,
}
