//! Float kernels for AVX2 with FMA: the tiles of AVX-512 with two registers per block.

use std::arch::x86_64::{
    __m256, _mm256_add_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_max_ps, _mm256_min_ps,
    _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps,
};

use super::{
    depthwise,
    lanes::{LANES, Lanes},
    product::Job,
};

/// Values per register.
const HALF: usize = LANES / 2;

/// # Safety
///
/// The lengths that [`Job`] promises, and AVX2 with FMA.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn product(job: &Job<'_>) {
    const PIXELS: usize = 6;
    let count = job.origins.len();
    for block in 0..job.layer.bias.len() {
        let mut pixel = 0;
        // SAFETY: the tiles end at `count`, and the caller's promises are the same.
        unsafe {
            while pixel + PIXELS <= count {
                tile::<PIXELS>(job, pixel, block);
                pixel += PIXELS;
            }
            if pixel < count && count >= PIXELS {
                // Computing some pixels twice costs less than tiles of one.
                tile::<PIXELS>(job, count - PIXELS, block);
                pixel = count;
            }
            while pixel < count {
                tile::<1>(job, pixel, block);
                pixel += 1;
            }
        }
    }
}

/// # Safety
///
/// As for [`product`]; pixels `pixel..pixel + M` and the block exist.
#[target_feature(enable = "avx2,fma")]
unsafe fn tile<const M: usize>(job: &Job<'_>, pixel: usize, block: usize) {
    let layer = job.layer;
    let origins = &job.origins[pixel..pixel + M];
    let mut panel = layer.panels[block * layer.depth..(block + 1) * layer.depth].iter();
    let mut sums = [[_mm256_setzero_ps(); 2]; M];
    for run in job.runs {
        for (k, weights) in (run.offset..run.offset + run.len).zip(&mut panel) {
            let weights = halves(weights);
            for (sums, &origin) in sums.iter_mut().zip(origins) {
                // SAFETY: origin plus run lies in the input.
                let value = _mm256_set1_ps(unsafe { *job.input.add(origin as usize + k) });
                sums[0] = _mm256_fmadd_ps(value, weights[0], sums[0]);
                sums[1] = _mm256_fmadd_ps(value, weights[1], sums[1]);
            }
        }
    }
    let bias = halves(&layer.bias[block]);
    let left = layer.outputs - block * LANES;
    for (sums, &place) in sums.iter().zip(&job.places[pixel..pixel + M]) {
        let sums = [_mm256_add_ps(sums[0], bias[0]), _mm256_add_ps(sums[1], bias[1])];
        // SAFETY: the place plus all outputs lies in the output.
        unsafe {
            let to = job.output.add(place as usize + block * LANES);
            store(sums, to, left, layer.low, layer.high);
        }
    }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn halves(lanes: &Lanes) -> [__m256; 2] {
    let from = lanes.0.as_ptr();
    // SAFETY: the lanes are as long as two registers.
    unsafe { [_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(HALF))] }
}

/// Clamps and writes the first `count` values, at most all.
///
/// # Safety
///
/// AVX2; `count` values may be written at `to`.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn store(values: [__m256; 2], to: *mut f32, count: usize, low: f32, high: f32) {
    let (low, high) = (_mm256_set1_ps(low), _mm256_set1_ps(high));
    let values = [
        _mm256_min_ps(_mm256_max_ps(values[0], low), high),
        _mm256_min_ps(_mm256_max_ps(values[1], low), high),
    ];
    let mut lanes = Lanes::ZERO;
    // SAFETY: the lanes are as long as two registers, and no more than `count` values are
    // written at `to`, whose memory is not that of the lanes.
    unsafe {
        if count >= LANES {
            _mm256_storeu_ps(to, values[0]);
            _mm256_storeu_ps(to.add(HALF), values[1]);
        } else {
            _mm256_storeu_ps(lanes.0.as_mut_ptr(), values[0]);
            _mm256_storeu_ps(lanes.0.as_mut_ptr().add(HALF), values[1]);
            to.copy_from_nonoverlapping(lanes.0.as_ptr(), count);
        }
    }
}

/// # Safety
///
/// The lengths that [`depthwise::Job`] promises, and AVX2 with FMA.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn depthwise(job: &depthwise::Job<'_>) {
    const PIXELS: usize = 4;
    let count = job.origins.len();
    let mut pixel = 0;
    // SAFETY: the pixels and blocks exist, and the caller's promises are the same.
    unsafe {
        while pixel + PIXELS <= count {
            for block in 0..job.layer.bias.len() {
                channels::<PIXELS>(job, pixel, block);
            }
            pixel += PIXELS;
        }
        while pixel < count {
            for block in 0..job.layer.bias.len() {
                channels::<1>(job, pixel, block);
            }
            pixel += 1;
        }
    }
}

/// 16 channels of `M` pixels; values behind the last channel are read and dropped.
///
/// # Safety
///
/// As for [`depthwise`]; the pixels and the block exist.
#[target_feature(enable = "avx2,fma")]
unsafe fn channels<const M: usize>(job: &depthwise::Job<'_>, pixel: usize, block: usize) {
    let depthwise::Layer { window, weights, bias, low, high } = job.layer;
    let (first, taps) = (block * LANES, window.taps.len());
    let mut inputs = [job.input; M];
    for (input, &origin) in inputs.iter_mut().zip(&job.origins[pixel..pixel + M]) {
        // SAFETY: origin plus the channels lies in the input.
        *input = unsafe { job.input.add(origin as usize + first) };
    }
    let mut sums = [halves(&bias[block]); M];
    for (tap, weights) in window.taps.iter().zip(&weights[block * taps..(block + 1) * taps]) {
        let weights = halves(weights);
        for (sums, input) in sums.iter_mut().zip(&inputs) {
            // SAFETY: the slack behind the last channel is longer than two registers.
            unsafe {
                let values = _mm256_loadu_ps(input.add(*tap));
                sums[0] = _mm256_fmadd_ps(values, weights[0], sums[0]);
                let values = _mm256_loadu_ps(input.add(tap + HALF));
                sums[1] = _mm256_fmadd_ps(values, weights[1], sums[1]);
            }
        }
    }
    let left = window.channels - first;
    for (sums, &place) in sums.iter().zip(&job.places[pixel..pixel + M]) {
        // SAFETY: the place plus the channels lies in the output.
        unsafe { store(*sums, job.output.add(place as usize + first), left, *low, *high) }
    }
}
