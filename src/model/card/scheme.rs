//! How a model is quantised.

use crate::model::onnx::{Graph, Node};
use crate::model::{Dtype, Quantization};

/// The scheme of a graph, by the operators it uses, then by the types of its weights:
///
/// 1. dynamic, if activations are quantised with scales computed at run time;
/// 2. QOperator, if a layer works on quantised tensors itself;
/// 3. QDQ, if activations are quantised and dequantised around float layers;
/// 4. mixed, if only weights are quantised, or half and single precision meet;
/// 5. the float type of the weights.
pub(super) fn scheme(graph: &Graph) -> Quantization {
    let nodes = super::all_nodes(graph);
    let any = |ops: &[&str]| nodes.iter().any(|node| ops.contains(&node.op_type.as_str()));
    if any(&["DynamicQuantizeLinear", "ConvInteger", "MatMulInteger", "DynamicQuantizeMatMul"]) {
        Quantization::Int8Dynamic
    } else if nodes.iter().any(|node| is_qoperator(node)) {
        Quantization::Int8QOperator
    } else if any(&["QuantizeLinear"]) {
        Quantization::Int8Qdq
    } else if any(&["DequantizeLinear"]) {
        Quantization::Mixed
    } else {
        by_weights(graph)
    }
}

fn is_qoperator(node: &Node) -> bool {
    node.op_type.starts_with("QLinear") || node.op_type == "QGemm"
}

fn by_weights(graph: &Graph) -> Quantization {
    let has = |dtype| {
        graph.initializer.iter().any(|t| t.dtype() == dtype && t.count().is_some_and(|n| n > 1))
    };
    match (has(Dtype::Float16), has(Dtype::Float32)) {
        (true, true) => Quantization::Mixed,
        (true, false) => Quantization::Float16,
        _ => Quantization::Float32,
    }
}
