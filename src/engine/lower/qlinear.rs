//! Products in QOperator form become products between quantisations.
//!
//! QLinearConv, QLinearMatMul and QGemm are what a runtime makes of dequantise, Conv,
//! MatMul or Gemm, quantise. An engine with integer kernels sees that form only, so that
//! one fusion covers files of both formats. The int32 bias counts in steps of the input's
//! scale times the weights', which is what its dequantisation says.

use crate::engine::EngineError;
use crate::model::onnx::{Attribute, Node};

use super::draft::Draft;

/// Rewrites them.
pub(super) fn pass(draft: &mut Draft) -> Result<(), EngineError> {
    for node in draft.take_nodes() {
        match (node.domain.as_str(), node.op_type.as_str()) {
            ("" | "ai.onnx", "QLinearConv") => conv(draft, &node)?,
            ("" | "ai.onnx", "QLinearMatMul") => matmul(draft, &node)?,
            ("com.microsoft", "QGemm") => gemm(draft, &node)?,
            _ => draft.nodes.push(node),
        }
    }
    Ok(())
}

fn conv(draft: &mut Draft, node: &Node) -> Result<(), EngineError> {
    let x = draft.dequantise_input(node, 0, 0)?;
    let w = draft.dequantise_input(node, 3, 0)?;
    let bias = bias(draft, node, 8, 1.0)?;
    let inputs: Vec<&str> =
        [Some(x.as_str()), Some(&w), bias.as_deref()].into_iter().flatten().collect();
    let sum = draft.emit("Conv", &inputs, node.attribute.clone());
    draft.quantise_output(node, &sum, 6)
}

fn matmul(draft: &mut Draft, node: &Node) -> Result<(), EngineError> {
    let a = draft.dequantise_input(node, 0, 0)?;
    let b = draft.dequantise_input(node, 3, -1)?;
    let sum = draft.emit("MatMul", &[&a, &b], vec![]);
    draft.quantise_output(node, &sum, 6)
}

fn gemm(draft: &mut Draft, node: &Node) -> Result<(), EngineError> {
    let flipped = node.attr_i("transB").unwrap_or(0) != 0;
    let a = draft.dequantise_input(node, 0, 0)?;
    let b = draft.dequantise_input(node, 3, if flipped { 0 } else { -1 })?;
    let bias = bias(draft, node, 6, node.attr_f("alpha").unwrap_or(1.0))?;
    let inputs: Vec<&str> =
        [Some(a.as_str()), Some(&b), bias.as_deref()].into_iter().flatten().collect();
    let sum = draft.fresh(&a);
    let target = if node.input_at(7).is_some() { &sum } else { node.output_at(0).unwrap_or(&sum) };
    draft.emit_as("Gemm", &inputs, node.attribute.clone(), target);
    if node.input_at(7).is_some() { draft.quantise_output(node, &sum, 7) } else { Ok(()) }
}

/// The real values of an int32 bias, which has no scale of its own.
fn bias(
    draft: &mut Draft,
    node: &Node,
    at: usize,
    alpha: f32,
) -> Result<Option<String>, EngineError> {
    let Some(name) = node.input_at(at) else { return Ok(None) };
    let scales = |at: usize| draft.floats(node.input_at(at)?);
    let (Some(input), Some(weights)) = (scales(1), scales(4)) else {
        return Err(EngineError::operator(&node.op(), "has scales that are no float constants"));
    };
    let [input] = input.as_slice() else {
        return Err(EngineError::operator(&node.op(), "has several scales where one is supported"));
    };
    let steps: Vec<f32> = weights.iter().map(|scale| alpha * input * scale).collect();
    let shape: &[usize] = if steps.len() == 1 { &[] } else { &[steps.len()] };
    let scale = draft.constant(name, shape, &steps);
    let axis = vec![Attribute::int("axis", 0)];
    Ok(Some(draft.emit("DequantizeLinear", &[name, &scale], axis)))
}
