//! Constant factors and summands per output channel go into the product before them.

use super::bias::{self, Bias};
use super::graph::Builder;
use crate::engine::native::ir::{Id, Op, Range, Weights};

/// Axis of the output channels of a convolution or a product with a constant.
fn channels(op: &Op, rank: usize) -> Option<(usize, usize)> {
    match op {
        Op::Conv(conv) => Some((1, conv.shape.first().copied()?)),
        Op::Dense(dense) => Some((rank.checked_sub(1)?, dense.outputs)),
        _ => None,
    }
}

/// Whether a constant of this shape, stretched to the result's, has one element per channel,
/// or one alone.
pub(super) fn per_channel(shape: &[usize], rank: usize, axis: usize, outputs: usize) -> bool {
    let Some(offset) = rank.checked_sub(shape.len()) else { return false };
    shape.iter().enumerate().all(|(at, dim)| *dim == 1 || (at + offset == axis && *dim == outputs))
}

/// The weights of the product that makes a value, if nothing clamps it and nobody else reads
/// it, and a constant of this shape fits its channels.
fn open<'b>(b: &'b mut Builder, id: Id, shape: &[usize]) -> Option<(&'b mut Weights, usize)> {
    let rank = b.shape(id).len();
    if b.quantised(id).is_some() {
        return None;
    }
    let node = b.made_for_one(id)?;
    let (axis, outputs) = channels(&node.op, rank)?;
    let (weights, range) = match &mut node.op {
        Op::Conv(conv) => (&mut conv.weights, conv.range),
        Op::Dense(dense) => (&mut dense.weights, dense.range),
        _ => return None,
    };
    (range == Range::OPEN && per_channel(shape, rank, axis, outputs)).then_some((weights, outputs))
}

/// Adds a constant; whether it could.
pub(super) fn add(b: &mut Builder, id: Id, shape: &[usize], summand: &Bias) -> bool {
    let weights = open(b, id, shape);
    weights.and_then(|(weights, outputs)| bias::add(weights, outputs, summand)).is_some()
}

/// Multiplies by a constant; whether it could.
pub(super) fn multiply(b: &mut Builder, id: Id, shape: &[usize], factor: &[f32]) -> bool {
    let Some((weights, outputs)) = open(b, id, shape) else { return false };
    let factor = super::weights::spread(factor.to_vec(), outputs);
    if factor.len() != outputs {
        return false;
    }
    let scaled = |values: &mut Vec<f32>| {
        values.iter_mut().zip(&factor).for_each(|(value, factor)| *value *= factor);
    };
    match weights {
        Weights::Codes { scale, real_bias, .. } => {
            *scale = super::weights::spread(std::mem::take(scale), outputs);
            scaled(scale);
            scaled(real_bias);
        }
        Weights::Reals(weights, bias) => {
            let depth = weights.len() / outputs.max(1);
            for (row, factor) in weights.chunks_mut(depth.max(1)).zip(&factor) {
                row.iter_mut().for_each(|weight| *weight *= factor);
            }
            scaled(bias);
        }
    }
    true
}
