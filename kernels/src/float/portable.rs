//! Both float kernels in plain Rust: the reference, and what Neon is compiled from.

use super::{
    depthwise,
    lanes::{LANES, Lanes},
    product::{Job, Layer},
};

/// Pixels per tile: with 16 outputs each, 16 Neon registers of sums.
const PIXELS: usize = 4;

/// # Safety
///
/// The lengths that [`Job`] promises.
pub(super) unsafe fn product(job: &Job<'_>) {
    let pixels = job.origins.len();
    for block in 0..job.layer.bias.len() {
        let whole = pixels / PIXELS * PIXELS;
        for pixel in (0..whole).step_by(PIXELS) {
            // SAFETY: the pixels and the block exist, and the caller checked the lengths.
            unsafe { tile::<PIXELS>(job, pixel, block) }
        }
        for pixel in whole..pixels {
            // SAFETY: the same.
            unsafe { tile::<1>(job, pixel, block) }
        }
    }
}

/// # Safety
///
/// As for [`product`]; pixels `pixel..pixel + P` and the block exist.
unsafe fn tile<const P: usize>(job: &Job<'_>, pixel: usize, block: usize) {
    let layer = job.layer;
    let mut sums = [layer.bias[block].0; P];
    let mut panel = layer.panels[block * layer.depth..(block + 1) * layer.depth].iter();
    let origins = &job.origins[pixel..pixel + P];
    for run in job.runs {
        for (k, weights) in (run.offset..run.offset + run.len).zip(&mut panel) {
            for (sum, &origin) in sums.iter_mut().zip(origins) {
                // SAFETY: origin plus run lies in the input.
                let value = unsafe { *job.input.add(origin as usize + k) };
                accumulate(sum, value, weights);
            }
        }
    }
    for (sum, &place) in sums.iter().zip(&job.places[pixel..pixel + P]) {
        // SAFETY: the place plus all outputs lies in the output.
        unsafe { store(sum, job.output.add(place as usize + block * LANES), layer, block) }
    }
}

#[inline(always)]
fn accumulate(sum: &mut [f32; LANES], value: f32, weights: &Lanes) {
    for (sum, &weight) in sum.iter_mut().zip(&weights.0) {
        *sum = multiply_add(value, weight, *sum);
    }
}

/// Fused where that is one instruction on every processor of the target.
#[inline(always)]
pub(super) fn multiply_add(a: f32, b: f32, sum: f32) -> f32 {
    if cfg!(target_arch = "aarch64") { a.mul_add(b, sum) } else { a * b + sum }
}

/// # Safety
///
/// The outputs of the block that exist may be written at `to`.
unsafe fn store(sum: &[f32; LANES], to: *mut f32, layer: &Layer, block: usize) {
    let count = (layer.outputs - block * LANES).min(LANES);
    for (n, &sum) in sum.iter().take(count).enumerate() {
        // SAFETY: n is below the number of outputs left in this block.
        unsafe { *to.add(n) = clamp(sum, layer.low, layer.high) }
    }
}

/// As the processors' minimum and maximum: a NaN becomes `low`.
#[inline(always)]
pub(super) fn clamp(value: f32, low: f32, high: f32) -> f32 {
    let value = if value > low { value } else { low };
    if value < high { value } else { high }
}

/// # Safety
///
/// The lengths that [`depthwise::Job`] promises.
pub(super) unsafe fn depthwise(job: &depthwise::Job<'_>) {
    for (&origin, &place) in job.origins.iter().zip(job.places) {
        for block in 0..job.layer.bias.len() {
            // SAFETY: the pixel and the block exist, and the caller checked the lengths.
            unsafe { channels(job, origin as usize, place as usize, block) }
        }
    }
}

/// Up to 16 channels of one pixel.
///
/// # Safety
///
/// As for [`depthwise`]; the pixel is one of the window's and the block exists.
unsafe fn channels(job: &depthwise::Job<'_>, origin: usize, place: usize, block: usize) {
    let depthwise::Layer { window, weights, bias, low, high } = job.layer;
    let (first, taps) = (block * LANES, window.taps.len());
    let count = (window.channels - first).min(LANES);
    let mut sums = bias[block].0;
    for (tap, weights) in window.taps.iter().zip(&weights[block * taps..(block + 1) * taps]) {
        for (c, sum) in sums.iter_mut().enumerate().take(count) {
            // SAFETY: origin plus tap plus any channel lies in the input.
            let value = unsafe { *job.input.add(origin + tap + first + c) };
            *sum = multiply_add(value, weights.0[c], *sum);
        }
    }
    for (c, &sum) in sums.iter().enumerate().take(count) {
        // SAFETY: the place plus any channel lies in the output.
        unsafe { *job.output.add(place + first + c) = clamp(sum, *low, *high) }
    }
}
