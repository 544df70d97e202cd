//! `train`: trains the rankers, judges them on datasets and boards that they have not seen, and
//! writes their files.

mod batch;
mod boards;
mod contest;
mod curve;
mod export;
mod facts;
mod fit;
mod fused;
mod judge;
mod loss;
mod network;
mod prior;
mod report;
mod ridge;
mod shipped;
mod train;
mod wide;

#[cfg(test)]
pub(crate) use facts::Facts;
pub(crate) use facts::{FORM, SPEEDS};
pub(crate) use train::Train;
