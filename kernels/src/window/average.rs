//! Average pools.

use super::Window;
use crate::{
    Isa, KernelError, check,
    dispatch::compiled_per_isa,
    pointwise::{round_to_code, scaled_code},
};

/// How an average pool goes from codes to codes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Average8 {
    /// Scale of the input.
    pub scale_in: f32,
    /// Zero point of the input; a border holds it.
    pub zero_in: u8,
    /// Scale of the output.
    pub scale_out: f32,
    /// Zero point of the output.
    pub zero_out: u8,
    /// Lowest code that may come out.
    pub low: u8,
    /// Highest code that may come out.
    pub high: u8,
    /// Whether the output codes stand for int8 values, 128 less: ONNX Runtime adds that
    /// zero point before it rounds, and a smaller one leaves more bits of the fraction.
    pub signed: bool,
}

/// Mean per channel of f32; `counts` is what each pixel's sum is divided by, one for all
/// or one per output pixel. A border must hold 0.
///
/// # Errors
///
/// [`KernelError`] when the slices or `counts` do not fit the window.
pub fn average_pool_f32(
    isa: Isa,
    window: &Window,
    counts: &[u32],
    input: &[f32],
    output: &mut [f32],
) -> Result<(), KernelError> {
    window.check(input, output)?;
    check_counts(window, counts)?;
    reals(isa, window, counts, input, output);
    Ok(())
}

/// Mean per channel of codes, exactly as `QLinearAveragePool` of ONNX Runtime computes
/// it: every code is dequantised, the sum taken in f32 in the order of the taps, divided by
/// the count, then by the output's scale; the zero point is added before rounding. `counts`
/// is one for all or one per output pixel. A border must hold the input's zero point.
///
/// # Errors
///
/// [`KernelError`] when the slices or `counts` do not fit the window.
pub fn average_pool_codes(
    isa: Isa,
    window: &Window,
    counts: &[u32],
    scales: Average8,
    input: &[u8],
    output: &mut [u8],
) -> Result<(), KernelError> {
    window.check(input, output)?;
    check_counts(window, counts)?;
    codes(isa, window, counts, scales, input, output);
    Ok(())
}

/// Mean per channel over all taps, exactly as `QLinearGlobalAveragePool` of ONNX Runtime
/// computes it: the integer sum less the zero points, times
/// `scale_in / (scale_out * taps)`, rounded half to even, plus the zero point.
///
/// # Errors
///
/// [`KernelError`] when the slices do not fit the window, or it has no or 2^23 taps or more.
pub fn global_average_codes(
    isa: Isa,
    window: &Window,
    scales: Average8,
    input: &[u8],
    output: &mut [u8],
) -> Result<(), KernelError> {
    window.check(input, output)?;
    // 2^23 codes of 255 still fit an i32.
    check::fits(!window.taps.is_empty() && window.taps.len() < 1 << 23, "taps")?;
    global(isa, window, scales, input, output);
    Ok(())
}

fn check_counts(window: &Window, counts: &[u32]) -> Result<(), KernelError> {
    let number = counts.len() == 1 || counts.len() == window.origins.len();
    check::fits(number && !counts.contains(&0), "counts")
}

compiled_per_isa!(
    fn reals(window: &Window, counts: &[u32], input: &[f32], output: &mut [f32]) => reals_body
);
compiled_per_isa!(
    fn codes(window: &Window, counts: &[u32], scales: Average8, input: &[u8], output: &mut [u8])
        => codes_body
);
compiled_per_isa!(
    fn global(window: &Window, scales: Average8, input: &[u8], output: &mut [u8]) => global_body
);

#[inline(always)]
fn reals_body(window: &Window, counts: &[u32], input: &[f32], output: &mut [f32]) {
    window.fold(
        (input, output),
        0.0,
        |a, b| a + b,
        |index, sums: [f32; 16]| {
            let count = count_of(counts, index);
            each(&sums, |sum| sum / count)
        },
    );
}

/// As `map` of an array, whose loop compilers do not vectorise.
#[inline(always)]
fn each<A: Copy, U: Copy + Default, const B: usize>(
    sums: &[A; B],
    finish: impl Fn(A) -> U,
) -> [U; B] {
    let mut values = [U::default(); B];
    values.iter_mut().zip(sums).for_each(|(value, &sum)| *value = finish(sum));
    values
}

#[inline(always)]
fn count_of(counts: &[u32], pixel: usize) -> f32 {
    counts[if counts.len() == 1 { 0 } else { pixel }] as f32
}

#[inline(always)]
fn codes_body(window: &Window, counts: &[u32], scales: Average8, input: &[u8], output: &mut [u8]) {
    let Average8 { scale_in, scale_out, low, high, .. } = scales;
    let zero_in = i32::from(scales.zero_in);
    let offset = if scales.signed { 128 } else { 0 };
    let zero_out = (i32::from(scales.zero_out) - offset) as f32;
    let add = |sum, code| sum + scale_in * (i32::from(code) - zero_in) as f32;
    window.fold((input, output), 0.0, add, |index, sums: [f32; 16]| {
        let count = count_of(counts, index);
        each(&sums, |sum| round_to_code(sum / count / scale_out + zero_out, low, high, offset))
    });
}

#[inline(always)]
fn global_body(window: &Window, scales: Average8, input: &[u8], output: &mut [u8]) {
    let taps = window.taps.len();
    let multiplier = scales.scale_in / (scales.scale_out * taps as f32);
    let bias = -i32::from(scales.zero_in) * taps as i32;
    let add = |sum, code| sum + i32::from(code);
    window.fold((input, output), bias, add, |_, sums: [i32; 32]| {
        let Average8 { zero_out, low, high, .. } = scales;
        each(&sums, |sum| scaled_code(sum as f32 * multiplier, zero_out, low, high))
    });
}
