//! Depthwise convolution with AVX2: two taps of sixteen channels at a time.
//!
//! Both sides are widened to 16 bits and interleaved, so that one instruction multiplies
//! and adds the two taps of a channel.

use std::arch::x86_64::*;

use super::avx2_finish::{corrected, finish};
use super::depthwise::Job;
use super::filter::Filter;
use super::packed::BLOCK;

/// Computes the pixels of a job.
///
/// # Safety
///
/// The job keeps what [`Job`] promises, and the processor has the features.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn depthwise(job: &Job<'_>) {
    let (filter, window) = (job.filter, &job.filter.window);
    for pixel in job.from..job.to {
        // SAFETY: the pixel is one of the job's; lists are padded to whole blocks.
        unsafe {
            let origin = *window.origins.get_unchecked(pixel) as usize;
            let place = *window.places.get_unchecked(pixel) as usize;
            for first in (0..window.channels).step_by(BLOCK) {
                let (sums, totals) = if filter.zero.is_empty() {
                    sums::<false>(filter, job.input.add(origin + first), first)
                } else {
                    sums::<true>(filter, job.input.add(origin + first), first)
                };
                let sums = corrected(sums, first, &filter.bias, &filter.zero, totals);
                finish(&filter.finish, (first, window.channels), job.target, place, sums);
            }
        }
    }
}

/// Sums of sixteen channels and, where needed, those of their inputs.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn sums<const ZERO: bool>(
    filter: &Filter,
    from: *const u8,
    first: usize,
) -> ([__m256i; 2], [__m256i; 2]) {
    let (taps, channels) = (&filter.window.taps, filter.window.channels);
    let ones = _mm256_set1_epi16(1);
    let mut sums = [_mm256_setzero_si256(); 2];
    let mut totals = sums;
    // SAFETY: sixteen channels of a tap lie in the input and its slack; weights are
    // followed by sixteen more bytes.
    unsafe {
        let weight = filter.weights.as_ptr().add(first);
        let weight = |tap: usize| widened_signed(weight.add(tap * channels));
        let input = |tap: usize| widened(from.add(tap));
        for (pair, two) in taps.chunks(2).enumerate() {
            let (a, wa) = (input(*two.get_unchecked(0)), weight(2 * pair));
            let (b, wb) = match two.get(1) {
                Some(&tap) => (input(tap), weight(2 * pair + 1)),
                None => (_mm256_setzero_si256(), _mm256_setzero_si256()),
            };
            let (x, w) = (interleaved(a, b), interleaved(wa, wb));
            for at in 0..2 {
                sums[at] = _mm256_add_epi32(sums[at], _mm256_madd_epi16(x[at], w[at]));
                if ZERO {
                    totals[at] = _mm256_add_epi32(totals[at], _mm256_madd_epi16(x[at], ones));
                }
            }
        }
    }
    (in_order(sums), in_order(totals))
}

#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn widened(from: *const u8) -> __m256i {
    // SAFETY: the caller has sixteen bytes.
    unsafe { _mm256_cvtepu8_epi16(_mm_loadu_si128(from.cast())) }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn widened_signed(from: *const i8) -> __m256i {
    // SAFETY: the caller has sixteen bytes.
    unsafe { _mm256_cvtepi8_epi16(_mm_loadu_si128(from.cast())) }
}

/// Pairs of the same channel of both, channels 0 to 3 and 8 to 11, then the others.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn interleaved(a: __m256i, b: __m256i) -> [__m256i; 2] {
    [_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)]
}

/// Undoes the order that interleaving made.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn in_order([low, high]: [__m256i; 2]) -> [__m256i; 2] {
    [_mm256_permute2x128_si256::<0x20>(low, high), _mm256_permute2x128_si256::<0x31>(low, high)]
}
