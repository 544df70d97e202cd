//! Operators of the house, which stand where the engine's own would be wrong.
//!
//! `Umbra.Quantize` (float to codes), `Umbra.Dequantize` (codes to float) and
//! `Umbra.FakeQuantize` (float to the nearest float that a code stands for). Their
//! parameters are attributes, not inputs: they are constants of the graph.

use crate::engine::quantize::{Dequantize, Quantize};
use crate::model::onnx::Attribute;

/// Float to codes.
pub(crate) const QUANTIZE: &str = "Umbra.Quantize";
/// Codes to float.
pub(crate) const DEQUANTIZE: &str = "Umbra.Dequantize";
/// Both at once.
pub(crate) const FAKE_QUANTIZE: &str = "Umbra.FakeQuantize";

/// Attributes of the first half.
pub(crate) fn quantize_attributes(how: &Quantize) -> Vec<Attribute> {
    vec![
        Attribute::floats("quantize_scale", &how.scale),
        Attribute::ints("quantize_zero_point", &how.zero_point),
        Attribute::int("quantize_axis", how.axis),
        Attribute::int("multiply", i64::from(how.multiply)),
        Attribute::int("to", i64::from(how.dtype.onnx())),
    ]
}

/// Attributes of the second half.
pub(crate) fn dequantize_attributes(how: &Dequantize) -> Vec<Attribute> {
    vec![
        Attribute::floats("scale", &how.scale),
        Attribute::ints("zero_point", &how.zero_point),
        Attribute::int("axis", how.axis),
    ]
}
