//! Costs on a board that nobody has measured, from a few measurements on it and many on
//! other boards.
//!
//! A [`Pool`] holds costs (latency, energy, memory: any positive figure) of models on known
//! boards; *anchors* are the models measured on the new one. [`ridge`] writes the new board
//! as a mixture of known boards; [`Process`] also knows what the models are made of
//! ([`Traits`]), so that a model without any measurement is predicted too, and how sure it
//! is. [`roofline`] needs no other board: it adds up what the nodes of a model cost by the
//! speeds that micro-models showed here, [`residual`] corrects that by what was learned on other
//! boards, and [`forecast`] by the models measured since. Everything happens in logarithms: an
//! error is a ratio. Every prediction has an interval. Nothing here measures or reads;
//! docs/evaluation-hardware.md says how good it is.

mod account;
mod anchors;
mod choice;
mod features;
mod fill;
mod forecast;
mod kernel;
mod memory;
mod mixture;
mod pool;
mod process;
pub mod residual;
mod ridge;
pub mod roofline;
mod tune;

pub use anchors::choose_anchors;
pub use choice::Choice;
pub use features::Traits;
pub use forecast::{Subject, forecast};
pub use kernel::Scales;
pub use memory::{Footprint, footprints};
pub use mixture::Prior;
pub use pool::{Anchor, CostError, Pool};
pub use process::{Joint, Process};
pub use ridge::{LAMBDA, ridge};
pub use tune::tune;

/// Half a 95 % interval in standard deviations.
pub const REACH: f64 = 1.96;

/// A predicted cost, in the unit of the measurements.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Guess {
    /// The median.
    pub cost: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Guess {
    /// From the mean and the standard deviation of the logarithm.
    #[must_use]
    pub fn of(mean: f64, deviation: f64) -> Self {
        let reach = REACH * deviation;
        Self { cost: mean.exp(), low: (mean - reach).exp(), high: (mean + reach).exp() }
    }
}
