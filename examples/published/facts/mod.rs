//! Published figures and what becomes of them here; shared by the example and the tests.

pub(crate) mod cells;
pub(crate) mod tables;
