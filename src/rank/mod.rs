//! Floor 6: from measurements to an order. Pure: the same input gives the same
//! ranking on every target.

mod ranking;

pub use ranking::{Criterion, Measure, Ranking, Row, Violation};
