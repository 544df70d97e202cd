//! `train`: trains the rankers, judges them on datasets and boards that they have not seen, and
//! writes their files.

mod boards;
mod contest;
mod curve;
mod export;
mod facts;
mod fit;
mod judge;
mod loss;
mod network;
mod report;
mod train;

#[cfg(test)]
pub(crate) use facts::Facts;
pub(crate) use train::Train;
