//! Integration tests: one binary, so that the engine is linked once.

// clippy.toml's leave for tests does not reach the functions that tests share.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used
)]

#[path = "../models/mod.rs"]
mod models;

mod inspect;
mod validate;
