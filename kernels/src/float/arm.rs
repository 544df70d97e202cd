//! Advanced SIMD of 32-bit ARM, in assembly as the integer kernels are (`integer/arm.rs` says
//! which registers that may change). Products are rounded before they are added, as in plain
//! Rust; what is smaller than 2^-126 counts as 0.

use std::arch::asm;

use super::{
    depthwise,
    lanes::{LANES, Lanes},
    portable::clamp,
    product::Job,
};

/// Pixels of a tile: with sixteen outputs each, eight registers of sums.
const PIXELS: usize = 2;

/// # Safety
///
/// The lengths that [`Job`] promises, and Advanced SIMD.
pub(super) unsafe fn product(job: &Job<'_>) {
    let count = job.origins.len();
    for block in 0..job.layer.bias.len() {
        for pixel in (0..count).step_by(PIXELS) {
            // The last pixel of an odd number is computed twice.
            let pixels = [pixel, (pixel + 1).min(count - 1)];
            // SAFETY: the pixels and the block exist.
            unsafe { tile(job, pixels, block) }
        }
    }
}

/// # Safety
///
/// As for [`product`]; the pixels and the block exist.
unsafe fn tile(job: &Job<'_>, pixels: [usize; PIXELS], block: usize) {
    let layer = job.layer;
    let mut sums = [layer.bias[block]; PIXELS];
    let mut panel = layer.panels[block * layer.depth..(block + 1) * layer.depth].as_ptr();
    for run in job.runs {
        let from = pixels.map(|pixel| job.origins[pixel] as usize + run.offset);
        // SAFETY: origins plus runs lie in the input, and there is a panel for every element.
        unsafe {
            let inputs = from.map(|from| job.input.add(from));
            products(&mut sums, inputs, panel, run.len);
            panel = panel.add(run.len);
        }
    }
    let count = (layer.outputs - block * LANES).min(LANES);
    for (sums, pixel) in sums.iter().zip(pixels) {
        let place = job.places[pixel] as usize + block * LANES;
        // SAFETY: the place plus the outputs of the block lies in the output.
        unsafe { store(sums, job.output.add(place), count, layer.low, layer.high) };
    }
}

/// Adds the products of a run: as many panels as elements.
#[inline(always)]
unsafe fn products(
    sums: &mut [Lanes; PIXELS],
    [first, second]: [*const f32; PIXELS],
    panel: *const Lanes,
    len: usize,
) {
    if len == 0 {
        return;
    }
    // SAFETY: reads `len` elements of both pixels and as many panels.
    unsafe {
        asm!(
            ".fpu neon",
            "vldm {sums}, {{d16-d31}}",
            "subs {left}, {left}, #2",
            "blt 3f",
            "2:",
            "vld1.32 {{d0-d3}}, [{panel}]!",
            "vld1.32 {{d8}}, [{first}]!",
            "vld1.32 {{d9}}, [{second}]!",
            "vld1.32 {{d4-d7}}, [{panel}]!",
            "subs {left}, {left}, #2",
            "vmla.f32 q8, q0, d8[0]", "vmla.f32 q9, q1, d8[0]",
            "vmla.f32 q12, q0, d9[0]", "vmla.f32 q13, q1, d9[0]",
            "vld1.32 {{d0-d3}}, [{panel}]!",
            "vmla.f32 q10, q2, d8[0]", "vmla.f32 q11, q3, d8[0]",
            "vmla.f32 q14, q2, d9[0]", "vmla.f32 q15, q3, d9[0]",
            "vld1.32 {{d4-d7}}, [{panel}]!",
            "vmla.f32 q8, q0, d8[1]", "vmla.f32 q9, q1, d8[1]",
            "vmla.f32 q12, q0, d9[1]", "vmla.f32 q13, q1, d9[1]",
            "vmla.f32 q10, q2, d8[1]", "vmla.f32 q11, q3, d8[1]",
            "vmla.f32 q14, q2, d9[1]", "vmla.f32 q15, q3, d9[1]",
            "bge 2b",
            "3:",
            "adds {left}, {left}, #2",
            "beq 4f",
            "vld1.32 {{d8[0]}}, [{first}]",
            "vld1.32 {{d9[0]}}, [{second}]",
            "vld1.32 {{d0-d3}}, [{panel}]!",
            "vld1.32 {{d4-d7}}, [{panel}]",
            "vmla.f32 q8, q0, d8[0]", "vmla.f32 q9, q1, d8[0]",
            "vmla.f32 q10, q2, d8[0]", "vmla.f32 q11, q3, d8[0]",
            "vmla.f32 q12, q0, d9[0]", "vmla.f32 q13, q1, d9[0]",
            "vmla.f32 q14, q2, d9[0]", "vmla.f32 q15, q3, d9[0]",
            "4:",
            "vstm {sums}, {{d16-d31}}",
            sums = in(reg) sums.as_mut_ptr(),
            first = inout(reg) first => _,
            second = inout(reg) second => _,
            panel = inout(reg) panel => _,
            left = inout(reg) len => _,
            out("d0") _, out("d1") _, out("d2") _, out("d3") _,
            out("d4") _, out("d5") _, out("d6") _, out("d7") _,
            out("d8") _, out("d9") _,
            options(nostack),
        );
    }
}

