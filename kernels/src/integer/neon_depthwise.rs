//! Depthwise convolution with Neon: sixteen channels of four pixels.
//!
//! A dot product would need taps interleaved, which costs more than it saves: this serves
//! processors with and without it.

use std::arch::aarch64::*;

use super::{
    depthwise::Job,
    neon_finish::{Columns, QUARTERS, Sums, load},
    neon_lanes::{add_words, multiply, multiply_add, signed},
    packed::BLOCK,
    strips::{LONGEST, Sixteen, Strips},
};

/// Pixels of a tile.
const TALL: usize = 4;
/// Columns that a tile reads at most: pixels two apart, and a strip.
const COLUMNS: usize = 2 * (TALL - 1) + LONGEST;

/// Computes the pixels of a job.
///
/// # Safety
///
/// The job keeps what [`Job`] promises, and the strips are those of its filter.
#[target_feature(enable = "neon")]
pub(super) unsafe fn depthwise(job: &Job<'_>, strips: &Strips) {
    let filter = job.filter;
    for first in (0..filter.window.channels).step_by(BLOCK) {
        // SAFETY: every tile ends within the job's pixels; lists are padded to blocks.
        unsafe {
            let channels = filter.window.channels;
            let columns = Columns::new(&filter.finish, &filter.zero, first, channels);
            let mut pixel = job.from;
            while pixel + TALL <= job.to {
                match shared(job, strips, pixel) {
                    1 => tile::<TALL, 1>(job, strips, &columns, first, pixel),
                    2 => tile::<TALL, 2>(job, strips, &columns, first, pixel),
                    _ => tile::<TALL, 0>(job, strips, &columns, first, pixel),
                }
                pixel += TALL;
            }
            while pixel < job.to {
                tile::<1, 0>(job, strips, &columns, first, pixel);
                pixel += 1;
            }
        }
    }
}

/// How many pitches the origins of a tile's pixels lie apart; 0 where they do not share
/// columns, such as at the end of a row.
#[inline]
unsafe fn shared(job: &Job<'_>, strips: &Strips, pixel: usize) -> usize {
    let origins = &job.filter.window.origins;
    // SAFETY: the pixels are the job's.
    let origin = |row: usize| unsafe { *origins.get_unchecked(pixel + row) as usize };
    let step = strips.stride * strips.pitch;
    if (1..TALL).all(|row| origin(row) == origin(0) + row * step) { strips.stride } else { 0 }
}

/// `ROWS` pixels whose origins are `STRIDE` pitches apart, or anywhere if that is 0.
#[target_feature(enable = "neon")]
unsafe fn tile<const ROWS: usize, const STRIDE: usize>(
    job: &Job<'_>,
    strips: &Strips,
    columns: &Columns<'_>,
    first: usize,
    pixel: usize,
) {
    let (window, block) = (&job.filter.window, first / BLOCK);
    // SAFETY: the pixels and channels are the job's, there are weights for every tap and
    // chains for every strip.
    unsafe {
        let from: [*const u8; ROWS] = std::array::from_fn(|row| {
            job.input.add(*window.origins.get_unchecked(pixel + row) as usize + first)
        });
        let mut sums = [load(&job.filter.bias, first); ROWS];
        let mut weights = strips.weights.as_ptr().add(block * window.taps.len());
        let mut chain = strips.chains.as_ptr().add(block * strips.list.len());
        for strip in &strips.list {
            let from = from.map(|from| from.add(strip.tap));
            let pitch = strips.pitch;
            match (strip.len, *chain) {
                (3, 3) => taps::<ROWS, STRIDE, 3, 3>(&mut sums, from, pitch, weights),
                (3, 2) => taps::<ROWS, STRIDE, 3, 2>(&mut sums, from, pitch, weights),
                (3, _) => taps::<ROWS, STRIDE, 3, 1>(&mut sums, from, pitch, weights),
                (2, 1) => taps::<ROWS, STRIDE, 2, 1>(&mut sums, from, pitch, weights),
                (2, _) => taps::<ROWS, STRIDE, 2, 2>(&mut sums, from, pitch, weights),
                _ => taps::<ROWS, STRIDE, 1, 1>(&mut sums, from, pitch, weights),
            }
            (weights, chain) = (weights.add(strip.len), chain.add(1));
        }
        if columns.needs_totals() {
            for (sums, from) in sums.iter_mut().zip(from) {
                *sums = columns.without_zero(*sums, totals(from, &window.taps));
            }
        }
        columns.put(job.target, window.places.as_ptr().add(pixel), sums);
    }
}

/// Adds the products of a strip, `CHAIN` of them together in 16 bits.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn taps<const ROWS: usize, const STRIDE: usize, const LEN: usize, const CHAIN: usize>(
    sums: &mut [Sums; ROWS],
    from: [*const u8; ROWS],
    pitch: usize,
    weights: *const Sixteen,
) {
    // SAFETY: a tap's channels and the slack behind them lie in the input; there are
    // weights for each tap of the strip.
    unsafe {
        let weights: [int8x16_t; LEN] =
            std::array::from_fn(|tap| vld1q_s8(weights.add(tap).cast()));
        let mut columns = [vdupq_n_s8(0); COLUMNS];
        if STRIDE > 0 {
            for (at, column) in columns.iter_mut().enumerate().take(STRIDE * (ROWS - 1) + LEN) {
                *column = signed(from[0].add(at * pitch));
            }
        }
        for row in 0..ROWS {
            let input = |tap: usize| {
                if STRIDE > 0 {
                    columns[row * STRIDE + tap]
                } else {
                    signed(from[row].add(tap * pitch))
                }
            };
            let mut products = multiply(weights[0], input(0));
            if LEN > 1 {
                products = if CHAIN > 1 {
                    multiply_add(products, weights[1], input(1))
                } else {
                    sums[row] = add_words(sums[row], products);
                    multiply(weights[1], input(1))
                };
            }
            if LEN > 2 {
                products = if CHAIN > 2 {
                    multiply_add(products, weights[2], input(2))
                } else {
                    sums[row] = add_words(sums[row], products);
                    multiply(weights[2], input(2))
                };
            }
            sums[row] = add_words(sums[row], products);
        }
    }
}

/// Sums of the inputs of sixteen channels.
///
/// # Safety
///
/// Each tap from here lies in the input.
#[cold]
#[inline(never)]
#[target_feature(enable = "neon")]
unsafe fn totals(from: *const u8, taps: &[usize]) -> Sums {
    let mut totals = [vdupq_n_u32(0); QUARTERS];
    for &tap in taps {
        // SAFETY: what the caller promises.
        let x = unsafe { vld1q_u8(from.add(tap)) };
        for (at, half) in [vmovl_u8(vget_low_u8(x)), vmovl_high_u8(x)].into_iter().enumerate() {
            totals[2 * at] = vaddw_u16(totals[2 * at], vget_low_u16(half));
            totals[2 * at + 1] = vaddw_high_u16(totals[2 * at + 1], half);
        }
    }
    totals.map(|total| vreinterpretq_s32_u32(total))
}
