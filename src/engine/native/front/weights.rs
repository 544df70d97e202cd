//! Constant operands of products: integers where the other operand is codes, else reals.

use super::graph::Builder;
use super::term::Term;
use crate::engine::native::ir::{Id, Weights};
use crate::model::Dtype;
use crate::model::place;

/// How a constant holds a matrix of outputs and what each sums.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows {
    pub outputs: usize,
    pub depth: usize,
    /// Whether the file has outputs as columns, `[depth][outputs]`.
    pub columns: bool,
}

impl Rows {
    /// The axis of the outputs, over which scales may differ.
    fn axis(self) -> usize {
        usize::from(self.columns)
    }

    /// Elements row by row.
    fn arrange<T: Copy>(self, values: Vec<T>) -> Option<Vec<T>> {
        if values.len() != self.outputs.checked_mul(self.depth)? {
            return None;
        }
        if !self.columns {
            return Some(values);
        }
        let column = |n: usize| values.iter().skip(n).step_by(self.outputs).copied();
        Some((0..self.outputs).flat_map(column).collect())
    }
}

/// Longest sum whose every value fits 32 bits, with room for a bias.
const LONGEST_SUM: usize = (1 << 30) / (255 * 255);

/// Weights for an input: integers if it is codes and the constant was quantised to 8 bits in
/// a way that sums of integers can carry; `alpha` scales the product.
pub(super) fn weights(b: &Builder, x: Id, w: &Term, rows: Rows, alpha: f32) -> Option<Weights> {
    if let Some(weights) = integers(b, x, w, rows, alpha) {
        return Some(weights);
    }
    let mut reals = rows.arrange(w.reals()?)?;
    if alpha != 1.0 {
        reals.iter_mut().for_each(|weight| *weight *= alpha);
    }
    Some(Weights::Reals(reals, Vec::new()))
}

fn integers(b: &Builder, x: Id, w: &Term, rows: Rows, alpha: f32) -> Option<Weights> {
    let (Some(input), Term::Frozen(frozen)) = (b.quantised(x), w) else { return None };
    let shift: i64 = match frozen.tensor.dtype() {
        Dtype::Int8 => 0,
        Dtype::UInt8 => -128,
        _ => return None,
    };
    let many = frozen.how.channels() > 1;
    let along = place(frozen.how.axis, frozen.shape()?.len()) == Some(rows.axis());
    if (many && !(along && frozen.how.channels() == rows.outputs)) || rows.depth > LONGEST_SUM {
        return None;
    }
    let zero = frozen.how.zero_point.iter();
    let zero: Vec<i8> = zero.map(|zero| i8::try_from(zero + shift).ok()).collect::<Option<_>>()?;
    let zero =
        if zero.iter().all(|zero| *zero == 0) { Vec::new() } else { spread(zero, rows.outputs) };
    let bytes = frozen.tensor.bytes()?;
    let codes = bytes.iter().map(|byte| byte.wrapping_add(shift as u8) as i8).collect();
    // In this order ONNX Runtime multiplies.
    let scale = frozen.how.scale.iter().map(|scale| alpha * input.scale * scale).collect();
    Some(Weights::Codes {
        codes: rows.arrange(codes)?,
        zero,
        scale,
        bias: Vec::new(),
        real_bias: Vec::new(),
    })
}

/// One value per output.
pub(super) fn spread<T: Copy>(values: Vec<T>, outputs: usize) -> Vec<T> {
    match *values.as_slice() {
        [one] => vec![one; outputs],
        _ => values,
    }
}
