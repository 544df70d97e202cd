//! From sums to codes or reals, sixteen at a time, with AVX2.

use std::arch::x86_64::*;

use super::finish::Spread;
use super::packed::BLOCK;
use super::product::Target;

/// Finishes the sums of 16 neighbouring outputs from `first` and writes those that exist.
///
/// # Safety
///
/// The lists of `spread` have 16 values from `first`, and `place` plus all `outputs` lies
/// in the target.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn finish(
    spread: &Spread,
    (first, outputs): (usize, usize),
    target: Target,
    place: usize,
    sums: [__m256i; 2],
) {
    let count = (outputs - first).min(BLOCK);
    // SAFETY: what the caller promises.
    unsafe {
        let listed = |list: &[f32], at: usize| _mm256_loadu_ps(list.as_ptr().add(first + at * 8));
        let scaled =
            |at: usize| _mm256_mul_ps(_mm256_cvtepi32_ps(sums[at]), listed(&spread.multiplier, at));
        match target {
            Target::Codes(target) => {
                let code = |at: usize| {
                    let code = _mm256_cvtps_epi32(clamp(spread, scaled(at)));
                    _mm256_add_epi32(code, _mm256_set1_epi32(spread.zero_point))
                };
                let bytes = bytes(code(0), code(1));
                write_bytes(bytes, count, target.add(place + first));
            }
            Target::Reals(target) => {
                let real =
                    |at: usize| clamp(spread, _mm256_add_ps(scaled(at), listed(&spread.bias, at)));
                write_reals([real(0), real(1)], count, target.add(place + first));
            }
        }
    }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn clamp(spread: &Spread, value: __m256) -> __m256 {
    let value = _mm256_max_ps(value, _mm256_set1_ps(spread.low));
    _mm256_min_ps(value, _mm256_set1_ps(spread.high))
}

/// Sixteen codes in order.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn bytes(a: __m256i, b: __m256i) -> __m128i {
    // Packing works within lanes of 128 bits.
    let words = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi32(a, b));
    _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words))
}

/// # Safety
///
/// There is room for `count` bytes.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn write_bytes(bytes: __m128i, count: usize, to: *mut u8) {
    // SAFETY: what the caller promises, `count` being 16 at most.
    unsafe {
        if count == BLOCK {
            return _mm_storeu_si128(to.cast(), bytes);
        }
        let mut list = [0_u8; BLOCK];
        _mm_storeu_si128(list.as_mut_ptr().cast(), bytes);
        to.copy_from_nonoverlapping(list.as_ptr(), count);
    }
}

/// # Safety
///
/// There is room for `count` reals.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn write_reals(reals: [__m256; 2], count: usize, to: *mut f32) {
    let mut list = [0.0_f32; BLOCK];
    // SAFETY: what the caller promises, `count` being 16 at most.
    unsafe {
        _mm256_storeu_ps(list.as_mut_ptr(), reals[0]);
        _mm256_storeu_ps(list.as_mut_ptr().add(8), reals[1]);
        to.copy_from_nonoverlapping(list.as_ptr(), count);
    }
}

/// `sums + bias - zero * total` of 16 outputs from `first`; no zero points where the list
/// is empty.
///
/// # Safety
///
/// The lists have 16 values from `first`, or `zero` is empty.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn corrected(
    sums: [__m256i; 2],
    first: usize,
    bias: &[i32],
    zero: &[i32],
    totals: [__m256i; 2],
) -> [__m256i; 2] {
    // SAFETY: what the caller promises.
    let listed = |list: &[i32], at: usize| unsafe {
        _mm256_loadu_si256(list.as_ptr().add(first + at * 8).cast())
    };
    let mut corrected = sums;
    for (at, sum) in corrected.iter_mut().enumerate() {
        *sum = _mm256_add_epi32(*sum, listed(bias, at));
        if !zero.is_empty() {
            let part = _mm256_mullo_epi32(listed(zero, at), totals[at]);
            *sum = _mm256_sub_epi32(*sum, part);
        }
    }
    corrected
}
