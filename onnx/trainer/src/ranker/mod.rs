//! `train`: trains the rankers, judges them on datasets and boards that they have not seen, and
//! writes their files.

pub(crate) mod batch;
mod boards;
mod contest;
mod curve;
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

#[cfg(test)]
pub(crate) use facts::Facts;
pub(crate) use facts::{FORM, SHOTS, SPEEDS};
pub(crate) use train::{SAME, Train, TrainError};
