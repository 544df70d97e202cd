//! Advanced SIMD of 32-bit ARM (Cortex-A7, A53 and A72 under a 32-bit system).
//!
//! In assembly, since Rust has no stable intrinsics for it, and its target promises no more
//! than a scalar unit. One pixel by sixteen outputs at a time: four bytes of the input are
//! repeated and multiplied with four of every output's weights, neighbouring products added
//! into 32 bits. Bytes are multiplied as signed ones, so inputs have their top bit flipped.
//!
//! Registers d0 to d7 are named as changed. d16 to d31, which are changed too, compiled code
//! does not use: the target has sixteen such registers unless a build turns `+d32` on by hand.

use std::arch::asm;

use super::depthwise;
use super::filter;
use super::finish::Spread;
use super::packed::{BLOCK, Panel};
use super::product::{Job, Target};

/// Sums of sixteen outputs.
type Sums = [i32; BLOCK];

/// Computes the pixels of a job.
///
/// # Safety
///
/// The job keeps what [`Job`] promises, and the processor has Advanced SIMD.
pub(super) unsafe fn product(job: &Job<'_>) {
    let (geometry, packed) = (&job.layer.geometry, &job.layer.packed);
    for pixel in job.from..job.to {
        let (Some(&origin), Some(&place)) =
            (geometry.origins.get(pixel), geometry.places.get(pixel))
        else {
            return;
        };
        // SAFETY: the origin lies in the input.
        let input = unsafe { job.input.add(origin as usize) };
        // SAFETY: every run lies in the input.
        let total = if packed.zero.is_empty() { 0 } else { unsafe { total(job, input) } };
        for first in (0..packed.outputs).step_by(BLOCK) {
            let mut sums = [0; BLOCK];
            let panels = packed.block(first / BLOCK);
            // SAFETY: there is an offset for every panel, and groups lie in a run or in the
            // slack behind it.
            unsafe { products(panels, packed.offsets.as_ptr(), input, &mut sums) };
            less(&mut sums, packed.zero.get(first..), |_| total);
            let bias = packed.bias.get(first..first + BLOCK).unwrap_or_default();
            let count = BLOCK.min(packed.outputs - first);
            // SAFETY: the place plus all outputs lies in the target.
            unsafe {
                give(&sums, bias, &job.layer.finish, first, count, job.target, place as usize);
            }
        }
    }
}

/// Takes off what the zero points of the weights add.
fn less(sums: &mut Sums, zero: Option<&[i32]>, total: impl Fn(usize) -> i32) {
    for (at, (sum, zero)) in sums.iter_mut().zip(zero.unwrap_or_default()).enumerate() {
        *sum = sum.wrapping_sub(zero.wrapping_mul(total(at)));
    }
}

/// Sum of the inputs of one pixel, without what lies behind the runs.
unsafe fn total(job: &Job<'_>, input: *const u8) -> i32 {
    let mut total = 0_i32;
    for run in &job.layer.geometry.runs {
        // SAFETY: the run lies in the input.
        let bytes = unsafe { std::slice::from_raw_parts(input.add(run.offset), run.len) };
        total = bytes.iter().fold(total, |total, &x| total.wrapping_add(i32::from(x)));
    }
    total
}

