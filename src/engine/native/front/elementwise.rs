//! Operators of two operands, and batch normalisation.

use super::bias::Bias;
use super::channel;
use super::graph::Builder;
use super::refuse;
use super::term::Term;
use crate::engine::EngineError;
use crate::engine::native::ir::{Binary, Constant, Kind};
use crate::model::onnx::Node;

/// `Add`; a constant per channel goes into the product before it.
pub(super) fn add(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    for (value, constant) in [(0, 1), (1, 0)] {
        let (Term::Value(id), term) = (b.term(node, value)?, b.term(node, constant)?) else {
            continue;
        };
        if let (Some(shape), Some(bias)) = (term.constant_shape(), Bias::read(&term))
            && channel::add(b, id, &shape, &bias)
        {
            return b.give(node, Term::Value(id));
        }
    }
    general(b, node, Binary::Add)
}

/// `Sub`.
pub(super) fn sub(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    if let (Term::Value(id), term) = (b.term(node, 0)?, b.term(node, 1)?)
        && let (Some(shape), Some(reals)) = (term.constant_shape(), term.reals())
        && channel::add(b, id, &shape, &Bias::Reals(reals.iter().map(|x| -x).collect()))
    {
        return b.give(node, Term::Value(id));
    }
    general(b, node, Binary::Sub)
}

/// `Mul`; a constant per channel goes into the product before it.
pub(super) fn mul(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    for (value, constant) in [(0, 1), (1, 0)] {
        let (Term::Value(id), term) = (b.term(node, value)?, b.term(node, constant)?) else {
            continue;
        };
        if let (Some(shape), Some(factor)) = (term.constant_shape(), term.reals())
            && channel::multiply(b, id, &shape, &factor)
        {
            return b.give(node, Term::Value(id));
        }
    }
    general(b, node, Binary::Mul)
}

/// `Div`.
pub(super) fn div(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    general(b, node, Binary::Div)
}

fn general(b: &mut Builder, node: &Node, op: Binary) -> Result<(), EngineError> {
    let (left, right) = (b.operand(node, 0)?, b.operand(node, 1)?);
    if b.kind(left) == Kind::Whole || b.kind(right) == Kind::Whole {
        return Err(refuse(node, "on integers"));
    }
    let y = b.binary(node, op, left, right)?;
    b.give(node, Term::Value(y))
}

/// `BatchNormalization`: into the product before it, else a factor and a summand.
pub(super) fn normalise(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    if node.attr_i("training_mode").unwrap_or(0) != 0 || node.output_at(1).is_some() {
        return Err(refuse(node, "in training mode"));
    }
    let mut parameters = (1..5).map(|at| b.term(node, at).ok()?.reals());
    let mut next = || parameters.next().flatten();
    let (Some(scale), Some(shift), Some(mean), Some(variance)) = (next(), next(), next(), next())
    else {
        return Err(refuse(node, "with computed parameters"));
    };
    let epsilon = node.attr_f("epsilon").unwrap_or(1e-5);
    let lengths = [shift.len(), mean.len(), variance.len()];
    let x = b.operand(node, 0)?;
    let rank = b.shape(x).len();
    if lengths != [scale.len(); 3] || b.shape(x).get(1) != Some(&scale.len()) {
        return Err(refuse(node, "with parameters of another length"));
    }
    let factor: Vec<f32> = scale
        .iter()
        .zip(&variance)
        .map(|(scale, variance)| scale / (variance + epsilon).sqrt())
        .collect();
    let moved = shift.iter().zip(mean.iter().zip(&factor));
    let summand: Vec<f32> = moved.map(|(shift, (mean, factor))| shift - mean * factor).collect();
    let mut shape = vec![1; rank];
    shape.iter_mut().skip(1).take(1).for_each(|dim| *dim = factor.len());
    if channel::multiply(b, x, &shape, &factor) {
        if channel::add(b, x, &shape, &Bias::Reals(summand)) {
            return b.give(node, Term::Value(x));
        }
        return Err(refuse(node, "behind this product"));
    }
    let name = node.label();
    let factor = b.constant(name, shape.clone(), Constant::Real(factor), Kind::Real);
    let summand = b.constant(name, shape, Constant::Real(summand), Kind::Real);
    let scaled = b.binary(node, Binary::Mul, x, factor)?;
    let y = b.binary(node, Binary::Add, scaled, summand)?;
    b.give(node, Term::Value(y))
}
