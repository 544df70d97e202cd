//! What a run of the main job found and did: plain data, for people and scripts.

use std::time::Duration;

use crate::bench::Trial;
use crate::board::Facts;
use crate::decide::{Decision, Incumbent};
use crate::deploy::Deployment;
use crate::model::Candidate;
use crate::rank::{Ranking, Speeds};
use crate::task::{Evidence, Task};

/// The result of `select`.
#[derive(Debug)]
pub struct Selection {
    /// The board.
    pub facts: Facts,
    /// The task.
    pub task: Task,
    /// Candidates, in zoo order.
    pub candidates: Vec<Candidate>,
    /// One per candidate, in the same order.
    pub trials: Vec<Trial>,
    /// Evidence of those that gave any.
    pub evidence: Vec<Evidence>,
    /// How fast the board does what, by configuration, as far as it is known.
    pub speeds: Speeds,
    /// The order.
    pub ranking: Ranking,
    /// What ran before.
    pub incumbent: Option<Incumbent>,
    /// The decision.
    pub decision: Decision,
    /// What was put in place, if anything was.
    pub deployment: Option<Deployment>,
    /// How many trials came from records.
    pub reused: usize,
    /// Where the time went.
    pub elapsed: Elapsed,
}

/// Wall-clock time per stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct Elapsed {
    pub probe: Duration,
    pub rank: Duration,
    pub bench: Duration,
    pub observe: Duration,
    pub decide: Duration,
    pub deploy: Duration,
    pub total: Duration,
}
