//! Integer and float kernels for channels-last networks, chosen at run time.
//!
//! The only place with unsafe code. Every public function is safe: it checks the
//! lengths of its slices once per call and then runs the implementation for one
//! [`Isa`]. The scalar implementation is the reference that all others equal bit for
//! bit on integers.

mod error;
mod geometry;
mod integer;
mod isa;

pub use error::KernelError;
pub use geometry::{Geometry, Run, SLACK};
pub use integer::{Depthwise8, Dequantize, Finish, Product8, Requantize, Taps};
pub use isa::Isa;
