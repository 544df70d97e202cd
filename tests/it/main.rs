//! Integration tests: one binary, so that the engine is linked once.

mod boot;
mod decide;
mod floors;
mod licences;
mod rank;
mod select;
mod store;
mod world;
