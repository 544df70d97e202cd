//! Floor 5: one candidate, one trial.
//!
//! A fresh worker loads, optimises, checks golden vectors, warms up and runs exactly
//! the pipeline that would be deployed; it sends raw samples. Statistics, energy,
//! conditions and the verdict are made here, in the parent.

mod trial;

pub use trial::{Condition, Conditions, Energy, Latency, Plan, Trial, TrialKey, Verdict};
