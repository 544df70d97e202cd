//! Conv, MatMul and Gemm: products with constants become Conv and Dense.

use super::bias::{self, Bias};
use super::graph::Builder;
use super::refuse;
use super::shape;
use super::term::Term;
use super::weights::{Rows, weights};
use super::window::{Placed, placed, planar, unplanar};
use crate::engine::EngineError;
use crate::engine::native::ir::{Conv, Dense, Id, Kind, Op, Range, Weights};
use crate::model::onnx::Node;

/// `Conv` over one or two dimensions, weights constant.
pub(super) fn conv(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    let w = b.term(node, 1)?;
    let filter = w.constant_shape().ok_or_else(|| refuse(node, "with computed weights"))?;
    let (outputs, inner, kernel) = match *filter.as_slice() {
        [outputs, inner, width] => (outputs, inner, [1, width]),
        [outputs, inner, height, width] => (outputs, inner, [height, width]),
        _ => return Err(refuse(node, "over other than one or two dimensions")),
    };
    let x = b.operand(node, 0)?;
    let (x, flat) = planar(b, node, x)?;
    if flat != (filter.len() == 3) {
        return Err(refuse(node, "with weights of another rank"));
    }
    let Placed { mut window, size } = placed(node, b.shape(x), kernel, flat)?;
    let x = b.unpad(x, &mut window.pads);
    let depth = [inner, kernel[0], kernel[1]];
    let depth = shape::count(&depth).ok_or_else(|| refuse(node, "of this size"))?;
    let rows = Rows { outputs, depth, columns: false };
    let weights = biased(b, node, x, &w, rows, 1.0)?;
    let groups = node.attr_i("group").unwrap_or(1);
    let groups = usize::try_from(groups).map_err(|_| refuse(node, "with these groups"))?;
    let shape = [outputs, inner, kernel[0], kernel[1]];
    let conv = Conv { shape, groups, window, weights, range: Range::OPEN };
    let batch = b.shape(x).first().copied().unwrap_or(1);
    let out = vec![batch, outputs, size[0], size[1]];
    let y = b.emit(node, Op::Conv(conv), vec![x], out, Kind::Real)?;
    b.note_unfused(node, y, &w);
    let y = unplanar(b, node, y, flat)?;
    b.give(node, Term::Value(y))
}

/// Weights with the bias of input 2.
fn biased(
    b: &Builder,
    node: &Node,
    x: Id,
    w: &Term,
    rows: Rows,
    alpha: f32,
) -> Result<Weights, EngineError> {
    let made = weights(b, x, w, rows, alpha);
    let mut made = made.ok_or_else(|| refuse(node, "with weights of this type"))?;
    if node.input_at(2).is_some() {
        let term = b.term(node, 2)?;
        let bias =
            Bias::read(&term).filter(|_| term.constant_shape().is_some_and(|s| s.len() <= 1));
        let bias = bias.ok_or_else(|| refuse(node, "with a bias that is no constant vector"))?;
        let added = bias::add(&mut made, rows.outputs, &bias);
        added.ok_or_else(|| refuse(node, "with a bias of another length"))?;
    }
    Ok(made)
}

/// `MatMul`: with a constant matrix on the right a Dense, else a product of two tensors.
pub(super) fn matmul(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    let a = b.operand(node, 0)?;
    let w = b.term(node, 1)?;
    if let Some(&[depth, outputs]) = w.constant_shape().as_deref()
        && b.shape(a).len() > 1
    {
        let rows = Rows { outputs, depth, columns: true };
        let weights = weights(b, a, &w, rows, 1.0);
        let weights = weights.ok_or_else(|| refuse(node, "with weights of this type"))?;
        let y = dense(b, node, a, rows, weights)?;
        return b.give(node, Term::Value(y));
    }
    let right = b.operand(node, 1)?;
    let y = product(b, node, a, right)?;
    b.give(node, Term::Value(y))
}

fn product(b: &mut Builder, node: &Node, left: Id, right: Id) -> Result<Id, EngineError> {
    let out = shape::product(b.shape(left), b.shape(right));
    let out = out.ok_or_else(|| refuse(node, "with these shapes"))?;
    b.emit(node, Op::MatMul, vec![left, right], out, Kind::Real)
}

fn dense(
    b: &mut Builder,
    node: &Node,
    x: Id,
    rows: Rows,
    weights: Weights,
) -> Result<Id, EngineError> {
    let mut out = b.shape(x).to_vec();
    out.iter_mut().rev().take(1).for_each(|last| *last = rows.outputs);
    let dense = Dense { depth: rows.depth, outputs: rows.outputs, weights, range: Range::OPEN };
    b.emit(node, Op::Dense(dense), vec![x], out, Kind::Real)
}

/// `Gemm`: `alpha * A' * B' + beta * C`.
pub(super) fn gemm(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    let flag = |name: &str| node.attr_i(name).unwrap_or(0) != 0;
    let (alpha, beta) = (node.attr_f("alpha").unwrap_or(1.0), node.attr_f("beta").unwrap_or(1.0));
    let mut a = b.operand(node, 0)?;
    if flag("transA") {
        a = flipped(b, node, a)?;
    }
    let w = b.term(node, 1)?;
    let y = match w.constant_shape().as_deref() {
        Some(&[rows, columns]) => {
            let (outputs, depth) = if flag("transB") { (rows, columns) } else { (columns, rows) };
            let rows = Rows { outputs, depth, columns: !flag("transB") };
            let weights = weights(b, a, &w, rows, alpha);
            let weights = weights.ok_or_else(|| refuse(node, "with weights of this type"))?;
            dense(b, node, a, rows, weights)?
        }
        _ if alpha != 1.0 => return Err(refuse(node, "of scaled computed matrices")),
        _ => {
            let mut right = b.operand(node, 1)?;
            if flag("transB") {
                right = flipped(b, node, right)?;
            }
            product(b, node, a, right)?
        }
    };
    if node.input_at(2).is_none() || beta == 0.0 {
        return b.give(node, Term::Value(y));
    }
    let term = b.term(node, 2)?;
    if let (Some(bias), Some(shape)) = (Bias::read(&term), term.constant_shape())
        && super::channel::add(b, y, &shape, &bias.clone().times(beta))
    {
        return b.give(node, Term::Value(y));
    }
    if beta != 1.0 {
        return Err(refuse(node, "with a scaled computed summand"));
    }
    let c = b.operand(node, 2)?;
    let y = b.sum(node, y, c)?;
    b.give(node, Term::Value(y))
}

fn flipped(b: &mut Builder, node: &Node, x: Id) -> Result<Id, EngineError> {
    let &[rows, columns] = b.shape(x) else { return Err(refuse(node, "of other than matrices")) };
    let kind = b.kind(x);
    b.emit(node, Op::Transpose(vec![1, 0]), vec![x], vec![columns, rows], kind)
}
