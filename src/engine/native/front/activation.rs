//! Functions of one number, and Softmax.

use super::graph::Builder;
use super::refuse;
use super::shape;
use super::term::Term;
use crate::engine::EngineError;
use crate::engine::native::ir::{Id, Kind, Op, Range, Unary};
use crate::model::onnx::Node;
use crate::model::place;

/// `Relu`.
pub(super) fn relu(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    clamp(b, node, Range::new(0.0, f32::INFINITY))
}

/// `Clip`, bounds as attributes (opset 6) or inputs.
pub(super) fn clip(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    let mut bounds = [f32::NEG_INFINITY, f32::INFINITY];
    for (at, (slot, name)) in bounds.iter_mut().zip(["min", "max"]).enumerate() {
        if let Some(given) = node.attr_f(name) {
            *slot = given;
        }
        if node.input_at(at + 1).is_some() {
            let given = b.term(node, at + 1)?.reals();
            let given = given.and_then(|given| given.first().copied());
            *slot = given.ok_or_else(|| refuse(node, "with computed bounds"))?;
        }
    }
    let [low, high] = bounds;
    clamp(b, node, Range::new(low, high))
}

/// A clamp goes into the operator before it, stays on codes where they stand for its bounds,
/// or is an operator of its own.
fn clamp(b: &mut Builder, node: &Node, range: Range) -> Result<(), EngineError> {
    let term = b.term(node, 0)?;
    if let Term::View(id) = term
        && let Some(q) = b.quantised(id)
        && [range.low, range.high].into_iter().all(|x| x.is_infinite() || q.holds(x))
    {
        let codes = q.table(&q.column().map(|x| range.clamp(x)));
        let id = b.mapped(node, id, codes, q)?;
        return b.give(node, Term::View(id));
    }
    if let Term::Value(id) = term
        && let Some(made) = b.made_for_one(id)
        && let Some(known) = made.op.range()
    {
        *known = known.then(range);
        return b.give(node, Term::Value(id));
    }
    unary(b, node, Unary::Clamp(range))
}

impl Op {
    /// The interval that an operator clamps its result to.
    fn range(&mut self) -> Option<&mut Range> {
        match self {
            Self::Conv(conv) => Some(&mut conv.range),
            Self::Dense(dense) => Some(&mut dense.range),
            Self::Binary(_, range) | Self::Unary(Unary::Clamp(range)) => Some(range),
            _ => None,
        }
    }
}

fn unary(b: &mut Builder, node: &Node, op: Unary) -> Result<(), EngineError> {
    let x = b.operand(node, 0)?;
    if b.kind(x) == Kind::Whole {
        return Err(refuse(node, "on integers"));
    }
    let shape = b.shape(x).to_vec();
    let y = b.emit(node, Op::Unary(op), vec![x], shape, Kind::Real)?;
    b.give(node, Term::Value(y))
}

/// `Sigmoid`.
pub(super) fn sigmoid(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    unary(b, node, Unary::Sigmoid)
}

/// `Tanh`.
pub(super) fn tanh(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    unary(b, node, Unary::Tanh)
}

/// `Exp`.
pub(super) fn exp(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    unary(b, node, Unary::Exp)
}

/// `Sqrt`.
pub(super) fn sqrt(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    unary(b, node, Unary::Sqrt)
}

/// `LeakyRelu`.
pub(super) fn leaky_relu(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    unary(b, node, Unary::LeakyRelu(node.attr_f("alpha").unwrap_or(0.01)))
}

/// `HardSigmoid`.
pub(super) fn hard_sigmoid(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    let (alpha, beta) = (node.attr_f("alpha").unwrap_or(0.2), node.attr_f("beta").unwrap_or(0.5));
    unary(b, node, Unary::HardSigmoid(alpha, beta))
}

/// `HardSwish`.
pub(super) fn hard_swish(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    unary(b, node, Unary::HardSwish)
}

impl Unary {
    /// The function.
    pub(in crate::engine::native) fn of(self, x: f32) -> f32 {
        match self {
            Self::Clamp(range) => range.clamp(x),
            Self::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Self::LeakyRelu(alpha) if x < 0.0 => alpha * x,
            Self::LeakyRelu(_) => x,
            Self::HardSigmoid(alpha, beta) => (alpha * x + beta).clamp(0.0, 1.0),
            Self::HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
            Self::Tanh => x.tanh(),
            Self::Exp => x.exp(),
            Self::Sqrt => x.sqrt(),
        }
    }
}

/// `Softmax`; before opset 13 over everything from its axis.
pub(super) fn softmax(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    let x = b.operand(node, 0)?;
    let shape = b.shape(x).to_vec();
    let old = b.opset < 13;
    let axis = node.attr_i("axis").unwrap_or(if old { 1 } else { -1 });
    let axis = place(axis, shape.len()).ok_or_else(|| refuse(node, "over this axis"))?;
    let (outer, inner) = shape.split_at(axis);
    if !old || inner.len() == 1 {
        let y = b.emit(node, Op::Softmax(axis), vec![x], shape, Kind::Real)?;
        return b.give(node, Term::Value(y));
    }
    let count = |dims: &[usize]| shape::count(dims).ok_or_else(|| refuse(node, "of this size"));
    let flat = vec![count(outer)?, count(inner)?];
    let kind = b.kind(x);
    let rows: Id = b.emit(node, Op::Reshape, vec![x], flat.clone(), kind)?;
    let y = b.emit(node, Op::Softmax(1), vec![rows], flat, Kind::Real)?;
    let y = b.emit(node, Op::Reshape, vec![y], shape, Kind::Real)?;
    b.give(node, Term::Value(y))
}
