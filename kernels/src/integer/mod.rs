//! Convolutions and matrix products on codes.
//!
//! Inputs are unsigned bytes, weights signed ones, sums have 32 bits. Every
//! implementation gives the same bits as the portable one.

#[cfg(target_arch = "arm")]
mod arm;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx2_depthwise;
#[cfg(target_arch = "x86_64")]
mod avx2_finish;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx512_depthwise;
#[cfg(target_arch = "x86_64")]
mod avx512_finish;
mod chains;
mod depthwise;
mod filter;
mod finish;
mod fold;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "aarch64")]
mod neon_depthwise;
#[cfg(target_arch = "aarch64")]
mod neon_dot;
#[cfg(target_arch = "aarch64")]
mod neon_finish;
#[cfg(target_arch = "aarch64")]
mod neon_lanes;
mod packed;
mod portable;
mod portable_depthwise;
mod product;
mod range;
mod reach;
#[cfg(target_arch = "aarch64")]
mod strips;

pub use depthwise::Depthwise8;
pub use finish::{Dequantize, Finish, Requantize};
pub use product::Product8;
