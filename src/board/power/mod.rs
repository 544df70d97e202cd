//! Power meters behind one trait.
//!
//! A source is taken metric by metric: a library that opens proves nothing. Where
//! no meter exists the answer is an estimate that says so, or nothing.

use serde::{Deserialize, Serialize};

use crate::base::{Joules, Reading, Watts};

/// What a meter covers. A rail is not a board and a board is not the wall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Some rails, or one package or device.
    Rail,
    /// The whole module or board.
    Board,
    /// The wall plug or the supply cable.
    Wall,
    /// Computed, not measured.
    Estimate,
}

/// One rail of a meter.
#[derive(Debug, Clone, Serialize)]
pub struct Rail {
    /// Label, such as `VDD_IN`.
    pub label: String,
    /// Power now.
    pub power: Reading<Watts>,
    /// Whether it counts towards the meter's total.
    pub counted: bool,
}

/// One look at a meter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sample {
    /// Power at this moment.
    Power(Watts),
    /// A counter of energy that wraps to zero after `wraps_at`.
    Energy {
        /// Count now.
        total: Joules,
        /// Where the counter starts again, if it does.
        wraps_at: Option<Joules>,
    },
}

/// Something that measures power or energy.
pub trait Meter: std::fmt::Debug + Send {
    /// Kind and place, for people and records, such as `hwmon ina3221 1-0040`.
    fn source(&self) -> &str;
    /// What it covers.
    fn scope(&self) -> Scope;
    /// Its rails, read now.
    fn rails(&mut self) -> Vec<Rail>;
    /// The total, read now.
    fn sample(&mut self) -> Reading<Sample>;
}
