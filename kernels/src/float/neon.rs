//! Float kernels for Neon: sixteen outputs or channels of four pixels, in registers.

use std::arch::aarch64::*;

use super::{
    depthwise,
    lanes::{LANES, Lanes},
    product::Job,
};

/// Values per register.
const QUARTER: usize = 4;
/// Registers of a block.
const QUARTERS: usize = LANES / QUARTER;
/// Pixels of a tile.
const TALL: usize = 4;

/// Sixteen sums.
type Sums = [float32x4_t; QUARTERS];

/// # Safety
///
/// The lengths that [`Job`] promises.
#[target_feature(enable = "neon")]
pub(super) unsafe fn product(job: &Job<'_>) {
    let count = job.origins.len();
    for block in 0..job.layer.bias.len() {
        let mut pixel = 0;
        // SAFETY: the tiles end at `count`, and the caller's promises are the same.
        unsafe {
            while pixel + TALL <= count {
                tile::<TALL>(job, pixel, block);
                pixel += TALL;
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
#[target_feature(enable = "neon")]
unsafe fn tile<const M: usize>(job: &Job<'_>, pixel: usize, block: usize) {
    let layer = job.layer;
    // SAFETY: the pixels and the block exist; origins plus runs lie in the input, there are
    // weights for each element of the runs, and places plus outputs lie in the output.
    unsafe {
        let origins: [*const f32; M] = std::array::from_fn(|row| {
            job.input.add(*job.origins.get_unchecked(pixel + row) as usize)
        });
        let mut sums = [quarters(layer.bias.as_ptr().add(block)); M];
        let mut panel = layer.panels.as_ptr().add(block * layer.depth);
        for run in job.runs {
            let mut from = origins.map(|origin| origin.add(run.offset));
            let mut left = run.len;
            while left >= QUARTER {
                four(&mut sums, from.map(|from| vld1q_f32(from)), panel);
                from = from.map(|from| from.add(QUARTER));
                (panel, left) = (panel.add(QUARTER), left - QUARTER);
            }
            while left > 0 {
                step::<M, 0>(&mut sums, from.map(|from| vld1q_dup_f32(from)), panel);
                from = from.map(|from| from.add(1));
                (panel, left) = (panel.add(1), left - 1);
            }
        }
        let left = layer.outputs - block * LANES;
        for (row, sums) in sums.into_iter().enumerate() {
            let place = *job.places.get_unchecked(pixel + row) as usize;
            store(sums, job.output.add(place + block * LANES), left, layer.low, layer.high);
        }
    }
}

/// Four elements of each pixel.
///
/// # Safety
///
/// There are weights for four elements.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn four<const M: usize>(sums: &mut [Sums; M], x: [float32x4_t; M], panel: *const Lanes) {
    // SAFETY: what the caller promises.
    unsafe {
        step::<M, 0>(sums, x, panel);
        step::<M, 1>(sums, x, panel.add(1));
        step::<M, 2>(sums, x, panel.add(2));
        step::<M, 3>(sums, x, panel.add(3));
    }
}

/// The element in lane `K` of each pixel.
///
/// # Safety
///
/// There are weights.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn step<const M: usize, const K: i32>(
    sums: &mut [Sums; M],
    x: [float32x4_t; M],
    weights: *const Lanes,
) {
    // SAFETY: what the caller promises.
    let weights = unsafe { quarters(weights) };
    for (sums, x) in sums.iter_mut().zip(x) {
        sums[0] = vfmaq_laneq_f32::<K>(sums[0], weights[0], x);
        sums[1] = vfmaq_laneq_f32::<K>(sums[1], weights[1], x);
        sums[2] = vfmaq_laneq_f32::<K>(sums[2], weights[2], x);
        sums[3] = vfmaq_laneq_f32::<K>(sums[3], weights[3], x);
    }
}

/// # Safety
///
/// The lanes may be read.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn quarters(lanes: *const Lanes) -> Sums {
    // SAFETY: what the caller promises.
    unsafe { sixteen(lanes.cast()) }
}

/// # Safety
///
/// Sixteen values may be read.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn sixteen(from: *const f32) -> Sums {
    // SAFETY: what the caller promises.
    unsafe {
        [vld1q_f32(from), vld1q_f32(from.add(4)), vld1q_f32(from.add(8)), vld1q_f32(from.add(12))]
    }
}

/// Clamps and writes the first `count` values, at most all. A NaN becomes `low`.
///
/// # Safety
///
/// `count` values may be written at `to`.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn store(values: Sums, to: *mut f32, count: usize, low: f32, high: f32) {
    let (low, high) = (vdupq_n_f32(low), vdupq_n_f32(high));
    let values = values.map(|value| vminnmq_f32(vmaxnmq_f32(value, low), high));
    let mut lanes = Lanes::ZERO;
    // SAFETY: the lanes are as long as four registers, and no more than `count` values are
    // written at `to`, whose memory is not that of the lanes.
    unsafe {
        let all = if count >= LANES { to } else { lanes.0.as_mut_ptr() };
        for (at, value) in values.into_iter().enumerate() {
            vst1q_f32(all.add(at * QUARTER), value);
        }
        if count < LANES {
            to.copy_from_nonoverlapping(lanes.0.as_ptr(), count);
        }
    }
}

/// # Safety
///
/// The lengths that [`depthwise::Job`] promises.
#[target_feature(enable = "neon")]
pub(super) unsafe fn depthwise(job: &depthwise::Job<'_>) {
    let count = job.origins.len();
    for block in 0..job.layer.bias.len() {
        let mut pixel = 0;
        // SAFETY: the pixels and blocks exist, and the caller's promises are the same.
        unsafe {
            while pixel + TALL <= count {
                channels::<TALL>(job, pixel, block);
                pixel += TALL;
            }
            while pixel < count {
                channels::<1>(job, pixel, block);
                pixel += 1;
            }
        }
    }
}

/// 16 channels of `M` pixels; values behind the last channel are read and dropped.
///
/// # Safety
///
/// As for [`depthwise`]; the pixels and the block exist.
#[target_feature(enable = "neon")]
unsafe fn channels<const M: usize>(job: &depthwise::Job<'_>, pixel: usize, block: usize) {
    let depthwise::Layer { window, weights, bias, low, high } = job.layer;
    let (first, taps) = (block * LANES, window.taps.len());
    // SAFETY: origins plus taps plus the block lie in the input and the slack behind it, and
    // places plus the channels in the output.
    unsafe {
        let from: [*const f32; M] = std::array::from_fn(|row| {
            job.input.add(*job.origins.get_unchecked(pixel + row) as usize + first)
        });
        let mut sums = [quarters(bias.as_ptr().add(block)); M];
        let weights = weights.as_ptr().add(block * taps);
        for (at, &tap) in window.taps.iter().enumerate() {
            let weights = quarters(weights.add(at));
            for (sums, from) in sums.iter_mut().zip(from) {
                let x = sixteen(from.add(tap));
                sums[0] = vfmaq_f32(sums[0], x[0], weights[0]);
                sums[1] = vfmaq_f32(sums[1], x[1], weights[1]);
                sums[2] = vfmaq_f32(sums[2], x[2], weights[2]);
                sums[3] = vfmaq_f32(sums[3], x[3], weights[3]);
            }
        }
        let left = window.channels - first;
        for (row, sums) in sums.into_iter().enumerate() {
            let place = *job.places.get_unchecked(pixel + row) as usize;
            store(sums, job.output.add(place + first), left, *low, *high);
        }
    }
}
