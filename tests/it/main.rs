//! Integration tests: one binary, so that the engine is linked once.

mod decide;
mod floors;
mod licences;
mod rank;
mod store;
