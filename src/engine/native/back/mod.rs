//! From a fused program to a session: where every value lies, and the steps that make it.
//!
//! Values are views of buffers ([`view`]); operators that only relabel make another view and
//! no step. The readers' wishes ([`layout`]) decide how a value is laid out and how wide
//! the border around it is. Buffers take turns in a few slots ([`memory`]). Kernels are made
//! once, with their weights; a running step takes its output's slot out and borrows the others.

mod conv;
mod copy;
mod finish;
mod lanes;
mod layout;
mod matmul;
mod memory;
mod nest;
mod plan;
mod planner;
mod pointwise;
mod pool;
mod product;
mod resize;
mod session;
mod shapes;
mod step;
mod taps;
mod view;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

pub(super) use plan::{packed, plan, plan_packed};
pub(super) use session::NativeSession;
