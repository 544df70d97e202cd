//! The fused program: what the front makes of a file and the back makes a plan of.
//!
//! Shapes are those of ONNX (channels first), static; how a value lies in memory is the
//! back's business. A value holds codes of one quantisation, or reals, or whole numbers.

use serde::{Deserialize, Serialize};

use super::packed;
use crate::engine::Unfused;
use crate::model::TensorInfo;

/// Index of a value in [`Program::values`].
pub(super) type Id = usize;

/// A whole model, nodes in execution order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Program {
    /// Everything computed, given or constant.
    pub values: Vec<Value>,
    /// What the caller gives.
    pub inputs: Vec<Port>,
    /// What the caller gets.
    pub outputs: Vec<Port>,
    /// In execution order.
    pub nodes: Vec<Node>,
    /// Convolutions that stay in floating point although their input is quantised.
    pub unfused: Vec<Unfused>,
}

/// One tensor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Value {
    /// Name in the file, for messages.
    pub name: String,
    /// Dimensions as ONNX has them.
    pub shape: Vec<usize>,
    /// What its elements are.
    pub kind: Kind,
    /// Elements, where they are known before running; those of weights are in the operators.
    pub constant: Option<Constant>,
}

/// What the elements of a value are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) enum Kind {
    /// Codes 0..=255 of `scale * (code - zero)`; those of int8 tensors are shifted by 128.
    Codes(Quantised),
    /// Single precision.
    Real,
    /// Whole numbers (results of ArgMax).
    Whole,
}

/// One affine quantisation. Two are equal where a code stands for the same number in both.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Quantised {
    /// Step.
    pub scale: f32,
    /// Code of zero, in 0..=255.
    pub zero: u8,
    /// Whether the file has these codes as int8, 128 less.
    pub signed: bool,
}

impl Quantised {
    /// Whether a product or a mean of codes adds the zero point as int8 has it before it rounds,
    /// as ONNX Runtime's operators on int8 do: how many bits of the fraction count, and so where
    /// ties fall, depends on it. A zero point of -128 is that of pools between quantisations,
    /// which it computes in floating point on int8: there all bits count, as with 0.
    pub(super) fn adds_zero_as_int8(self) -> bool {
        self.signed && self.zero != 0
    }
}

impl PartialEq for Quantised {
    fn eq(&self, other: &Self) -> bool {
        (self.scale, self.zero) == (other.scale, other.zero)
    }
}

/// Elements of a constant value, row by row as ONNX has them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Constant {
    /// Codes 0..=255.
    Codes(#[serde(with = "packed")] Vec<u8>),
    /// Single precision.
    Real(#[serde(with = "packed")] Vec<f32>),
}

/// An input or output of the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Port {
    /// The value behind it.
    pub value: Id,
    /// Name, type in the file (float16 is converted, int8 shifted) and shape.
    pub info: TensorInfo,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Node {
    /// What it does.
    pub op: Op,
    /// What it reads.
    pub inputs: Vec<Id>,
    /// What it makes.
    pub output: Id,
}

/// What a node does. The kinds of its values choose the arithmetic: a convolution whose
/// input holds codes has [`Weights::Codes`] and sums integers; its output holds codes
/// (requantised) or reals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Op {
    /// Convolution over two dimensions (one-dimensional ones have height 1).
    Conv(Conv),
    /// `[M, K]` times constant `[N, K]` (stored row by output), any leading dimensions.
    Dense(Dense),
    /// Product of two computed matrices, reals.
    MatMul,
    /// Real to codes of the output.
    Quantize,
    /// Codes to reals.
    Dequantize,
    /// Any function of one code: requantisation, activation between quantisations, ...
    Table(#[serde(with = "packed")] Box<[u8; 256]>),
    /// Codes times a factor plus a summand per channel, between quantisations.
    Affine(Affine),
    /// Two operands, broadcast as NumPy does; codes with codes or reals with reals.
    Binary(Binary, Range),
    /// One operand, reals.
    Unary(Unary),
    /// Over one axis, reals.
    Softmax(usize),
    /// Windowed maximum.
    MaxPool(Window),
    /// Windowed mean; whether padding counts.
    AveragePool(Window, bool),
    /// Mean over these axes; whether they stay as 1. Global average pooling is `[2, 3]`.
    Mean(Vec<usize>, bool),
    /// Along an axis; inputs share one quantisation, which is the output's.
    Concat(usize),
    /// Same elements, whole numbers too, in row order.
    Reshape,
    /// Axes permuted.
    Transpose(Vec<usize>),
    /// Constant border: elements before and after each axis, value (a code for codes).
    Pad(Vec<(usize, usize)>, f32),
    /// Height and width resampled.
    Resize(Resize),
    /// Elements of one axis by constant index.
    Select(usize, Vec<usize>),
    /// Index of the largest along an axis, which stays as 1; whether the last of equals counts.
    /// Codes or reals.
    ArgMax(usize, bool),
    /// Stored elements as whole numbers or reals of the output's kind.
    Cast,
}

/// Numbers that codes stand for, times a factor, plus a summand, as codes again; each step
/// rounded to single precision. Channels are the second axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Affine {
    /// Per channel.
    pub factor: Vec<f32>,
    /// Per channel.
    pub summand: Vec<f32>,
    /// Clamp of the result, in codes of the output.
    pub range: Range,
}

