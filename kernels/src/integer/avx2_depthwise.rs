//! Depthwise convolution with AVX2: sixteen channels of four pixels.
//!
//! Inputs are widened to 16 bits and two taps interleaved, so that one instruction
//! multiplies both and adds them. Packing the results undoes the order of interleaving.

use std::arch::x86_64::*;

use super::{
    depthwise::Job,
    packed::BLOCK,
    pairs::{Pairs, order},
    product::Target,
};

/// Pixels of a tile.
const TALL: usize = 4;

/// Sixteen sums in the order of [`order`].
type Sums = [__m256i; 2];

/// Computes the pixels of a job.
///
/// # Safety
///
/// The job keeps what [`Job`] promises, the pairs are those of its filter, and the processor
/// has the features.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn depthwise(job: &Job<'_>, pairs: &Pairs) {
    let filter = job.filter;
    for first in (0..filter.window.channels).step_by(BLOCK) {
        // SAFETY: every tile ends within the job's pixels; lists are padded to blocks.
        unsafe {
            let multiplier = reals(filter.finish.multiplier.as_ptr().add(first));
            let mut pixel = job.from;
            while pixel + TALL <= job.to {
                tile::<TALL>(job, pairs, multiplier, first, pixel);
                pixel += TALL;
            }
            while pixel < job.to {
                tile::<1>(job, pairs, multiplier, first, pixel);
                pixel += 1;
            }
        }
    }
}

/// Some pixels by sixteen channels.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn tile<const TALL: usize>(
    job: &Job<'_>,
    pairs: &Pairs,
    multiplier: [__m256; 2],
    first: usize,
    pixel: usize,
) {
    let (window, count) = (&job.filter.window, pairs.taps.len());
    // SAFETY: a tap's channels and the slack behind them lie in the input; there are
    // weights for every pair and lists are padded to blocks.
    unsafe {
        let from: [*const u8; TALL] = std::array::from_fn(|row| {
            job.input.add(*window.origins.get_unchecked(pixel + row) as usize + first)
        });
        let mut sums = [integers(job.filter.bias.as_ptr().add(first)); TALL];
        let weights = pairs.weights.as_ptr().add(first / BLOCK * count);
        for (at, taps) in pairs.taps.iter().enumerate() {
            let weights: *const __m256i = weights.add(at).cast();
            let weights = [_mm256_load_si256(weights), _mm256_load_si256(weights.add(1))];
            for (sums, from) in sums.iter_mut().zip(from) {
                add(sums, interleaved(from, taps), weights);
            }
        }
        if !job.filter.zero.is_empty() {
            let zero = integers(job.filter.zero.as_ptr().add(first));
            for (sums, from) in sums.iter_mut().zip(from) {
                let totals = totals(from, pairs);
                for at in 0..2 {
                    sums[at] = _mm256_sub_epi32(sums[at], _mm256_mullo_epi32(totals[at], zero[at]));
                }
            }
        }
        for (row, sums) in sums.into_iter().enumerate() {
            let place = *window.places.get_unchecked(pixel + row) as usize;
            match job.target {
                Target::Codes(to) => {
                    let left = (window.channels - first).min(BLOCK);
                    put(to.add(place + first), left, bytes(job, multiplier, sums));
                }
                Target::Reals(to) => put_reals(job, first, to.add(place), sums),
            }
        }
    }
}

/// Sixteen channels of two taps, side by side in 16 bits.
///
/// # Safety
///
/// Sixteen bytes of each tap may be read.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn interleaved(from: *const u8, taps: &[usize; 2]) -> Sums {
    // SAFETY: what the caller promises.
    let [a, b] =
        taps.map(|tap| unsafe { _mm256_cvtepu8_epi16(_mm_loadu_si128(from.add(tap).cast())) });
    [_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)]
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn add(sums: &mut Sums, inputs: Sums, weights: Sums) {
    for at in 0..2 {
        sums[at] = _mm256_add_epi32(sums[at], _mm256_madd_epi16(inputs[at], weights[at]));
    }
}

/// Sums of the inputs, for weights with zero points.
#[target_feature(enable = "avx2,fma")]
unsafe fn totals(from: *const u8, pairs: &Pairs) -> Sums {
    let mut totals = [_mm256_setzero_si256(); 2];
    for (taps, &presence) in pairs.taps.iter().zip(&pairs.presence) {
        // SAFETY: the taps lie in the input.
        let inputs = unsafe { interleaved(from, taps) };
        add(&mut totals, inputs, [_mm256_set1_epi32(presence); 2]);
    }
    totals
}

/// Rounded half to even, zero point added, clamped.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn bytes(job: &Job<'_>, multiplier: [__m256; 2], sums: Sums) -> __m128i {
    let finish = &job.filter.finish;
    let (low, high) = (_mm256_set1_ps(finish.low), _mm256_set1_ps(finish.high));
    let code = |at: usize| {
        let real = _mm256_mul_ps(_mm256_cvtepi32_ps(sums[at]), multiplier[at]);
        let clamped = _mm256_min_ps(_mm256_max_ps(real, low), high);
        _mm256_cvtps_epi32(if finish.bounded { real } else { clamped })
    };
    let words = _mm256_packs_epi32(code(0), code(1));
    let words = _mm256_adds_epi16(words, _mm256_set1_epi16(finish.zero_point as i16));
    let bytes = _mm256_packus_epi16(words, words);
    let bytes = _mm256_castsi256_si128(_mm256_permute4x64_epi64::<0b1000>(bytes));
    let bytes = _mm_max_epu8(bytes, _mm_set1_epi8(finish.low_code as i8));
    _mm_min_epu8(bytes, _mm_set1_epi8(finish.high_code as i8))
}

/// Writes the first `count` of the bytes.
///
/// # Safety
///
/// `count`, at most 16, may be written at `to`.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn put(to: *mut u8, count: usize, bytes: __m128i) {
    let mut list = [0_u8; BLOCK];
    // SAFETY: what the caller promises; the list has sixteen bytes.
    unsafe {
        if count == BLOCK {
            _mm_storeu_si128(to.cast(), bytes);
        } else {
            _mm_storeu_si128(list.as_mut_ptr().cast(), bytes);
            to.copy_from_nonoverlapping(list.as_ptr(), count);
        }
    }
}

/// Writes sums that become reals: rare, so one by one. `to` is channel 0 of the pixel.
unsafe fn put_reals(job: &Job<'_>, first: usize, to: *mut f32, sums: Sums) {
    // SAFETY: two vectors are as long as sixteen integers.
    let list: [i32; BLOCK] = unsafe { std::mem::transmute(sums) };
    for (sum, c) in list.into_iter().zip(order()) {
        let c = first + c;
        if c < job.filter.window.channels {
            // SAFETY: the place plus all channels lie in the target.
            unsafe { to.add(c).write(job.filter.finish.real(sum, c)) };
        }
    }
}

/// Sixteen integers of a list in the order of sums.
///
/// # Safety
///
/// They may be read.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn integers(from: *const i32) -> Sums {
    // SAFETY: what the caller promises.
    [0, 4].map(|first| unsafe {
        _mm256_loadu2_m128i(from.add(first + 8).cast(), from.add(first).cast())
    })
}

/// The same for reals.
///
/// # Safety
///
/// They may be read.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn reals(from: *const f32) -> [__m256; 2] {
    // SAFETY: what the caller promises.
    [0, 4].map(|first| unsafe { _mm256_loadu2_m128(from.add(first + 8), from.add(first)) })
}
