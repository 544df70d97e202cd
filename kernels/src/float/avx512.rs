//! Float kernels for AVX-512.

use super::{depthwise, portable, product::Job};

/// # Safety
///
/// The lengths that [`Job`] promises, and AVX-512.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
pub(super) unsafe fn product(job: &Job<'_>) {
    // SAFETY: the caller's promises are the same.
    unsafe { portable::product(job) }
}

/// # Safety
///
/// The lengths that [`depthwise::Job`] promises, and AVX-512.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
pub(super) unsafe fn depthwise(job: &depthwise::Job<'_>) {
    // SAFETY: the caller's promises are the same.
    unsafe { portable::depthwise(job) }
}
