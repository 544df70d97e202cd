//! QOperator arithmetic that is defined through real numbers: dequantise, compute, quantise.
//!
//! These are ONNX Runtime's `com.microsoft` operators; its own kernels compute them in
//! float or through a table of float results.

use crate::engine::EngineError;
use crate::model::onnx::{Attribute, Node};

use super::draft::Draft;

/// The operators of `com.microsoft` that the passes rewrite; QGemm is rewritten by each
/// engine's own.
pub(crate) const OPERATORS: &[&str] = &[
    "DequantizeLinear",
    "QGemm",
    "QLinearAdd",
    "QLinearAveragePool",
    "QLinearConcat",
    "QLinearGlobalAveragePool",
    "QLinearLeakyRelu",
    "QLinearMul",
    "QLinearSigmoid",
    "QLinearSoftmax",
    "QLinearWhere",
    "QuantizeLinear",
];

/// Rewrites them.
pub(super) fn pass(draft: &mut Draft) -> Result<(), EngineError> {
    for node in draft.take_nodes() {
        if node.domain == "com.microsoft" {
            rewrite(draft, node)?;
        } else {
            draft.nodes.push(node);
        }
    }
    Ok(())
}

fn rewrite(draft: &mut Draft, node: Node) -> Result<(), EngineError> {
    match node.op_type.as_str() {
        "QLinearAdd" => arithmetic(draft, &node, "Add"),
        "QLinearMul" => arithmetic(draft, &node, "Mul"),
        "QLinearAveragePool" => pool(draft, &node, "AveragePool"),
        "QLinearGlobalAveragePool" => pool(draft, &node, "GlobalAveragePool"),
        "QLinearSigmoid" => unary(draft, &node, "Sigmoid", &[]),
        "QLinearLeakyRelu" => unary(draft, &node, "LeakyRelu", &["alpha"]),
        "QLinearSoftmax" => softmax(draft, &node),
        "QLinearConcat" => concat(draft, &node),
        "QLinearWhere" => choice(draft, &node),
        "QuantizeLinear" | "DequantizeLinear" => {
            draft.nodes.push(Node { domain: String::new(), ..node });
            Ok(())
        }
        _ => {
            draft.nodes.push(node);
            Ok(())
        }
    }
}

fn kept(node: &Node, names: &[&str]) -> Vec<Attribute> {
    node.attribute.iter().filter(|a| names.contains(&a.name.as_str())).cloned().collect()
}

fn arithmetic(draft: &mut Draft, node: &Node, op: &str) -> Result<(), EngineError> {
    let (a, b) = (draft.dequantise_input(node, 0, 0)?, draft.dequantise_input(node, 3, 0)?);
    let value = draft.emit(op, &[&a, &b], vec![]);
    draft.quantise_output(node, &value, 6)
}

fn unary(draft: &mut Draft, node: &Node, op: &str, attributes: &[&str]) -> Result<(), EngineError> {
    let value = draft.dequantise_input(node, 0, 0)?;
    let value = draft.emit(op, &[&value], kept(node, attributes));
    draft.quantise_output(node, &value, 3)
}

/// The pools may work channels last, which ONNX's own cannot.
fn pool(draft: &mut Draft, node: &Node, op: &str) -> Result<(), EngineError> {
    let last = node.attr_i("channels_last").unwrap_or(0) != 0;
    let mut value = draft.dequantise_input(node, 0, 0)?;
    if last {
        value = draft.emit("Transpose", &[&value], vec![Attribute::ints("perm", &[0, 3, 1, 2])]);
    }
    let attributes = node.attribute.iter().filter(|a| a.name != "channels_last").cloned().collect();
    value = draft.emit(op, &[&value], attributes);
    if last {
        value = draft.emit("Transpose", &[&value], vec![Attribute::ints("perm", &[0, 2, 3, 1])]);
    }
    draft.quantise_output(node, &value, 3)
}

/// Before opset 13 Softmax flattened its input at `axis`; over the last axis both agree.
fn softmax(draft: &mut Draft, node: &Node) -> Result<(), EngineError> {
    let axis = node.attr_i("axis").unwrap_or(-1);
    let opset = node.attr_i("opset").unwrap_or(draft.opset);
    if axis != -1 && (opset < 13) != (draft.opset < 13) {
        return Err(EngineError::operator(
            &node.op(),
            "over an inner axis of another opset is not supported",
        ));
    }
    let value = draft.dequantise_input(node, 0, 0)?;
    let value = draft.emit("Softmax", &[&value], vec![Attribute::int("axis", axis)]);
    draft.quantise_output(node, &value, 3)
}

/// Output parameters first, then triples.
fn concat(draft: &mut Draft, node: &Node) -> Result<(), EngineError> {
    let mut values = Vec::new();
    for at in (2..node.input.len()).step_by(3) {
        values.push(draft.dequantise_input(node, at, 0)?);
    }
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let value = draft.emit("Concat", &values, kept(node, &["axis"]));
    draft.quantise_output(node, &value, 0)
}

fn choice(draft: &mut Draft, node: &Node) -> Result<(), EngineError> {
    let condition = node.input_at(0).unwrap_or_default().to_owned();
    let (x, y) = (draft.dequantise_input(node, 1, 0)?, draft.dequantise_input(node, 4, 0)?);
    let value = draft.emit("Where", &[&condition, &x, &y], vec![]);
    draft.quantise_output(node, &value, 7)
}
