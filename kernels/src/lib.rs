//! Integer and float kernels for channels-last networks, chosen at run time.
//!
//! The only place with unsafe code. Every public function is safe: it checks the
//! lengths of its slices once per call and then runs the implementation for one
//! [`Isa`]. The scalar implementation is the reference that all others equal bit for
//! bit on integers.

mod check;
mod dispatch;
mod error;
mod float;
mod geometry;
mod integer;
mod isa;
mod pointwise;
mod pool;
mod resize;
mod share;
mod strided;
mod window;

pub use error::KernelError;
pub use float::{DepthwiseF32, ProductF32};
pub use geometry::{Geometry, Run, SLACK};
pub use integer::{Depthwise8, Dequantize, Finish, Product8, Requantize};
pub use isa::Isa;
pub use pointwise::{
    Add8, Affine8, Arithmetic, Mul8, Scale8, Softmax8, Sum8, add_codes, add_reals, arg_max_codes,
    arithmetic_f32, clamp_f32, dequantize, mul_codes, quantize, sigmoid_f32, softmax_f32, table,
};
pub use pool::Pool;
pub use resize::{Between, Bilinear};
pub use strided::{Strided, copy_rows, copy_strided};
pub use window::{
    Average8, Window, average_pool_codes, average_pool_f32, global_average_codes, max_pool_codes,
    max_pool_f32,
};
