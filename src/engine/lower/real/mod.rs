//! Quantisation in exact float arithmetic, for an engine without integer kernels of its own.
//!
//! Integer products become float products of whole numbers, and quantisation operators of
//! the house, which the engine cannot mistake for its own.

mod codes;
pub(crate) mod custom;
mod fuse;
mod integer;
mod parameters;
mod qdq;

use super::{Lowered, constants, qoperator};
use crate::engine::{EngineError, LoadOptions};
use crate::model::onnx::Model;

/// Operators of ONNX itself that the passes rewrite; `com.microsoft` has its own list.
const STANDARD: &[&str] = &[
    "ConvInteger",
    "DequantizeLinear",
    "MatMulInteger",
    "QLinearConv",
    "QLinearMatMul",
    "QuantizeLinear",
];

/// Whether the passes rewrite this operator, given as `Op` or `domain:Op`.
pub(crate) fn rewrites(operator: &str) -> bool {
    match operator.strip_prefix("com.microsoft:") {
        Some(name) => qoperator::OPERATORS.contains(&name),
        None => STANDARD.contains(&operator),
    }
}

/// Rewrites a validated model.
///
/// # Errors
/// [`EngineError`] names the operator that has no right form here.
pub(crate) fn lower(model: Model, options: &LoadOptions) -> Result<Lowered, EngineError> {
    super::lower(
        model,
        options,
        &[constants::pass, qoperator::pass, integer::pass, qdq::pass, fuse::pass],
    )
}
