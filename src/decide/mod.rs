//! Floor 7: from an order to a decision, with the reason and the smallest change
//! that would turn it. Pure.

mod decision;

pub use decision::{Action, Change, Decision, Flip, Incumbent};