/// Adds the products of one pixel with a block of outputs.
#[inline(always)]
unsafe fn products(panels: &[Panel], offsets: *const u32, input: *const u8, sums: &mut Sums) {
    if panels.is_empty() {
        return;
    }
    // SAFETY: reads the panels, as many offsets, and four bytes at each; the registers that
    // calls may change are all that change.
    unsafe {
        asm!(
            ".fpu neon",
            "vmov.i8 d5, #0x80",
            "vmov.i32 q8, #0", "vmov.i32 q9, #0", "vmov.i32 q10, #0", "vmov.i32 q11, #0",
            "vmov.i32 q12, #0", "vmov.i32 q13, #0", "vmov.i32 q14, #0", "vmov.i32 q15, #0",
            "2:",
            "ldr {at}, [{offsets}], #4",
            "vld1.8 {{d0-d3}}, [{panel}]!",
            "add {at}, {at}, {input}",
            "vld1.32 {{d4[]}}, [{at}]",
            "subs {count}, {count}, #1",
            "veor d4, d4, d5",
            "vmull.s8 q3, d0, d4", "vpadal.s16 q8, q3",
            "vmull.s8 q3, d1, d4", "vpadal.s16 q9, q3",
            "vmull.s8 q3, d2, d4", "vpadal.s16 q10, q3",
            "vmull.s8 q3, d3, d4", "vpadal.s16 q11, q3",
            "vld1.8 {{d0-d3}}, [{panel}]!",
            "vmull.s8 q3, d0, d4", "vpadal.s16 q12, q3",
            "vmull.s8 q3, d1, d4", "vpadal.s16 q13, q3",
            "vmull.s8 q3, d2, d4", "vpadal.s16 q14, q3",
            "vmull.s8 q3, d3, d4", "vpadal.s16 q15, q3",
            "bne 2b",
            "vpadd.i32 d0, d16, d17", "vpadd.i32 d1, d18, d19",
            "vpadd.i32 d2, d20, d21", "vpadd.i32 d3, d22, d23",
            "vst1.32 {{d0-d3}}, [{sums}]!",
            "vpadd.i32 d0, d24, d25", "vpadd.i32 d1, d26, d27",
            "vpadd.i32 d2, d28, d29", "vpadd.i32 d3, d30, d31",
            "vst1.32 {{d0-d3}}, [{sums}]",
            at = out(reg) _,
            panel = inout(reg) panels.as_ptr() => _,
            offsets = inout(reg) offsets => _,
            input = in(reg) input,
            count = inout(reg) panels.len() => _,
            sums = inout(reg) sums.as_mut_ptr() => _,
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
            options(nostack),
        );
    }
}

/// Writes `count` results of a block to a place.
#[inline(always)]
unsafe fn give(
    sums: &Sums,
    bias: &[i32],
    finish: &Spread,
    first: usize,
    count: usize,
    target: Target,
    place: usize,
) {
    match target {
        Target::Codes(target) => {
            let codes = codes(sums, bias, finish, first);
            // SAFETY: the place plus all outputs lies in the target.
            unsafe {
                std::ptr::copy_nonoverlapping(codes.as_ptr(), target.add(place + first), count)
            };
        }
        Target::Reals(target) => {
            for (at, (&sum, &bias)) in sums.iter().zip(bias).take(count).enumerate() {
                let real = finish.real(sum.wrapping_add(bias), first + at);
                // SAFETY: the same.
                unsafe { target.add(place + first + at).write(real) };
            }
        }
    }
}

/// As [`Spread::code`], sixteen at once; sums and multipliers are finite.
#[inline(always)]
fn codes(sums: &Sums, bias: &[i32], finish: &Spread, first: usize) -> [u8; BLOCK] {
    let mut codes = [0; BLOCK];
    let multiplier = finish.multiplier.get(first..first + BLOCK).unwrap_or_default();
    if multiplier.len() != BLOCK || bias.len() != BLOCK {
        return codes;
    }
    // SAFETY: reads sixteen values of each list and writes sixteen codes. Adding and taking
    // off 1.5 * 2^23 rounds half to even what lies between -255 and 255.
    unsafe {
        asm!(
            ".fpu neon",
            "vdup.32 q8, {low}", "vdup.32 q9, {high}", "vdup.32 q11, {zero}",
            "vdup.32 q10, {magic}",
            "mov {left}, #2",
            "2:",
            "vld1.32 {{d0-d3}}, [{sums}]!",
            "vld1.32 {{d4-d7}}, [{bias}]!",
            "vadd.i32 q0, q0, q2", "vadd.i32 q1, q1, q3",
            "vld1.32 {{d4-d7}}, [{multiplier}]!",
            "vcvt.f32.s32 q0, q0", "vcvt.f32.s32 q1, q1",
            "subs {left}, {left}, #1",
            "vmul.f32 q0, q0, q2", "vmul.f32 q1, q1, q3",
            "vmax.f32 q0, q0, q8", "vmax.f32 q1, q1, q8",
            "vmin.f32 q0, q0, q9", "vmin.f32 q1, q1, q9",
            "vadd.f32 q0, q0, q10", "vadd.f32 q1, q1, q10",
            "vsub.f32 q0, q0, q10", "vsub.f32 q1, q1, q10",
            "vcvt.s32.f32 q0, q0", "vcvt.s32.f32 q1, q1",
            "vadd.i32 q0, q0, q11", "vadd.i32 q1, q1, q11",
            "vmovn.i32 d0, q0", "vmovn.i32 d1, q1",
            "vmovn.i16 d0, q0",
            "vst1.8 {{d0}}, [{codes}]!",
            "bne 2b",
            low = in(reg) finish.low.to_bits(),
            high = in(reg) finish.high.to_bits(),
            zero = in(reg) finish.zero_point,
            magic = in(reg) 12_582_912.0_f32.to_bits(),
            left = out(reg) _,
            sums = inout(reg) sums.as_ptr() => _,
            bias = inout(reg) bias.as_ptr() => _,
            multiplier = inout(reg) multiplier.as_ptr() => _,
            codes = inout(reg) codes.as_mut_ptr() => _,
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
            options(nostack),
        );
    }
    codes
}