/// Clamps and writes the first `count` values.
///
/// # Safety
///
/// They may be written at `to`.
unsafe fn store(sums: &Lanes, to: *mut f32, count: usize, low: f32, high: f32) {
    for (at, &sum) in sums.0.iter().take(count).enumerate() {
        // SAFETY: `at` is below `count`.
        unsafe { to.add(at).write(clamp(sum, low, high)) }
    }
}

/// # Safety
///
/// The lengths that [`depthwise::Job`] promises, and Advanced SIMD.
pub(super) unsafe fn depthwise(job: &depthwise::Job<'_>) {
    let depthwise::Layer { window, weights, bias, low, high } = job.layer;
    let taps = window.taps.len();
    for (&origin, &place) in job.origins.iter().zip(job.places) {
        for (block, bias) in bias.iter().enumerate() {
            let (first, mut sums) = (block * LANES, *bias);
            let weights = weights[block * taps..(block + 1) * taps].as_ptr();
            // SAFETY: origin plus taps plus the block lie in the input and the slack behind it,
            // the place plus the channels in the output.
            unsafe {
                channels(&mut sums, job.input.add(origin as usize + first), &window.taps, weights);
                let count = (window.channels - first).min(LANES);
                store(&sums, job.output.add(place as usize + first), count, *low, *high);
            }
        }
    }
}

/// Adds the products of sixteen channels: as many weights as taps.
#[inline(always)]
unsafe fn channels(sums: &mut Lanes, input: *const f32, taps: &[usize], weights: *const Lanes) {
    if taps.is_empty() {
        return;
    }
    // SAFETY: reads sixteen elements at every tap, and the weights.
    unsafe {
        asm!(
            ".fpu neon",
            "vldm {sums}, {{d16-d23}}",
            "2:",
            "ldr {at}, [{taps}], #4",
            "vld1.32 {{d24-d27}}, [{weights}]!",
            "vld1.32 {{d28-d31}}, [{weights}]!",
            "add {at}, {input}, {at}, lsl #2",
            "vld1.32 {{d0-d3}}, [{at}]!",
            "vld1.32 {{d4-d7}}, [{at}]",
            "subs {left}, {left}, #1",
            "vmla.f32 q8, q0, q12", "vmla.f32 q9, q1, q13",
            "vmla.f32 q10, q2, q14", "vmla.f32 q11, q3, q15",
            "bne 2b",
            "vstm {sums}, {{d16-d23}}",
            sums = in(reg) sums as *mut Lanes,
            at = out(reg) _,
            taps = inout(reg) taps.as_ptr() => _,
            input = in(reg) input,
            weights = inout(reg) weights => _,
            left = inout(reg) taps.len() => _,
            out("d0") _, out("d1") _, out("d2") _, out("d3") _,
            out("d4") _, out("d5") _, out("d6") _, out("d7") _,
            options(nostack),
        );
    }
}
