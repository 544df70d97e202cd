//! Where operators take their scales and zero points.

use super::onnx::Node;

/// Places of one quantised tensor and its parameters among a node's inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parameters {
    /// The quantised tensor, where it is an input.
    pub(crate) tensor: Option<usize>,
    /// Its scale.
    pub(crate) scale: Option<usize>,
    /// Its zero point.
    pub(crate) zero_point: Option<usize>,
}

const fn of(tensor: Option<usize>, scale: usize, zero_point: usize) -> Parameters {
    Parameters { tensor, scale: Some(scale), zero_point: Some(zero_point) }
}

/// All parameters of a node; none for operators that take none.
pub(crate) fn parameters(node: &Node) -> Vec<Parameters> {
    match node.op_type.as_str() {
        "QuantizeLinear" => vec![of(None, 1, 2)],
        "DequantizeLinear" => vec![of(Some(0), 1, 2)],
        "QLinearConv" | "QLinearMatMul" | "QLinearAdd" | "QLinearMul" => {
            vec![of(Some(0), 1, 2), of(Some(3), 4, 5), of(None, 6, 7)]
        }
        "QGemm" => vec![of(Some(0), 1, 2), of(Some(3), 4, 5), of(None, 7, 8)],
        "QLinearAveragePool"
        | "QLinearGlobalAveragePool"
        | "QLinearLeakyRelu"
        | "QLinearSigmoid"
        | "QLinearSoftmax" => vec![of(Some(0), 1, 2), of(None, 3, 4)],
        "QLinearConcat" => {
            let operands = (2..node.input.len()).step_by(3).map(|at| of(Some(at), at + 1, at + 2));
            std::iter::once(of(None, 0, 1)).chain(operands).collect()
        }
        "ConvInteger" | "MatMulInteger" => [(0, 2), (1, 3)]
            .into_iter()
            .map(|(tensor, zero)| Parameters {
                tensor: Some(tensor),
                scale: None,
                zero_point: Some(zero),
            })
            .collect(),
        _ => Vec::new(),
    }
}
