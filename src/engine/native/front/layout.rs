//! Operators that arrange elements anew: they move codes as well as reals.

use super::graph::Builder;
use super::refuse;
use super::shape;
use super::term::Term;
use crate::engine::EngineError;
use crate::engine::native::ir::{Id, Op};
use crate::model::onnx::Node;

impl Builder {
    /// The value of an input that is moved whatever its elements are.
    pub(super) fn moved(&mut self, node: &Node, at: usize) -> Result<Id, EngineError> {
        match self.term(node, at)? {
            Term::Value(id) | Term::Codes(id) | Term::View(id) => Ok(id),
            _ => self.operand(node, at),
        }
    }

    /// Emits an operator that moves elements of the first input.
    pub(super) fn move_elements(
        &mut self,
        node: &Node,
        op: Op,
        x: Id,
        shape: Vec<usize>,
    ) -> Result<Id, EngineError> {
        let kind = self.kind(x);
        let y = self.emit(node, op, vec![x], shape, kind)?;
        if self.loose.contains(&x) {
            self.loose.insert(y);
        }
        Ok(y)
    }

    /// Binds a moved value to a node's output, as the same sort of thing as input `at`.
    pub(super) fn give_like(&mut self, node: &Node, at: usize, y: Id) -> Result<(), EngineError> {
        let term = match self.term(node, at)? {
            Term::Codes(_) => Term::Codes(y),
            Term::View(_) => Term::View(y),
            _ => Term::Value(y),
        };
        self.give(node, term)
    }

    /// The shape that is known of a node's output.
    pub(super) fn output_shape(&self, node: &Node) -> Result<Vec<usize>, EngineError> {
        let shape = node.output_at(0).and_then(|name| self.facts.shape(name));
        let shape =
            shape.and_then(|dims| dims.iter().map(|dim| usize::try_from(*dim).ok()).collect());
        shape.ok_or_else(|| refuse(node, "to a computed shape"))
    }

    /// Whole numbers given as attribute in old operator sets and as input in new ones.
    pub(super) fn numbers(
        &self,
        node: &Node,
        name: &str,
        at: usize,
    ) -> Result<Option<Vec<i64>>, EngineError> {
        if let Some(given) = node.attr_ints(name) {
            return Ok(Some(given.to_vec()));
        }
        if node.input_at(at).is_none() {
            return Ok(None);
        }
        let known = self.term(node, at)?.ints();
        known.map(Some).ok_or_else(|| refuse(node, &format!("with computed {name}")))
    }
}

/// An operator that changes nothing: `Identity`, `Dropout`.
pub(super) fn same(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    if node.output_at(1).is_some_and(|mask| b.is_read(mask)) {
        return Err(refuse(node, "with a mask"));
    }
    let x = b.moved(node, 0)?;
    b.give_like(node, 0, x)
}

/// `Reshape`, `Flatten`, `Squeeze`, `Unsqueeze`.
pub(super) fn reshape(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    let x = b.moved(node, 0)?;
    let shape = b.output_shape(node)?;
    let y = b.move_elements(node, Op::Reshape, x, shape)?;
    b.give_like(node, 0, y)
}

/// `Transpose`.
pub(super) fn transpose(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    let x = b.moved(node, 0)?;
    let rank = b.shape(x).len();
    let order = match node.attr_ints("perm") {
        None | Some([]) => Some((0..rank).rev().collect()),
        Some(perm) => perm.iter().map(|axis| usize::try_from(*axis).ok()).collect(),
    };
    let order: Vec<usize> = order.ok_or_else(|| refuse(node, "in this order"))?;
    let shape = shape::permuted(b.shape(x), &order);
    let shape = shape.ok_or_else(|| refuse(node, "in this order"))?;
    let y = b.move_elements(node, Op::Transpose(order), x, shape)?;
    b.give_like(node, 0, y)
}

/// `Pad` with a constant, attributes (opset 2) or inputs (opset 11).
pub(super) fn pad(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    if node.attr_s("mode").unwrap_or("constant") != "constant" {
        return Err(refuse(node, "with other than a constant"));
    }
    let x = b.moved(node, 0)?;
    let pads = b.numbers(node, "pads", 1)?.ok_or_else(|| refuse(node, "without pads"))?;
    let axes = b.numbers(node, "axes", 3)?;
    let pads = borders(b.shape(x).len(), &pads, axes.as_deref());
    let pads = pads.ok_or_else(|| refuse(node, "with these pads"))?;
    let value = match node.input_at(2) {
        None => node.attr_f("value").unwrap_or(0.0),
        Some(_) => {
            let value = b.term(node, 2)?.reals().and_then(|reals| reals.first().copied());
            value.ok_or_else(|| refuse(node, "with this value"))?
        }
    };
    let shape = shape::padded(b.shape(x), &pads).ok_or_else(|| refuse(node, "of this size"))?;
    match (b.term(node, 0)?, b.quantised(x)) {
        (Term::View(_), Some(q)) if q.holds(value) => {
            let y = b.move_elements(node, Op::Pad(pads, q.code(value).into()), x, shape)?;
            b.give(node, Term::View(y))
        }
        (Term::Codes(_), _) => Err(refuse(node, "on integers")),
        _ => {
            let kind = crate::engine::native::ir::Kind::Real;
            let y = b.emit(node, Op::Pad(pads, value), vec![x], shape, kind)?;
            b.give(node, Term::Value(y))
        }
    }
}

/// Elements before and after each axis; none where one is negative.
fn borders(rank: usize, pads: &[i64], axes: Option<&[i64]>) -> Option<Vec<(usize, usize)>> {
    let all: Vec<i64> = (0..i64::try_from(rank).ok()?).collect();
    let axes = axes.unwrap_or(&all);
    let (before, after) = pads.split_at_checked(axes.len())?;
    if after.len() != axes.len() {
        return None;
    }
    let mut borders = vec![(0, 0); rank];
    for (axis, (before, after)) in axes.iter().zip(before.iter().zip(after)) {
        let at = crate::model::place(*axis, rank)?;
        *borders.get_mut(at)? = (usize::try_from(*before).ok()?, usize::try_from(*after).ok()?);
    }
    Some(borders)
}
