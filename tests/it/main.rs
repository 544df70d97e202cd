//! Integration tests: one binary, so that the engine is linked once.

mod store;
