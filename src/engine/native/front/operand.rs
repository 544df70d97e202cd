//! Inputs of nodes as values of the program, and what stands before them.

use super::graph::Builder;
use super::refuse;
use super::term::Term;
use crate::engine::native::ir::{Binary, Constant, Id, Kind, Op, Range, Weights};
use crate::engine::{EngineError, Unfused};
use crate::model::onnx::Node;

/// Nodes that are followed back in search of codes, at most.
const LONGEST_WALK: usize = 64;

/// Why a convolution on codes is none on integers.
const OTHER_WEIGHTS: &str = "has weights that are no 8-bit codes with one scale, or one per output";
/// Why there are no codes before a convolution.
const NO_CODES: &str = "makes real numbers of codes, and nothing quantises them again";

impl Builder {
    /// An input that an operator reads as reals. Where these stand for codes it is the codes:
    /// the operator is one on codes, unless it stays real and gets them dequantised at the end.
    pub(super) fn operand(&mut self, node: &Node, at: usize) -> Result<Id, EngineError> {
        match self.term(node, at)? {
            Term::Value(id) | Term::View(id) => Ok(id),
            Term::Codes(_) => Err(refuse(node, "on integers")),
            term => {
                let name = node.input_at(at).unwrap_or_default();
                if let Some(known) = self.embedded.get(name) {
                    return Ok(*known);
                }
                let id = self.embed(name, &term).ok_or_else(|| refuse(node, "on this constant"))?;
                self.embedded.insert(name.to_owned(), id);
                Ok(id)
            }
        }
    }

    /// A constant as a value.
    pub(super) fn embed(&mut self, name: &str, term: &Term) -> Option<Id> {
        let shape = term.constant_shape()?;
        super::shape::count(&shape)?;
        if let Term::Frozen(frozen) = term
            && let Some((codes, quantised)) = frozen.codes()
        {
            let kind = Kind::Codes(quantised);
            return Some(self.constant(name, shape, Constant::Codes(codes), kind));
        }
        let reals = term.reals()?;
        Some(self.constant(name, shape, Constant::Real(reals), Kind::Real))
    }

    /// The one element of a constant value, as a real.
    pub(super) fn scalar(&self, id: Id) -> Option<f32> {
        let value = self.program.values.get(id)?;
        match (value.constant.as_ref()?, value.kind) {
            (Constant::Real(reals), _) => <[f32; 1]>::try_from(reals.as_slice()).ok().map(|[x]| x),
            (Constant::Codes(codes), Kind::Codes(q)) => match codes.as_slice() {
                [code] => Some(q.real(*code)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Adds two operands.
    pub(super) fn sum(&mut self, node: &Node, a: Id, b: Id) -> Result<Id, EngineError> {
        self.binary(node, Binary::Add, a, b)
    }

    /// Combines two operands, stretched to each other.
    pub(super) fn binary(
        &mut self,
        node: &Node,
        op: Binary,
        a: Id,
        b: Id,
    ) -> Result<Id, EngineError> {
        let shape = super::shape::broadcast(self.shape(a), self.shape(b));
        let shape = shape.ok_or_else(|| refuse(node, "with these shapes"))?;
        self.emit(node, Op::Binary(op, Range::OPEN), vec![a, b], shape, Kind::Real)
    }

    /// What lies before a border of zeros in height and width, which a convolution can pad
    /// itself; adds the border to its padding.
    pub(super) fn unpad(&self, x: Id, pads: &mut [usize; 4]) -> Id {
        let Some(node) = self.made(x) else { return x };
        let (Op::Pad(border, value), [inner]) = (&node.op, node.inputs.as_slice()) else {
            return x;
        };
        let zero = self.quantised(x).map_or(0.0, |q| f32::from(q.zero));
        let [(0, 0), (0, 0), (top, bottom), (left, right)] = *border.as_slice() else { return x };
        if *value != zero || self.kind(*inner) != self.kind(x) {
            return x;
        }
        let grown = pads.iter().zip([top, left, bottom, right]);
        let grown: Vec<usize> = grown.map(|(pad, more)| pad.saturating_add(more)).collect();
        let Ok(grown) = grown.try_into() else { return x };
        *pads = grown;
        *inner
    }

    /// Lists a convolution that stays real although codes stand before it, with the operator
    /// that keeps it so.
    pub(super) fn note_unfused(&mut self, node: &Node, y: Id, w: &Term) {
        let Some(made) = self.made(y) else { return };
        let (Op::Conv(conv), [x]) = (&made.op, made.inputs.as_slice()) else { return };
        if matches!(conv.weights, Weights::Codes { .. }) {
            return;
        }
        let stopped = match w {
            _ if self.quantised(*x).is_some() => Some(("Conv".to_owned(), OTHER_WEIGHTS)),
            Term::Frozen(_) => self.last_on_codes(*x).map(|op| (op, NO_CODES)),
            _ => None,
        };
        if let Some((op, why)) = stopped {
            let node = node.label().to_owned();
            self.program.unfused.push(Unfused { op, node, why: why.to_owned() });
        }
    }

    /// The operator between codes and a real value.
    fn last_on_codes(&self, mut id: Id) -> Option<String> {
        for _ in 0..LONGEST_WALK {
            let inputs = &self.made(id)?.inputs;
            if inputs.iter().any(|input| self.quantised(*input).is_some()) {
                return self.origin.get(id).cloned();
            }
            id = *inputs.first()?;
        }
        None
    }
}
