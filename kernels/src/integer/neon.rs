//! Neon without dot products (Cortex-A53, A72): 8 products an instruction, in 16 bits.
//!
//! Inputs are made signed by flipping the top bit, which the packed bias undoes. A vector of
//! weights holds four outputs by four bytes of a sum. Products of some groups in a row are
//! added in 16 bits before they are widened, as many as their weights cannot make overflow:
//! packing has found out how many ([`Packed::chains`](super::packed::Packed)).

use std::arch::aarch64::*;

use super::{
    neon_finish::{Columns, QUARTERS, Sums, load},
    neon_lanes::{add_pairs, multiply, multiply_add, signed},
    packed::{BLOCK, GROUP, Panel},
    product::Job,
};

/// Groups whose inputs are loaded at once.
const CHUNK: usize = 4;
/// Partial sums of a pixel: two for each of 16 outputs.
type Pairs = [int32x4_t; 2 * QUARTERS];

/// Computes the pixels of a job.
///
/// # Safety
///
/// The job keeps what [`Job`] promises, and its layer was packed for this instruction set.
#[target_feature(enable = "neon")]
pub(super) unsafe fn product(job: &Job<'_>) {
    let (packed, finish) = (&job.layer.packed, &job.layer.finish);
    for block in 0..packed.outputs.div_ceil(BLOCK) {
        let mut pixel = job.from;
        // SAFETY: every tile ends within the job's pixels; lists are padded to blocks.
        unsafe {
            let columns = Columns::new(finish, &packed.zero, block * BLOCK, packed.outputs);
            while pixel + 2 <= job.to {
                tile::<2>(job, &columns, block, pixel);
                pixel += 2;
            }
            if pixel < job.to {
                tile::<1>(job, &columns, block, pixel);
            }
        }
    }
}

/// Some pixels by one block of outputs.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn tile<const TALL: usize>(
    job: &Job<'_>,
    columns: &Columns<'_>,
    block: usize,
    pixel: usize,
) {
    let packed = &job.layer.packed;
    // SAFETY: the pixels and the block are the job's; there is a panel for each group of
    // each run and a chain for each chunk.
    unsafe {
        let origins = origins::<TALL>(job, pixel);
        let mut sums = [[vdupq_n_s32(0); 2 * QUARTERS]; TALL];
        let mut panel = packed.panels.as_ptr().add(block * packed.groups());
        let mut chain = packed.chains.as_ptr().add(block * packed.chunks());
        for run in &job.layer.geometry.runs {
            let mut from = origins.map(|origin| origin.add(run.offset));
            let mut left = run.len.div_ceil(GROUP);
            while left >= CHUNK {
                match *chain {
                    4 => chunk::<TALL, 4, 4>(&mut sums, from, panel),
                    2 => chunk::<TALL, 4, 2>(&mut sums, from, panel),
                    _ => chunk::<TALL, 4, 1>(&mut sums, from, panel),
                }
                from = from.map(|from| from.add(CHUNK * GROUP));
                (panel, chain, left) = (panel.add(CHUNK), chain.add(1), left - CHUNK);
            }
            if left > 0 {
                match (left, *chain) {
                    (1, _) => chunk::<TALL, 1, 1>(&mut sums, from, panel),
                    (2, 1) => chunk::<TALL, 2, 1>(&mut sums, from, panel),
                    (2, _) => chunk::<TALL, 2, 2>(&mut sums, from, panel),
                    (_, 1) => chunk::<TALL, 3, 1>(&mut sums, from, panel),
                    (_, 2) => chunk::<TALL, 3, 2>(&mut sums, from, panel),
                    _ => chunk::<TALL, 3, 4>(&mut sums, from, panel),
                }
                (panel, chain) = (panel.add(left), chain.add(1));
            }
        }
        let bias = load(&packed.bias, block * BLOCK);
        let joined = sums.map(|pairs| {
            let joined = |at: usize| vpaddq_s32(pairs[2 * at], pairs[2 * at + 1]);
            std::array::from_fn(|at| vaddq_s32(joined(at), bias[at]))
        });
        put(job, columns, pixel, joined);
    }
}

