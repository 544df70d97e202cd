//! Which rule belongs to which operator.

use super::graph::Builder;
use super::{activation, elementwise, join, layout, linear, pick, pool, quantise, resample};
use crate::engine::EngineError;
use crate::engine::lower;
use crate::model::onnx::Node;

/// From a node of the file to nodes of the program.
pub(super) type Rule = fn(&mut Builder, &Node) -> Result<(), EngineError>;

/// Rules by operator.
const TABLE: &[(&str, Rule)] = &[
    ("Add", elementwise::add),
    ("ArgMax", pick::arg_max),
    ("AveragePool", pool::average),
    ("BatchNormalization", elementwise::normalise),
    ("Cast", quantise::cast),
    ("Clip", activation::clip),
    ("Concat", join::concat),
    ("Conv", linear::conv),
    ("DequantizeLinear", quantise::dequantize),
    ("Div", elementwise::div),
    ("Dropout", layout::same),
    ("Exp", activation::exp),
    ("Flatten", layout::reshape),
    ("Gather", pick::gather),
    ("Gemm", linear::gemm),
    ("GlobalAveragePool", pool::global_average),
    ("GlobalMaxPool", pool::global_max),
    ("HardSigmoid", activation::hard_sigmoid),
    ("HardSwish", activation::hard_swish),
    ("Identity", layout::same),
    ("LeakyRelu", activation::leaky_relu),
    ("MatMul", linear::matmul),
    ("MaxPool", pool::max),
    ("Mul", elementwise::mul),
    ("Pad", layout::pad),
    ("QuantizeLinear", quantise::quantize),
    ("ReduceMean", pool::reduce_mean),
    ("Relu", activation::relu),
    ("Reshape", layout::reshape),
    ("Resize", resample::resize),
    ("Sigmoid", activation::sigmoid),
    ("Slice", pick::slice),
    ("Softmax", activation::softmax),
    ("Split", pick::split),
    ("Sqrt", activation::sqrt),
    ("Squeeze", layout::reshape),
    ("Sub", elementwise::sub),
    ("Tanh", activation::tanh),
    ("Transpose", layout::transpose),
    ("Unsqueeze", layout::reshape),
    ("Upsample", resample::resize),
    // These run only where they are constant.
    ("ConstantOfShape", quantise::refused),
    ("Shape", quantise::refused),
    ("Size", quantise::refused),
];

/// The rule of an operator, given as `Op` or `domain:Op`.
pub(super) fn rule(op: &str) -> Option<Rule> {
    TABLE.iter().find(|(name, _)| *name == op).map(|(_, rule)| *rule)
}

/// Whether the engine runs an operator of a file, as far as its name says.
pub(in crate::engine::native) fn runs(op: &str) -> bool {
    rule(op).is_some() || op == "Constant" || lower::rewrites_quantised(op)
}
