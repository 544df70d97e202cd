//! `train`: trains the rankers, judges them on datasets and boards that they have not seen, and
//! writes their files.

mod boards;
mod contest;
mod curve;
pub(crate) mod export;
mod facts;
pub(crate) mod fit;
mod judge;
mod loss;
pub(crate) mod network;
mod report;
mod train;

pub(crate) use train::{SAME, Train, TrainError};