/// Up to four groups, whose products are added in 16 bits `CHAIN` at a time.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn chunk<const TALL: usize, const GROUPS: usize, const CHAIN: usize>(
    sums: &mut [Pairs; TALL],
    from: [*const u8; TALL],
    panel: *const Panel,
) {
    // SAFETY: groups lie in a run or in the slack behind it, and each has its panel.
    unsafe {
        let fours = from.map(|from| broadcast(signed(from)));
        quarter::<TALL, GROUPS, CHAIN, 0>(sums, &fours, panel);
        quarter::<TALL, GROUPS, CHAIN, 1>(sums, &fours, panel);
        quarter::<TALL, GROUPS, CHAIN, 2>(sums, &fours, panel);
        quarter::<TALL, GROUPS, CHAIN, 3>(sums, &fours, panel);
    }
}

/// Quarter `AT` of the outputs.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn quarter<const TALL: usize, const GROUPS: usize, const CHAIN: usize, const AT: usize>(
    sums: &mut [Pairs; TALL],
    fours: &[[int8x16_t; CHUNK]; TALL],
    panel: *const Panel,
) {
    // SAFETY: there is a panel for each group.
    let weights: [int8x16_t; GROUPS] = std::array::from_fn(|group| unsafe {
        vld1q_s8(panel.add(group).cast::<i8>().add(AT * BLOCK))
    });
    for first in (0..GROUPS).step_by(CHAIN) {
        let mut products = [(vdupq_n_s16(0), vdupq_n_s16(0)); TALL];
        for group in first..GROUPS.min(first + CHAIN) {
            for row in 0..TALL {
                products[row] = if group == first {
                    multiply(weights[group], fours[row][group])
                } else {
                    multiply_add(products[row], weights[group], fours[row][group])
                };
            }
        }
        for (sums, (low, high)) in sums.iter_mut().zip(products) {
            let pairs = (sums[2 * AT], sums[2 * AT + 1]);
            (sums[2 * AT], sums[2 * AT + 1]) = add_pairs(pairs, low, high);
        }
    }
}

/// Each of four groups in all lanes of a register.
#[inline]
#[target_feature(enable = "neon")]
fn broadcast(x: int8x16_t) -> [int8x16_t; CHUNK] {
    let x = vreinterpretq_s32_s8(x);
    [
        vreinterpretq_s8_s32(vdupq_laneq_s32::<0>(x)),
        vreinterpretq_s8_s32(vdupq_laneq_s32::<1>(x)),
        vreinterpretq_s8_s32(vdupq_laneq_s32::<2>(x)),
        vreinterpretq_s8_s32(vdupq_laneq_s32::<3>(x)),
    ]
}

/// First inputs of some pixels.
///
/// # Safety
///
/// The pixels are the job's.
#[inline]
#[target_feature(enable = "neon")]
pub(super) unsafe fn origins<const TALL: usize>(job: &Job<'_>, pixel: usize) -> [*const u8; TALL] {
    let origins = &job.layer.geometry.origins;
    // SAFETY: what the caller promises.
    std::array::from_fn(|row| unsafe {
        job.input.add(*origins.get_unchecked(pixel + row) as usize)
    })
}

/// Finishes and writes the sums of some pixels.
///
/// # Safety
///
/// The pixels and the block are the job's.
#[inline]
#[target_feature(enable = "neon")]
pub(super) unsafe fn put<const TALL: usize>(
    job: &Job<'_>,
    columns: &Columns<'_>,
    pixel: usize,
    mut sums: [Sums; TALL],
) {
    // SAFETY: what the caller promises.
    unsafe {
        if columns.needs_totals() {
            for (row, sums) in sums.iter_mut().enumerate() {
                let totals = [vdupq_n_s32(total(job, pixel + row)); QUARTERS];
                *sums = columns.without_zero(*sums, totals);
            }
        }
        columns.put(job.target, job.layer.geometry.places.as_ptr().add(pixel), sums);
    }
}

/// Sum of the inputs of one pixel.
#[cold]
#[inline(never)]
#[target_feature(enable = "neon")]
unsafe fn total(job: &Job<'_>, pixel: usize) -> i32 {
    // SAFETY: the pixel is the job's, and its runs lie in the input.
    let [from] = unsafe { origins::<1>(job, pixel) };
    let of_run = |run: &crate::Run| {
        // SAFETY: the same.
        let x = unsafe { std::slice::from_raw_parts(from.add(run.offset), run.len) };
        x.iter().map(|&x| i32::from(x)).sum::<i32>()
    };
    job.layer.geometry.runs.iter().map(of_run).sum()
}