/// A convolution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Conv {
    /// Output channels, input channels per group, height, width.
    pub shape: [usize; 4],
    /// Groups.
    pub groups: usize,
    /// Where the window stands.
    pub window: Window,
    /// Row by row `[O][I/g][kh][kw]`.
    pub weights: Weights,
    /// Clamp of the result, in codes of the output or in reals.
    pub range: Range,
}

/// A product with a constant matrix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Dense {
    /// Length of the sum.
    pub depth: usize,
    /// Columns of the result.
    pub outputs: usize,
    /// Row by row `[N][K]`.
    pub weights: Weights,
    /// Clamp of the result.
    pub range: Range,
}

/// Constant weights with their bias (one per output, or empty).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Weights {
    /// Integers.
    Codes {
        /// uint8 ones are shifted by -128.
        #[serde(with = "packed")]
        codes: Vec<i8>,
        /// Per output, shifted likewise; empty where all are zero.
        #[serde(with = "packed")]
        zero: Vec<i8>,
        /// Accumulator to real: input scale times weight scale. One per output, or one.
        #[serde(with = "packed")]
        scale: Vec<f32>,
        /// In steps of `scale`; empty where `real_bias` says it, or nothing is added.
        #[serde(with = "packed")]
        bias: Vec<i32>,
        /// In reals, for results in reals; empty where `bias` says it. Never both.
        #[serde(with = "packed")]
        real_bias: Vec<f32>,
    },
    /// Single precision.
    Reals(#[serde(with = "packed")] Vec<f32>, #[serde(with = "packed")] Vec<f32>),
}

/// Closed interval that a result is clamped to; infinite where it is not.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Range {
    /// Lowest.
    pub low: f32,
    /// Highest.
    pub high: f32,
}

/// Kernel, strides, dilations and padding over height and width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Window {
    /// Height and width.
    pub kernel: [usize; 2],
    /// Steps.
    pub strides: [usize; 2],
    /// Distance of taps.
    pub dilations: [usize; 2],
    /// Before (top, left) and after (bottom, right).
    pub pads: [usize; 4],
}

/// Element-wise operators of two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Binary {
    /// `a + b`
    Add,
    /// `a - b`
    Sub,
    /// `a * b`
    Mul,
    /// `a / b`
    Div,
}

/// Element-wise operators of one operand.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) enum Unary {
    /// Clamp; Relu and Relu6 are clamps.
    Clamp(Range),
    /// `1 / (1 + exp(-x))`
    Sigmoid,
    /// `x < 0 ? alpha * x : x`
    LeakyRelu(f32),
    /// `clamp(alpha * x + beta, 0, 1)`
    HardSigmoid(f32, f32),
    /// `x * clamp(x / 6 + 1/2, 0, 1)`
    HardSwish,
    /// `tanh x`
    Tanh,
    /// `e^x`
    Exp,
    /// `sqrt x`
    Sqrt,
}

/// How height and width are resampled.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Resize {
    /// Nearest or bilinear.
    pub linear: bool,
    /// As ONNX's `coordinate_transformation_mode`.
    pub coordinates: Coordinates,
    /// Nearest only: how a position between two is rounded.
    pub rounding: Rounding,
    /// Scales of height and width (output over input).
    pub scales: [f32; 2],
}

/// ONNX's `coordinate_transformation_mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Coordinates {
    /// `half_pixel`
    HalfPixel,
    /// `pytorch_half_pixel`
    PytorchHalfPixel,
    /// `align_corners`
    AlignCorners,
    /// `asymmetric`
    Asymmetric,
}

/// ONNX's `nearest_mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Rounding {
    /// `round_prefer_floor`
    PreferFloor,
    /// `round_prefer_ceil`
    PreferCeil,
    /// `floor`
    Floor,
    /// `ceil`
    Ceil,
}

impl Range {
    /// No clamp.
    pub(super) const OPEN: Self = Self { low: f32::NEG_INFINITY, high: f32::INFINITY };
}

#[cfg(test)]
impl Value {
    /// Elements.
    pub(super) fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

impl Program {
    /// Convolutions that sum integers, and those that sum reals.
    pub(super) fn convolutions(&self) -> (u64, u64) {
        let convs = self.nodes.iter().filter_map(|node| match &node.op {
            Op::Conv(conv) => Some(matches!(conv.weights, Weights::Codes { .. })),
            _ => None,
        });
        convs.fold(
            (0, 0),
            |(whole, real), integer| {
                if integer { (whole + 1, real) } else { (whole, real + 1) }
            },
        )
    }
}
