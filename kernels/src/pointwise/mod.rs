//! What works element by element or row by row.

mod affine;
mod arithmetic;
mod codes;
mod greatest;
mod logistic;
mod quantize;
mod rounding;
mod softmax;
mod table;

pub use affine::{Affine8, Scale8};
pub use arithmetic::{Arithmetic, arithmetic_f32, clamp_f32};
pub use codes::{Add8, Mul8, Sum8, add_codes, add_reals, mul_codes};
pub use greatest::arg_max_codes;
pub use logistic::sigmoid_f32;
pub use quantize::{dequantize, quantize};
pub use softmax::{Softmax8, softmax_f32};
pub use table::table;

pub(crate) use rounding::{round_to_code, scaled_code};
