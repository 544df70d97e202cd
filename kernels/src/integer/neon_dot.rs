//! Neon with dot products (Cortex-A76, A78AE): four sums of four products an instruction.
//!
//! The instruction takes its second operand from one lane, so sixteen inputs of a pixel are
//! loaded once and serve four groups. It multiplies signed by signed: the top bit of the
//! inputs is flipped, which the packed bias undoes. The intrinsics are not stable yet, the
//! instruction is written out.

use std::arch::{aarch64::*, asm};

use super::{
    neon::{origins, put},
    neon_finish::{Columns, QUARTERS, Sums, load},
    neon_lanes::signed,
    packed::{BLOCK, GROUP, Panel},
    product::Job,
};

/// Groups whose inputs are loaded at once.
const CHUNK: usize = 4;
/// Pixels of the tallest tile: 16 registers of sums.
const TALLEST: usize = 4;

/// Computes the pixels of a job.
///
/// # Safety
///
/// The job keeps what [`Job`] promises, its layer was packed for this instruction set, and
/// the processor has it.
#[target_feature(enable = "neon,dotprod")]
pub(super) unsafe fn product(job: &Job<'_>) {
    let (packed, finish) = (&job.layer.packed, &job.layer.finish);
    for block in 0..packed.outputs.div_ceil(BLOCK) {
        let mut pixel = job.from;
        // SAFETY: every tile ends within the job's pixels; lists are padded to blocks.
        unsafe {
            let columns = Columns::new(finish, &packed.zero, block * BLOCK, packed.outputs);
            while pixel < job.to {
                pixel += match job.to - pixel {
                    TALLEST.. => tile::<TALLEST>(job, &columns, block, pixel),
                    2.. => tile::<2>(job, &columns, block, pixel),
                    _ => tile::<1>(job, &columns, block, pixel),
                };
            }
        }
    }
}

/// Some pixels by one block of outputs; gives the number of pixels.
#[inline]
#[target_feature(enable = "neon,dotprod")]
unsafe fn tile<const TALL: usize>(
    job: &Job<'_>,
    columns: &Columns<'_>,
    block: usize,
    pixel: usize,
) -> usize {
    let packed = &job.layer.packed;
    // SAFETY: the pixels and the block are the job's; there is a panel for each group of
    // each run.
    unsafe {
        let origins = origins::<TALL>(job, pixel);
        let mut sums = [load(&packed.bias, block * BLOCK); TALL];
        let mut panel = packed.panels.as_ptr().add(block * packed.groups());
        for run in &job.layer.geometry.runs {
            let mut from = origins.map(|origin| origin.add(run.offset));
            let mut left = run.len.div_ceil(GROUP);
            while left >= CHUNK {
                chunk::<TALL, CHUNK>(&mut sums, from, panel);
                from = from.map(|from| from.add(CHUNK * GROUP));
                (panel, left) = (panel.add(CHUNK), left - CHUNK);
            }
            match left {
                1 => chunk::<TALL, 1>(&mut sums, from, panel),
                2 => chunk::<TALL, 2>(&mut sums, from, panel),
                3 => chunk::<TALL, 3>(&mut sums, from, panel),
                _ => {}
            }
            panel = panel.add(left);
        }
        put(job, columns, pixel, sums);
    }
    TALL
}

/// Up to four groups.
#[inline]
#[target_feature(enable = "neon,dotprod")]
unsafe fn chunk<const TALL: usize, const GROUPS: usize>(
    sums: &mut [Sums; TALL],
    from: [*const u8; TALL],
    panel: *const Panel,
) {
    // SAFETY: groups lie in a run or in the slack behind it, and each has its panel.
    unsafe {
        let x = from.map(|from| signed(from));
        group::<TALL, 0>(sums, &x, panel);
        if GROUPS > 1 {
            group::<TALL, 1>(sums, &x, panel.add(1));
        }
        if GROUPS > 2 {
            group::<TALL, 2>(sums, &x, panel.add(2));
        }
        if GROUPS > 3 {
            group::<TALL, 3>(sums, &x, panel.add(3));
        }
    }
}

#[inline]
#[target_feature(enable = "neon,dotprod")]
unsafe fn group<const TALL: usize, const LANE: i32>(
    sums: &mut [Sums; TALL],
    x: &[int8x16_t; TALL],
    panel: *const Panel,
) {
    for at in 0..QUARTERS {
        // SAFETY: a panel has four quarters.
        let weights = unsafe { vld1q_s8(panel.cast::<i8>().add(at * BLOCK)) };
        for (sums, &x) in sums.iter_mut().zip(x) {
            sums[at] = dot::<LANE>(sums[at], weights, x);
        }
    }
}

/// Adds to each of four sums four products with the bytes in one lane of `x`.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn dot<const LANE: i32>(mut sum: int32x4_t, weights: int8x16_t, x: int8x16_t) -> int32x4_t {
    // SAFETY: the instruction touches only its registers, and the processor has it.
    unsafe {
        asm!(
            "sdot {sum:v}.4s, {weights:v}.16b, {x:v}.4b[{lane}]",
            sum = inout(vreg) sum,
            weights = in(vreg) weights,
            x = in(vreg) x,
            lane = const LANE,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sum
}
