//! Sixteen bytes at a time, with Neon.
//!
//! All of this exists as intrinsics. Written out the instructions stay in the order of the
//! source, in which the sums need no register more than there are and results are not used
//! right after their instruction (a Cortex-A53 would wait). The compiler, left to itself,
//! splits weights in halves and spills sums to make room for them.

use std::arch::{aarch64::*, asm};

use super::neon_finish::Sums;

/// Sixteen values of 16 bits.
pub(super) type Words = (int16x8_t, int16x8_t);

/// Sixteen codes less 128.
///
/// # Safety
///
/// They may be read.
#[inline]
#[target_feature(enable = "neon")]
pub(super) unsafe fn signed(from: *const u8) -> int8x16_t {
    // SAFETY: what the caller promises.
    vreinterpretq_s8_u8(veorq_u8(unsafe { vld1q_u8(from) }, vdupq_n_u8(0x80)))
}

/// Sixteen products in 16 bits.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn multiply(weights: int8x16_t, x: int8x16_t) -> Words {
    let (low, high): Words;
    // SAFETY: the instructions touch only their registers.
    unsafe {
        asm!(
            "smull {low:v}.8h, {weights:v}.8b, {x:v}.8b",
            "smull2 {high:v}.8h, {weights:v}.16b, {x:v}.16b",
            low = out(vreg) low,
            high = lateout(vreg) high,
            weights = in(vreg) weights,
            x = in(vreg) x,
            options(nomem, nostack, preserves_flags),
        );
    }
    (low, high)
}

/// The same, added to others.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn multiply_add((mut low, mut high): Words, weights: int8x16_t, x: int8x16_t) -> Words {
    // SAFETY: the instructions touch only their registers.
    unsafe {
        asm!(
            "smlal {low:v}.8h, {weights:v}.8b, {x:v}.8b",
            "smlal2 {high:v}.8h, {weights:v}.16b, {x:v}.16b",
            low = inout(vreg) low,
            high = inout(vreg) high,
            weights = in(vreg) weights,
            x = in(vreg) x,
            options(nomem, nostack, preserves_flags),
        );
    }
    (low, high)
}

/// Adds neighbouring products to sums of 32 bits.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn add_pairs(
    (mut one, mut two): (int32x4_t, int32x4_t),
    low: int16x8_t,
    high: int16x8_t,
) -> (int32x4_t, int32x4_t) {
    // SAFETY: the instructions touch only their registers.
    unsafe {
        asm!(
            "sadalp {one:v}.4s, {low:v}.8h",
            "sadalp {two:v}.4s, {high:v}.8h",
            one = inout(vreg) one,
            two = inout(vreg) two,
            low = in(vreg) low,
            high = in(vreg) high,
            options(nomem, nostack, preserves_flags),
        );
    }
    (one, two)
}

/// Adds sixteen values to sums of 32 bits.
#[inline]
#[target_feature(enable = "neon")]
pub(super) fn add_words(sums: Sums, (low, high): Words) -> Sums {
    let [mut a, mut b, mut c, mut d] = sums;
    // SAFETY: the instructions touch only their registers.
    unsafe {
        asm!(
            "saddw {a:v}.4s, {a:v}.4s, {low:v}.4h",
            "saddw2 {b:v}.4s, {b:v}.4s, {low:v}.8h",
            "saddw {c:v}.4s, {c:v}.4s, {high:v}.4h",
            "saddw2 {d:v}.4s, {d:v}.4s, {high:v}.8h",
            a = inout(vreg) a,
            b = inout(vreg) b,
            c = inout(vreg) c,
            d = inout(vreg) d,
            low = in(vreg) low,
            high = in(vreg) high,
            options(nomem, nostack, preserves_flags),
        );
    }
    [a, b, c, d]
}
