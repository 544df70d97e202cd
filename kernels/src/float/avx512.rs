//! Products for AVX-512.
//!
//! A tile keeps the sums of several pixels times several blocks of 16 outputs in registers
//! and goes once through the depth: per step one load per block of weights, one broadcast
//! per pixel, and a multiply-add for each pair.

use std::arch::x86_64::{
    __m512, __mmask16, _mm512_add_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_mask_storeu_ps,
    _mm512_max_ps, _mm512_min_ps, _mm512_set1_ps, _mm512_setzero_ps,
};

use super::{
    lanes::LANES,
    product::{Job, Layer},
    unrolled::unrolled,
};

/// # Safety
///
/// The lengths that [`Job`] promises, and AVX-512.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
pub(super) unsafe fn product(job: &Job<'_>) {
    let blocks = job.layer.bias.len();
    let mut block = 0;
    while block < blocks {
        // Five blocks are three and two rather than four and one: a tile of one block
        // reads more than it computes.
        let count = match blocks - block {
            5 => 3,
            left => left.min(4),
        };
        // SAFETY: the blocks exist, and the caller's promises are the same.
        unsafe {
            match count {
                4 => pixels::<4, 6>(job, block),
                3 => pixels::<3, 8>(job, block),
                2 => pixels::<2, 12>(job, block),
                _ => pixels::<1, 12>(job, block),
            }
        }
        block += count;
    }
}

/// All pixels of `N` blocks, at most `M` at once.
///
/// # Safety
///
/// As for [`product`]; the blocks exist.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
unsafe fn pixels<const N: usize, const M: usize>(job: &Job<'_>, block: usize) {
    let count = job.origins.len();
    let mut pixel = 0;
    // SAFETY: the tiles end at `count`, and the caller's promises are the same.
    unsafe {
        while pixel + M <= count {
            tile::<N, M>(job, pixel, block);
            pixel += M;
        }
        // What is left ends with the last pixel: computing one twice costs less than many
        // small tiles.
        match count - pixel {
            0 => {}
            _ if count >= M => tile::<N, M>(job, count - M, block),
            _ => {
                while pixel + 4 <= count {
                    tile::<N, 4>(job, pixel, block);
                    pixel += 4;
                }
                while pixel < count {
                    tile::<N, 1>(job, pixel, block);
                    pixel += 1;
                }
            }
        }
    }
}

/// # Safety
///
/// As for [`product`]; pixels `pixel..pixel + M` and blocks `block..block + N` exist.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
unsafe fn tile<const N: usize, const M: usize>(job: &Job<'_>, pixel: usize, block: usize) {
    let layer = job.layer;
    let origins = &job.origins[pixel..pixel + M];
    let panel = layer.depth * LANES;
    let mut sums = [[_mm512_setzero_ps(); M]; N];
    // SAFETY: `block` is one of the layer's, so its panel begins inside `panels`.
    let mut weights = unsafe { layer.panels.as_ptr().cast::<f32>().add(block * panel) };
    for run in job.runs {
        let mut inputs = [job.input; M];
        unrolled!(m in [0 1 2 3 4 5 6 7 8 9 10 11] below M {
            // SAFETY: origin plus run lies in the input.
            inputs[m] = unsafe { job.input.add(origins[m] as usize + run.offset) };
        });
        for k in 0..run.len {
            let mut lanes = [_mm512_setzero_ps(); N];
            unrolled!(n in [0 1 2 3] below N {
                // SAFETY: the runs together are as long as a panel.
                lanes[n] = unsafe { _mm512_loadu_ps(weights.add(n * panel)) };
            });
            unrolled!(m in [0 1 2 3 4 5 6 7 8 9 10 11] below M {
                // SAFETY: k is inside the run.
                let value = _mm512_set1_ps(unsafe { *inputs[m].add(k) });
                unrolled!(n in [0 1 2 3] below N {
                    let sum = &mut sums[n][m];
                    *sum = _mm512_fmadd_ps(value, lanes[n], *sum);
                });
            });
            // SAFETY: at most one past the end of the panel.
            weights = unsafe { weights.add(LANES) };
        }
    }
    let places = &job.places[pixel..pixel + M];
    unrolled!(n in [0 1 2 3] below N {
        unrolled!(m in [0 1 2 3 4 5 6 7 8 9 10 11] below M {
            // SAFETY: the place plus all outputs lies in the output.
            unsafe {
                let to = job.output.add(places[m] as usize);
                store(sums[n][m], to, layer, block + n);
            }
        });
    });
}

/// Adds the bias, clamps, and writes those outputs of the block that exist.
///
/// # Safety
///
/// AVX-512; all outputs of the layer may be written at `to`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
unsafe fn store(sum: __m512, to: *mut f32, layer: &Layer, block: usize) {
    let first = block * LANES;
    // SAFETY: a block of the bias is as long as a register.
    let bias = unsafe { _mm512_loadu_ps(layer.bias[block].0.as_ptr()) };
    let value = clamp(_mm512_add_ps(sum, bias), layer.low, layer.high);
    // SAFETY: the mask leaves out the lanes behind the last output.
    unsafe { _mm512_mask_storeu_ps(to.add(first), mask(layer.outputs - first), value) }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn clamp(value: __m512, low: f32, high: f32) -> __m512 {
    _mm512_min_ps(_mm512_max_ps(value, _mm512_set1_ps(low)), _mm512_set1_ps(high))
}

/// The lowest `count` lanes, at most all.
pub(super) fn mask(count: usize) -> __mmask16 {
    if count >= LANES { __mmask16::MAX } else { (1 << count) - 1 }
}
