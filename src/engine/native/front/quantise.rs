//! QuantizeLinear, DequantizeLinear and Cast: where codes begin and end.

use std::rc::Rc;

use super::graph::Builder;
use super::refuse;
use super::term::{Frozen, Term, shift};
use crate::engine::EngineError;
use crate::engine::native::ir::{Kind, Op, Quantised};
use crate::engine::quantize::{Dequantize, run_length};
use crate::model::onnx::Node;
use crate::model::{Dtype, Stage};

/// An operator whose result is constant where it can be run at all.
pub(super) fn refused(_: &mut Builder, node: &Node) -> Result<(), EngineError> {
    Err(refuse(node, "of a computed tensor"))
}

/// Scales and zero points of a node, as the file has them, and the type of the codes.
pub(super) fn parameters(
    b: &Builder,
    node: &Node,
    default: Dtype,
) -> Result<(Dequantize, Dtype), EngineError> {
    if node.attr_i("block_size").unwrap_or(0) != 0 {
        return Err(refuse(node, "with blocked scales"));
    }
    let scale = b.term(node, 1)?.reals().ok_or_else(|| refuse(node, "with a computed scale"))?;
    let (zero_point, dtype) = match node.input_at(2) {
        None => (vec![0], default),
        Some(_) => match b.term(node, 2)? {
            Term::Constant(tensor) => match tensor.to_i64() {
                Some(zero) => (zero, tensor.dtype()),
                None => return Err(refuse(node, "with this zero point")),
            },
            _ => return Err(refuse(node, "with a computed zero point")),
        },
    };
    let small = |zero: &i64| i32::try_from(*zero).is_ok();
    let sound =
        zero_point.iter().all(small) && scale.iter().all(|scale| scale.is_finite() && *scale > 0.0);
    let lengths = (scale.len(), zero_point.len());
    let paired = matches!(lengths, (1.., 1) | (1, 1..)) || lengths.0 == lengths.1;
    if !sound || !paired || scale.is_empty() {
        return Err(refuse(node, "with these scales"));
    }
    let axis = node.attr_i("axis").unwrap_or(1);
    Ok((Dequantize { scale, zero_point, axis }, dtype))
}

/// The one quantisation of a computed tensor.
fn scalar(node: &Node, how: &Dequantize, dtype: Dtype) -> Result<Quantised, EngineError> {
    let ([scale], [zero]) = (how.scale.as_slice(), how.zero_point.as_slice()) else {
        return Err(refuse(node, "with several scales for a computed tensor"));
    };
    let shift = shift(dtype).ok_or_else(|| refuse(node, &format!("with {}", dtype.name())))?;
    let zero = zero.checked_add(shift.into()).and_then(|zero| u8::try_from(zero).ok());
    let zero = zero.ok_or_else(|| refuse(node, "with this zero point"))?;
    Ok(Quantised { scale: *scale, zero, signed: dtype == Dtype::Int8 })
}

/// `DequantizeLinear`: nothing is computed.
pub(super) fn dequantize(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    let input = node.input_at(0).unwrap_or_default();
    let stored = b.facts.get(input).and_then(|fact| fact.dtype);
    let (how, dtype) = parameters(b, node, stored.unwrap_or(Dtype::UInt8))?;
    match b.term(node, 0)? {
        Term::Constant(tensor) => {
            let fits = tensor
                .shape()
                .filter(|shape| super::shape::count(shape).is_some())
                .and_then(|shape| run_length(&shape, how.axis, how.channels()));
            if fits.is_none() {
                let reason = format!("constant {input} does not fit its scales and zero points");
                return Err(EngineError::new(Stage::Load, reason).help("export the model again"));
            }
            b.give(node, Term::Frozen(Rc::new(Frozen { tensor, how })))
        }
        Term::Codes(id) => {
            let q = scalar(node, &how, dtype)?;
            let id = b.state(node, id, q)?;
            b.give(node, Term::View(id))
        }
        _ => Err(refuse(node, "of reals")),
    }
}

/// `QuantizeLinear`.
pub(super) fn quantize(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    let declared = node.attr_i("output_dtype").and_then(|code| i32::try_from(code).ok());
    let declared = declared.filter(|code| *code != 0).map_or(Dtype::UInt8, Dtype::from_onnx);
    let (how, dtype) = parameters(b, node, declared)?;
    let q = scalar(node, &how, dtype)?;
    let id = match b.term(node, 0)? {
        Term::View(id) => b.requantised(node, id, q)?,
        Term::Value(id) if b.kind(id) == Kind::Real => b.quantise(node, id, q)?,
        _ => return Err(refuse(node, "of integers")),
    };
    b.give(node, Term::Codes(id))
}

/// `Cast`: between reals nothing, of integers their reals.
pub(super) fn cast(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    let code = node.attr_i("to").and_then(|code| i32::try_from(code).ok());
    let to = code.map_or(Dtype::Other, Dtype::from_onnx);
    let input = node.input_at(0).unwrap_or_default();
    let from = b.facts.get(input).and_then(|fact| fact.dtype);
    let term = match b.term(node, 0)? {
        Term::Value(id) if b.kind(id) == Kind::Whole && to == Dtype::Float32 => {
            let shape = b.shape(id).to_vec();
            Term::Value(b.emit(node, Op::Cast, vec![id], shape, Kind::Real)?)
        }
        Term::Value(id)
            if b.kind(id) == Kind::Whole && matches!(to, Dtype::Int64 | Dtype::Int32) =>
        {
            Term::Value(id)
        }
        Term::Codes(id) if to == Dtype::Float32 => {
            let zero = from.and_then(shift).ok_or_else(|| refuse(node, "of this type"))?;
            let signed = from == Some(Dtype::Int8);
            Term::View(b.state(node, id, Quantised { scale: 1.0, zero, signed })?)
        }
        term @ (Term::Value(_) | Term::View(_)) if to == Dtype::Float32 => term,
        _ => return Err(refuse(node, &format!("to {}", to.name()))),
    };
    b.give(node, term)
}
