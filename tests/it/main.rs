//! Integration tests: one binary, so that the engine is linked once.

#[path = "../models/mod.rs"]
mod models;

mod inspect;
mod validate;
