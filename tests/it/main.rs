//! Integration tests: one binary, so that the engine is linked once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr
)]

#[path = "../models/mod.rs"]
mod models;

mod bench;
mod child;
mod engine;
mod engine_fixtures;
mod fake;
mod inspect;
mod validate;