/// Computes the pixels of a depthwise job.
///
/// # Safety
///
/// The job keeps what [`depthwise::Job`] promises, and the processor has Advanced SIMD.
pub(super) unsafe fn depthwise(job: &depthwise::Job<'_>) {
    let (filter, window) = (job.filter, &job.filter.window);
    for pixel in job.from..job.to {
        let (Some(&origin), Some(&place)) = (window.origins.get(pixel), window.places.get(pixel))
        else {
            return;
        };
        for first in (0..window.channels).step_by(BLOCK) {
            let mut sums = [0; BLOCK];
            // SAFETY: taps of all channels lie in the input or the slack behind it, weights in
            // their list or the block behind it.
            let input = unsafe { job.input.add(origin as usize + first) };
            // SAFETY: the same.
            unsafe { taps(filter, input, first, &mut sums) };
            less(&mut sums, filter.zero.get(first..), |at| {
                // SAFETY: the same.
                let tap = |&tap: &usize| i32::from(unsafe { input.add(tap + at).read() });
                window.taps.iter().map(tap).sum()
            });
            let bias = filter.bias.get(first..first + BLOCK).unwrap_or_default();
            let count = BLOCK.min(window.channels - first);
            // SAFETY: the place plus all channels lies in the target.
            unsafe { give(&sums, bias, &filter.finish, first, count, job.target, place as usize) };
        }
    }
}

/// Adds the products of sixteen channels.
#[inline(always)]
unsafe fn taps(filter: &filter::Filter, input: *const u8, first: usize, sums: &mut Sums) {
    let window = &filter.window;
    // SAFETY: reads the taps (there is one at least), and sixteen bytes of input and of
    // weights for each.
    unsafe {
        asm!(
            ".fpu neon",
            "vmov.i8 q2, #0x80",
            "vmov.i32 q8, #0", "vmov.i32 q9, #0", "vmov.i32 q10, #0", "vmov.i32 q11, #0",
            "2:",
            "ldr {at}, [{taps}], #4",
            "vld1.8 {{d2-d3}}, [{weights}], {step}",
            "add {at}, {at}, {input}",
            "vld1.8 {{d0-d1}}, [{at}]",
            "subs {count}, {count}, #1",
            "veor q0, q0, q2",
            "vmull.s8 q3, d0, d2",
            "vmull.s8 q12, d1, d3",
            "vaddw.s16 q8, q8, d6", "vaddw.s16 q9, q9, d7",
            "vaddw.s16 q10, q10, d24", "vaddw.s16 q11, q11, d25",
            "bne 2b",
            "vst1.32 {{d16-d19}}, [{sums}]!",
            "vst1.32 {{d20-d23}}, [{sums}]",
            at = out(reg) _,
            taps = inout(reg) window.taps.as_ptr() => _,
            weights = inout(reg) filter.weights.as_ptr().add(first) => _,
            step = in(reg) window.channels,
            input = in(reg) input,
            count = inout(reg) window.taps.len() => _,
            sums = inout(reg) sums.as_mut_ptr() => _,
            out("d0") _, out("d1") _, out("d2") _, out("d3") _, out("d4") _, out("d5") _, out("d6") _, out("d7") _,
            options(nostack),
        );
    }
}
