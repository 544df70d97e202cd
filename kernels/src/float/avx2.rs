//! Float kernels for AVX2 and FMA.

use super::{depthwise, portable, product::Job};

/// # Safety
///
/// The lengths that [`Job`] promises, and AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn product(job: &Job<'_>) {
    // SAFETY: the caller's promises are the same.
    unsafe { portable::product(job) }
}

/// # Safety
///
/// The lengths that [`depthwise::Job`] promises, and AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn depthwise(job: &depthwise::Job<'_>) {
    // SAFETY: the caller's promises are the same.
    unsafe { portable::depthwise(job) }
}
