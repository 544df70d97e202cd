//! Integration tests: one binary, so that the engine is linked once.

mod bench;
mod board;
mod boot;
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
mod select;
mod store;
mod task;
mod validate;
mod world;
