//! Floor 5: one candidate, one trial.
//!
//! A fresh worker loads, optimises, checks golden vectors, warms up and runs exactly
//! the pipeline that would be deployed; it sends raw samples. Statistics, energy,
//! conditions and the verdict are made here, in the parent.

mod collect;
mod conditions;
mod cool;
mod during;
mod ended;
mod energy;
mod golden;
mod inputs;
mod memory;
mod plan;
mod queue;
mod run;
mod spec;
mod stats;
mod steady;
mod trial;
mod verdict;
mod worker;

pub use cool::{Cool, Cooled};
pub use during::During;
pub use energy::measure_idle;
pub use run::{rejected, run, skipped};
pub use spec::spec_for;
pub use stats::latency;
pub use steady::steady;
pub use trial::{Condition, Conditions, Energy, Latency, Outliers, Plan, Trial, TrialKey, Verdict};
pub use worker::work;
