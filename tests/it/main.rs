//! Integration tests: one binary, so that the engine is linked once.

// clippy.toml's leave for tests does not reach the functions that tests share.
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

#[path = "../../benches/inside/mod.rs"]
mod inside;

#[path = "../../examples/published/facts/mod.rs"]
mod published;

mod bench;
mod board;
mod boot;
mod child;
mod cli;
mod conditions;
mod console;
mod copeland;
mod cost;
mod decide;
mod emulated;
mod engine;
mod engine_fixtures;
mod evaluate;
mod fake;
mod floors;
mod inspect;
mod licences;
#[cfg(feature = "ort")]
mod ort;
mod rank;
#[cfg(all(feature = "demo", feature = "tract"))]
mod ranker;
mod regression;
mod relevance;
mod select;
mod show;
mod store;
mod task;
mod task_kinds;
mod tokens;
mod validate;
mod world;
