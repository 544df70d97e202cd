//! Multiply-accumulates: one per product that a layer adds up, biases not counted.

use crate::model::onnx::{Graph, Node};
use crate::model::shape::{Shapes, gemm_sizes, is_known};

/// How a layer multiplies: places of its two operands.
enum Layer {
    /// Products per output element: one kernel.
    Convolution { w: usize },
    /// Products per input element: one kernel.
    Transposed,
    /// Rows times columns times inner size.
    Product { a: usize, b: usize },
    /// The same, with transposition by attribute.
    Gemm { b: usize },
}

/// What a node multiplies, if it is a layer.
fn layer(node: &Node) -> Option<Layer> {
    Some(match node.op().as_str() {
        "Conv" | "ConvInteger" | "com.microsoft:FusedConv" => Layer::Convolution { w: 1 },
        "QLinearConv" => Layer::Convolution { w: 3 },
        "ConvTranspose" => Layer::Transposed,
        "MatMul"
        | "MatMulInteger"
        | "com.microsoft:DynamicQuantizeMatMul"
        | "com.microsoft:MatMulIntegerToFloat" => Layer::Product { a: 0, b: 1 },
        "QLinearMatMul" => Layer::Product { a: 0, b: 3 },
        "Gemm" => Layer::Gemm { b: 1 },
        "com.microsoft:QGemm" => Layer::Gemm { b: 3 },
        _ => return None,
    })
}

/// Whether a node is a layer that multiplies with weights.
pub(super) fn is_layer(node: &Node) -> bool {
    layer(node).is_some()
}

/// Of the whole graph; none where a layer's shape, or what an operator does, is unknown.
pub(super) fn macs(graph: &Graph, shapes: &Shapes) -> Option<u64> {
    let mut counts = graph.node.iter().map(|node| of_node(node, shapes));
    counts.try_fold(0u64, |sum, count| sum.checked_add(count?))
}

/// Of one node; none where its shape, or what it does, is unknown.
pub(super) fn of_node(node: &Node, shapes: &Shapes) -> Option<u64> {
    match layer(node) {
        Some(layer) => of_layer(node, &layer, shapes),
        None if is_uncounted(node) => None,
        None => Some(0),
    }
}

/// Place of a layer's weights among its inputs.
pub(super) fn weights(node: &Node) -> Option<usize> {
    Some(match layer(node)? {
        Layer::Convolution { w } => w,
        Layer::Transposed => 1,
        Layer::Product { b, .. } | Layer::Gemm { b } => b,
    })
}

/// Operators that multiply in a way not modelled here, and those that nobody knows.
fn is_uncounted(node: &Node) -> bool {
    matches!(node.op_type.as_str(), "LSTM" | "GRU" | "RNN")
        || node.subgraphs().next().is_some()
        || !is_known(&node.op())
}

fn of_layer(node: &Node, layer: &Layer, shapes: &Shapes) -> Option<u64> {
    let shape = |at: usize| shapes.shape(node.input_at(at)?);
    let output = || shapes.shape(node.output_at(0)?);
    match layer {
        Layer::Convolution { w } => multiply(output()?, shape(*w)?.get(1..)?),
        Layer::Transposed => multiply(shape(0)?, shape(1)?.get(1..)?),
        Layer::Product { a, b } => {
            let inner = shape(*a)?.last()?;
            shape(*b)?;
            multiply(output()?, &[*inner])
        }
        Layer::Gemm { b } => {
            let flag = |name: &str| node.attr_i(name).unwrap_or(0) != 0;
            let transposed = (flag("transA"), flag("transB"));
            let (rows, inner, columns) = gemm_sizes(shape(0)?, shape(*b)?, transposed)?;
            multiply(&[rows, inner, columns], &[])
        }
    }
}

fn multiply(a: &[u64], b: &[u64]) -> Option<u64> {
    a.iter().chain(b).try_fold(1u64, |product, dim| product.checked_mul(*dim))
}
