//! Products of integers, done exactly.
//!
//! QLinearConv, QLinearMatMul, QGemm, ConvInteger and MatMulInteger become a float
//! product of codes less their zero points. Integers held in single precision are
//! exact while every sum stays below 2^24 in magnitude, which small models keep to;
//! beyond that a sum is off by at most one part in 2^24. Then one multiplication by the combined
//! scale and one rounding, half to even, as in ONNX Runtime.

use crate::engine::EngineError;
use crate::engine::quantize::{Dequantize, Quantize};
use crate::model::Dtype;
use crate::model::onnx::{Attribute, Node};

use super::parameters::Parameters;
use crate::engine::lower::draft::Draft;

/// Rewrites the integer products.
pub(super) fn pass(draft: &mut Draft) -> Result<(), EngineError> {
    for node in draft.take_nodes() {
        match (node.domain.as_str(), node.op_type.as_str()) {
            ("" | "ai.onnx", "QLinearConv") => qlinear_conv(draft, &node)?,
            ("" | "ai.onnx", "QLinearMatMul") => qlinear_mat_mul(draft, &node)?,
            ("com.microsoft", "QGemm") => qgemm(draft, &node)?,
            ("" | "ai.onnx", "ConvInteger") => integer(draft, &node, "Conv", 0)?,
            ("" | "ai.onnx", "MatMulInteger") => integer(draft, &node, "MatMul", -1)?,
            _ => draft.nodes.push(node),
        }
    }
    Ok(())
}

fn name(node: &Node, at: usize) -> Result<String, EngineError> {
    let name = node.input_at(at).map(str::to_owned);
    name.ok_or_else(|| EngineError::operator(&node.op(), &format!("lacks input {at}")))
}

fn output(node: &Node) -> Result<String, EngineError> {
    let name = node.output_at(0).map(str::to_owned);
    name.ok_or_else(|| EngineError::operator(&node.op(), "lacks its output"))
}

fn scalar(node: &Node, parameters: &Parameters) -> Result<f32, EngineError> {
    let why = "has several scales where one is supported";
    parameters.scalar().ok_or_else(|| EngineError::operator(&node.op(), why))
}

/// `factor * weight scale`, per channel, in the order of operations of ONNX Runtime.
fn combined(factor: f32, weights: &Parameters, divisor: f32) -> Vec<f32> {
    weights.scale.iter().map(|scale| factor * scale / divisor).collect()
}

/// An int32 bias as a float constant or node.
fn bias(draft: &mut Draft, name: &str) -> Result<String, EngineError> {
    draft.dequantise(name, &Dequantize { scale: vec![1.0], zero_point: vec![0], axis: 0 })
}

fn qlinear_conv(draft: &mut Draft, node: &Node) -> Result<(), EngineError> {
    let (x, w, y) = (
        Parameters::read(draft, node, 1, 2)?,
        Parameters::read(draft, node, 4, 5)?,
        Parameters::read(draft, node, 6, 7)?,
    );
    let mut inputs = vec![
        draft.dequantise(&name(node, 0)?, &x.centre(0))?,
        draft.dequantise(&name(node, 3)?, &w.centre(0))?,
    ];
    if let Some(name) = node.input_at(8) {
        inputs.push(bias(draft, name)?);
    }
    let scale = combined(scalar(node, &x)?, &w, scalar(node, &y)?);
    let sum = product(draft, "Conv", &inputs, node.attribute.clone());
    requantise(draft, &sum, &y, scale, 1, &output(node)?);
    Ok(())
}

fn qlinear_mat_mul(draft: &mut Draft, node: &Node) -> Result<(), EngineError> {
    let (a, b, y) = (
        Parameters::read(draft, node, 1, 2)?,
        Parameters::read(draft, node, 4, 5)?,
        Parameters::read(draft, node, 6, 7)?,
    );
    let inputs = vec![
        draft.dequantise(&name(node, 0)?, &a.centre(0))?,
        draft.dequantise(&name(node, 3)?, &b.centre(-1))?,
    ];
    let scale = combined(scalar(node, &a)?, &b, scalar(node, &y)?);
    let sum = product(draft, "MatMul", &inputs, vec![]);
    requantise(draft, &sum, &y, scale, -1, &output(node)?);
    Ok(())
}

fn qgemm(draft: &mut Draft, node: &Node) -> Result<(), EngineError> {
    let (a, b) = (Parameters::read(draft, node, 1, 2)?, Parameters::read(draft, node, 4, 5)?);
    let flip = node.attr_i("transB").unwrap_or(0) != 0;
    let mut inputs = vec![
        draft.dequantise(&name(node, 0)?, &a.centre(0))?,
        draft.dequantise(&name(node, 3)?, &b.centre(if flip { 0 } else { -1 }))?,
    ];
    if let Some(name) = node.input_at(6) {
        inputs.push(bias(draft, name)?);
    }
    let transposed =
        |attribute: &&Attribute| matches!(attribute.name.as_str(), "transA" | "transB");
    let attributes = node.attribute.iter().filter(transposed).cloned().collect();
    let sum = product(draft, "Gemm", &inputs, attributes);
    let factor = node.attr_f("alpha").unwrap_or(1.0) * scalar(node, &a)?;
    if node.input_at(7).is_some() {
        let y = Parameters::read(draft, node, 7, 8)?;
        let scale = combined(factor, &b, scalar(node, &y)?);
        requantise(draft, &sum, &y, scale, 1, &output(node)?);
    } else {
        let scale = combined(factor, &b, 1.0);
        let scale = draft.constant("scale", &[scale.len()], &scale);
        draft.emit_as("Mul", &[&sum, &scale], vec![], &output(node)?);
    }
    Ok(())
}

/// ConvInteger and MatMulInteger: int32 out, and zero points that may come at run time.
fn integer(draft: &mut Draft, node: &Node, op: &str, axis: i64) -> Result<(), EngineError> {
    let inputs = vec![centred(draft, node, 0, 2, 0)?, centred(draft, node, 1, 3, axis)?];
    let attributes = if op == "Conv" { node.attribute.clone() } else { vec![] };
    let sum = product(draft, op, &inputs, attributes);
    let to = vec![Attribute::int("to", i64::from(Dtype::Int32.onnx()))];
    draft.emit_as("Cast", &[&sum], to, &output(node)?);
    Ok(())
}

fn centred(
    draft: &mut Draft,
    node: &Node,
    at: usize,
    zero: usize,
    axis: i64,
) -> Result<String, EngineError> {
    let value = name(node, at)?;
    let zero_point = match node.input_at(zero) {
        None => Some(vec![0]),
        Some(name) => draft.integers(name),
    };
    if let Some(zero_point) = zero_point {
        return draft.dequantise(&value, &Dequantize { scale: vec![1.0], zero_point, axis });
    }
    let float = || vec![Attribute::int("to", i64::from(Dtype::Float32.onnx()))];
    let value = draft.emit("Cast", &[&value], float());
    let zero = draft.emit("Cast", &[&name(node, zero)?], float());
    Ok(draft.emit("Sub", &[&value, &zero], vec![]))
}

fn product(draft: &mut Draft, op: &str, inputs: &[String], attributes: Vec<Attribute>) -> String {
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    draft.emit(op, &inputs, attributes)
}

fn requantise(
    draft: &mut Draft,
    sum: &str,
    to: &Parameters,
    scale: Vec<f32>,
    axis: i64,
    output: &str,
) {
    let how = Quantize { scale, axis, multiply: true, ..to.quantize(Dtype::UInt8) };
    draft.quantise(sum, &how, output);
}
