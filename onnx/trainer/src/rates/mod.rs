//! Rates of a board from a few models measured on it.
//!
//! A model takes the sum over its nodes of an overhead and of what its operations or its bytes
//! take (`umbra::rank::cost::roofline`). Three or ten models do not determine two dozen rates, so
//! these are the most probable ones under a Gaussian prior on their logarithms, which [`learn`]
//! takes from the boards of the pool; how sure they are says Laplace's approximation. A model
//! needs no measurement anywhere, only its nodes.

mod bill;
mod fit;
mod prior;

pub(crate) use bill::Bills;
pub(crate) use fit::Prior;
pub(crate) use prior::{Lesson, learn};
