//! Integration tests: one binary, so that the engine is linked once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod bench;
mod board;
mod child;
mod decide;
mod engine;
mod engine_fixtures;
mod fake;
mod floors;
mod inspect;
mod licences;
mod models;
mod rank;
mod store;
mod validate;
