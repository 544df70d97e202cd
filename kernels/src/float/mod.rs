//! Convolutions and matrix products in f32, without im2col.
//!
//! Sums are taken in another order than the scalar reference takes them and with fused
//! multiply-adds where the processor has them: results agree within 1e-5 of the sum of
//! the absolute products, not bit for bit.

#[cfg(target_arch = "arm")]
mod arm;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx512_depthwise;
mod depthwise;
mod lanes;
mod layer;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
mod product;
#[cfg(target_arch = "x86_64")]
mod unrolled;

pub use depthwise::DepthwiseF32;
pub use product::ProductF32;
