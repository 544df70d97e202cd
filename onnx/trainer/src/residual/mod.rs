//! What rates leave of a cost, learned: a small network over what a model is made of, what its
//! parts take by the rates, and the rates themselves (`umbra::rank::cost::residual`). It says by
//! how much the sum over the nodes is off, and how sure that is.
//!
//! It learns on episodes: a board of the pool, some models measured on it, and rates fitted to
//! them under a prior that does not know the board's device. What it corrects there are the
//! models that were not measured.

mod corrector;
mod episodes;
mod export;
mod fit;
mod network;
mod ship;

pub(crate) use corrector::Corrector;
pub(crate) use episodes::{Rows, rows};
pub(crate) use fit::{Fitted, teach};
pub(crate) use ship::{kind, ship};
