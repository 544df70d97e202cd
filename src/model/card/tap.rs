//! Where the feature vector is: the input of the last layer before the scores.

use std::collections::HashMap;

use super::macs::is_layer;
use crate::model::TensorInfo;
use crate::model::onnx::{Graph, Node};
use crate::model::shape::Shapes;

/// Operators that are passed on the way back from the scores: they rearrange, rescale or
/// normalise what the last layer gave.
const PASSED: &[&str] = &[
    "Cast",
    "Clip",
    "DequantizeLinear",
    "Flatten",
    "GlobalAveragePool",
    "Identity",
    "LogSoftmax",
    "QLinearGlobalAveragePool",
    "QLinearSoftmax",
    "QuantizeLinear",
    "Relu",
    "Reshape",
    "Sigmoid",
    "Softmax",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
    "AveragePool",
    "QLinearAveragePool",
    "Dropout",
];
/// Operators passed where all inputs but one are constants: a bias, a scale.
const PASSED_WITH_CONSTANT: &[&str] =
    &["Add", "BatchNormalization", "Div", "Mul", "QLinearAdd", "QLinearMul", "Sub"];

/// The tensor; none if there are no scores or something unexpected lies between.
pub(super) fn feature_tap(
    graph: &Graph,
    outputs: &[TensorInfo],
    shapes: &Shapes,
) -> Option<String> {
    let producers = producers(graph);
    let mut at = scores(outputs)?.name.as_str();
    // At most every node once: the walk ends in any graph.
    for _ in 0..=graph.node.len() {
        let node = producers.get(at)?;
        let data = data_input(node, shapes)?;
        if is_layer(node) {
            return Some(data.to_owned());
        }
        at = data;
    }
    None
}

/// The output that looks like scores: `[batch, Z]` or `[batch, Z, 1, 1]` with at least two
/// classes; the last such, floats before whole numbers.
pub(in crate::model) fn scores(outputs: &[TensorInfo]) -> Option<&TensorInfo> {
    let looks = |output: &&TensorInfo| {
        matches!(
            output.shape.as_slice(),
            [None | Some(1), Some(2..)] | [None | Some(1), Some(2..), Some(1), Some(1)]
        )
    };
    let vectors = || outputs.iter().rev().filter(looks);
    vectors().find(|output| output.dtype.is_float()).or_else(|| vectors().next())
}

fn producers(graph: &Graph) -> HashMap<&str, &Node> {
    let outputs = |node| outputs(node).map(move |name| (name, node));
    graph.node.iter().flat_map(outputs).collect()
}

fn outputs(node: &Node) -> impl Iterator<Item = &str> {
    node.output.iter().map(String::as_str)
}

/// The one input that is data: of a layer its first, of a passed operator the only one that is
/// no constant.
fn data_input<'a>(node: &'a Node, shapes: &Shapes) -> Option<&'a str> {
    let op = node.op_type.as_str();
    if is_layer(node) || PASSED.contains(&op) {
        return node.input_at(0).filter(|name| !shapes.is_constant(name));
    }
    if !PASSED_WITH_CONSTANT.contains(&op) {
        return None;
    }
    let mut data =
        node.input.iter().filter(|name| !name.is_empty() && !shapes.is_constant(name.as_str()));
    let only = data.next()?;
    data.next().is_none().then_some(only.as_str())
}
