//! `train`: trains the rankers, judges them on datasets and boards that they have not seen, and
//! writes their files.

pub(crate) mod batch;
mod boards;
mod check;
mod contest;
mod curve;
mod error;
pub(crate) mod export;
mod facts;
mod fit;
mod fused;
mod judge;
mod loss;
pub(crate) mod network;
mod prior;
mod report;
mod ridge;
mod shipped;
mod train;
mod wide;

pub(crate) use check::SAME;
pub(crate) use error::TrainError;
#[cfg(test)]
pub(crate) use facts::Facts;
pub(crate) use facts::{FORM, SHOTS, SPEEDS};
pub(crate) use train::Train;
