//! Integration tests: one binary, so that the engine is linked once.

mod floors;
mod licences;
mod store;
