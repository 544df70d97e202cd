//! `Concat`.

use super::graph::Builder;
use super::refuse;
use super::shape;
use super::term::Term;
use crate::engine::EngineError;
use crate::engine::native::ir::{Id, Kind, Op};
use crate::model::onnx::Node;
use crate::model::place;

/// `Concat`: on codes where all have one quantisation.
pub(super) fn concat(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    let count = node.input.len();
    let terms = (0..count).map(|at| b.term(node, at)).collect::<Result<Vec<_>, _>>()?;
    let stored = terms.iter().filter(|term| matches!(term, Term::Codes(_))).count();
    if stored > 0 && stored < count {
        return Err(refuse(node, "of integers and constants"));
    }
    let parts = (0..count).map(|at| b.moved(node, at)).collect::<Result<Vec<Id>, _>>()?;
    let shapes: Vec<&[usize]> = parts.iter().map(|part| b.shape(*part)).collect();
    let axis = node.attr_i("axis").unwrap_or(0);
    let axis = place(axis, shapes.first().map_or(0, |shape| shape.len()));
    let axis = axis.ok_or_else(|| refuse(node, "along this axis"))?;
    let joined = shape::joined(&shapes, axis).ok_or_else(|| refuse(node, "with these shapes"))?;
    let mut kinds = parts.iter().map(|part| b.kind(*part));
    let kind = kinds.next().unwrap_or(Kind::Real);
    let alike = kinds.all(|other| other == kind);
    let loose = parts.iter().filter(|part| b.loose.contains(part)).count();
    if stored > 0 && (!alike || loose > 0) {
        return Err(refuse(node, "of integers whose scales differ"));
    }
    let kind = if alike { kind } else { Kind::Real };
    let y = b.emit(node, Op::Concat(axis), parts, joined, kind)?;
    let term = match kind {
        Kind::Codes(_) if stored > 0 => Term::Codes(y),
        Kind::Codes(_) => Term::View(y),
        _ => Term::Value(y),
    };
    b.give(node, term)
}
