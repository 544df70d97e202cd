//! Quantisation, and operators on quantised tensors.

use super::elementwise::broadcast;
use super::fact::Fact;
use super::layout::joined;
use super::site::Site;
use super::window;
use crate::model::Dtype;

/// `QuantizeLinear`: the type of the zero point, or of `output_dtype`, or bytes.
pub(super) fn quantize(site: &Site<'_>) -> Vec<Fact> {
    let stated = site.node.attr_i("output_dtype").filter(|code| *code != 0);
    let dtype = if site.has(2) {
        site.dtype(2)
    } else {
        let stated = stated.and_then(|code| i32::try_from(code).ok()).map(Dtype::from_onnx);
        Some(stated.unwrap_or(Dtype::UInt8))
    };
    vec![Fact::new(dtype, site.shape(0).map(<[u64]>::to_vec))]
}

/// `DequantizeLinear`: the type of the scale.
pub(super) fn dequantize(site: &Site<'_>) -> Vec<Fact> {
    vec![Fact::new(site.dtype(1), site.shape(0).map(<[u64]>::to_vec))]
}

/// `DynamicQuantizeLinear`: bytes, a scale, a zero point.
pub(super) fn dynamic(site: &Site<'_>) -> Vec<Fact> {
    vec![
        Fact::new(Some(Dtype::UInt8), site.shape(0).map(<[u64]>::to_vec)),
        Fact::new(Some(Dtype::Float32), Some(Vec::new())),
        Fact::new(Some(Dtype::UInt8), Some(Vec::new())),
    ]
}

/// `QLinearAdd`, `QLinearMul`: each operand with its scale and zero point.
pub(super) fn binary(site: &Site<'_>) -> Vec<Fact> {
    let shape = || broadcast(site.shape(0)?, site.shape(3)?);
    site.alike(shape())
}

/// `QLinearConcat`: output scale and zero point, then triples.
pub(super) fn concat(site: &Site<'_>) -> Vec<Fact> {
    let parts = (2..site.node.input.len()).step_by(3).map(|at| site.shape(at));
    let shape = joined(parts, site.node.attr_i("axis").unwrap_or(0));
    vec![Fact::new(site.dtype(2), shape)]
}

/// `QLinearAveragePool`.
pub(super) fn average_pool(site: &Site<'_>) -> Vec<Fact> {
    window::pool(site).into_iter().take(1).collect()
}
