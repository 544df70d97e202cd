//! Depthwise convolutions for AVX-512.
//!
//! Pixels that follow one another in the input share taps: where a row of taps steps from
//! pixel to pixel as the origins do, every value is loaded once for the whole row. Other
//! windows load once per tap and pixel.

use std::arch::x86_64::{
    __m512, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_mask_storeu_ps, _mm512_setzero_ps,
};

use super::{
    avx512::{clamp, mask},
    depthwise::{Job, Layer},
    lanes::LANES,
    unrolled::unrolled,
};

/// Pixels at once.
const PIXELS: usize = 8;

/// # Safety
///
/// The lengths that [`Job`] promises, and AVX-512.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
pub(super) unsafe fn depthwise(job: &Job<'_>) {
    let window = &job.layer.window;
    let count = job.origins.len();
    let row = row_length(&window.taps, window.channels);
    let mut pixel = 0;
    // SAFETY: the pixels and blocks exist, the taps are rows where they are taken for it,
    // and the caller's promises are the same.
    unsafe {
        while pixel + PIXELS <= count {
            let follow = follow(&job.origins[pixel..pixel + PIXELS], window.channels);
            for block in 0..job.layer.bias.len() {
                match row {
                    3 if follow => rows::<3>(job, pixel, block),
                    5 if follow => rows::<5>(job, pixel, block),
                    _ => taps::<PIXELS>(job, pixel, block),
                }
            }
            pixel += PIXELS;
        }
        while pixel < count {
            for block in 0..job.layer.bias.len() {
                taps::<1>(job, pixel, block);
            }
            pixel += 1;
        }
    }
}

/// How many taps lie side by side, 0 when the rows differ.
fn row_length(taps: &[usize], channels: usize) -> usize {
    let beside = |pair: &[usize]| pair[0].checked_add(channels) == Some(pair[1]);
    let length = 1 + taps.windows(2).take_while(|pair| beside(pair)).count();
    let even = taps.chunks(length).all(|row| row.len() == length && row.windows(2).all(beside));
    if even { length } else { 0 }
}

/// Whether each pixel begins one pixel of input behind the one before.
fn follow(origins: &[u32], channels: usize) -> bool {
    origins.windows(2).all(|pair| pair[0] as usize + channels == pair[1] as usize)
}

/// 16 channels of [`PIXELS`] pixels that follow one another, `W` taps to a row.
///
/// # Safety
///
/// As for [`depthwise`]; the pixels and the block exist, the origins follow one another and
/// the taps are rows of `W` side by side.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
unsafe fn rows<const W: usize>(job: &Job<'_>, pixel: usize, block: usize) {
    let Layer { window, weights, bias, .. } = job.layer;
    let (first, taps) = (block * LANES, window.taps.len());
    // SAFETY: origin plus the channels lies in the input.
    let input = unsafe { job.input.add(job.origins[pixel] as usize + first) };
    // SAFETY: a block of the bias is as long as a register.
    let mut sums = [unsafe { _mm512_loadu_ps(bias[block].0.as_ptr()) }; PIXELS];
    let weights = &weights[block * taps..(block + 1) * taps];
    for (taps, weights) in window.taps.chunks_exact(W).zip(weights.chunks_exact(W)) {
        let mut lanes = [_mm512_setzero_ps(); W];
        unrolled!(tap in [0 1 2 3 4] below W {
            // SAFETY: a block of weights is as long as a register.
            lanes[tap] = unsafe { _mm512_loadu_ps(weights[tap].0.as_ptr()) };
        });
        unrolled!(column in [0 1 2 3 4 5 6 7 8 9 10 11] {
            if column < PIXELS + W - 1 {
                // SAFETY: the column is one of the taps, and the slack behind the
                // last channel is longer than a register.
                let values =
                    unsafe { _mm512_loadu_ps(input.add(taps[0] + column * window.channels)) };
                unrolled!(tap in [0 1 2 3 4] below W {
                    if column >= tap && column - tap < PIXELS {
                        let sum = &mut sums[column - tap];
                        *sum = _mm512_fmadd_ps(values, lanes[tap], *sum);
                    }
                });
            }
        });
    }
    // SAFETY: the caller's promises are the same.
    unsafe { store(job, &sums, pixel, block) }
}

/// 16 channels of `M` pixels; values behind the last channel are read and dropped.
///
/// # Safety
///
/// As for [`depthwise`]; the pixels and the block exist.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
unsafe fn taps<const M: usize>(job: &Job<'_>, pixel: usize, block: usize) {
    let Layer { window, weights, bias, .. } = job.layer;
    let (first, taps) = (block * LANES, window.taps.len());
    let mut inputs = [job.input; M];
    for (input, &origin) in inputs.iter_mut().zip(&job.origins[pixel..pixel + M]) {
        // SAFETY: origin plus the channels lies in the input.
        *input = unsafe { job.input.add(origin as usize + first) };
    }
    // SAFETY: a block of the bias is as long as a register.
    let mut sums = [unsafe { _mm512_loadu_ps(bias[block].0.as_ptr()) }; M];
    for (tap, weights) in window.taps.iter().zip(&weights[block * taps..(block + 1) * taps]) {
        // SAFETY: a block of weights is as long as a register.
        let weights = unsafe { _mm512_loadu_ps(weights.0.as_ptr()) };
        unrolled!(m in [0 1 2 3 4 5 6 7] below M {
            // SAFETY: the slack behind the last channel is longer than a register.
            let values = unsafe { _mm512_loadu_ps(inputs[m].add(*tap)) };
            sums[m] = _mm512_fmadd_ps(values, weights, sums[m]);
        });
    }
    // SAFETY: the caller's promises are the same.
    unsafe { store(job, &sums, pixel, block) }
}

/// Clamps and writes those channels of the block that exist.
///
/// # Safety
///
/// As for [`depthwise`]; as many pixels as there are sums, and the block, exist.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
unsafe fn store<const M: usize>(job: &Job<'_>, sums: &[__m512; M], pixel: usize, block: usize) {
    let Layer { window, low, high, .. } = job.layer;
    let first = block * LANES;
    let mask = mask(window.channels - first);
    for (&sum, &place) in sums.iter().zip(&job.places[pixel..pixel + M]) {
        let value = clamp(sum, *low, *high);
        // SAFETY: the place plus the channels lies in the output, and the mask leaves out
        // what lies behind the last.
        unsafe { _mm512_mask_storeu_ps(job.output.add(place as usize + first), mask, value) }
    }
}
