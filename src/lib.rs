//! Umbra chooses, by measuring, which pre-trained model an embedded board should run.
//!
//! ```text
//! probe ─► candidates ─► rank ─► bench ─► observe ─► rank again ─► decide ─► deploy
//! Facts    Candidate[]   Ranking  Trial[]  Evidence[]  Ranking     Decision  Deployment
//! ```
//!
//! Each arrow is one public function whose argument and result are plain data. The
//! [`agent`] room owns the loop; no stage calls another stage. A room uses only
//! rooms of a lower floor (`tests/it/floors.rs` holds it to that):
//!
//! [`base`] 0 · [`board`] 1 · [`model`] 2 · [`engine`] 3 · [`child`] 4 · [`bench`](mod@bench) and
//! [`task`] 5 · [`rank`] 6 · [`decide`] 7 · [`deploy`] 8 · [`agent`] 9 · [`ui`] 10

pub mod agent;
pub mod base;
pub mod bench;
pub mod board;
pub mod child;
pub mod decide;
pub mod deploy;
pub mod engine;
pub mod model;
pub mod rank;
pub mod task;
pub mod ui;
