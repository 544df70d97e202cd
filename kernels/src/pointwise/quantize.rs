//! Between reals and codes.

use super::scaled_code;
use crate::{Isa, KernelError, check, dispatch::compiled_per_isa};

/// `clamp(round_half_even(input / scale) + zero, low, high)`, a true division as in
/// `MlasQuantizeLinear` of ONNX Runtime. NaN gives `low`.
///
/// # Errors
///
/// [`KernelError`] when the slices differ in length.
pub fn quantize(
    isa: Isa,
    input: &[f32],
    scale: f32,
    zero: u8,
    (low, high): (u8, u8),
    output: &mut [u8],
) -> Result<(), KernelError> {
    same(input, output)?;
    to_codes(isa, input, scale, zero, low, high, output);
    Ok(())
}

/// `(input - zero) * scale`.
///
/// # Errors
///
/// [`KernelError`] when the slices differ in length.
pub fn dequantize(
    isa: Isa,
    input: &[u8],
    scale: f32,
    zero: u8,
    output: &mut [f32],
) -> Result<(), KernelError> {
    same(input, output)?;
    to_reals(isa, input, scale, zero, output);
    Ok(())
}

/// Fails unless both slices have the same length.
pub(super) fn same<T, U>(input: &[T], output: &[U]) -> Result<(), KernelError> {
    check::input(input, output.len())?;
    check::output(output, input.len())
}

compiled_per_isa!(
    fn to_codes(input: &[f32], scale: f32, zero: u8, low: u8, high: u8, output: &mut [u8])
        => to_codes_body
);
compiled_per_isa!(
    fn to_reals(input: &[u8], scale: f32, zero: u8, output: &mut [f32]) => to_reals_body
);

#[inline(always)]
fn to_codes_body(input: &[f32], scale: f32, zero: u8, low: u8, high: u8, output: &mut [u8]) {
    for (out, &value) in output.iter_mut().zip(input) {
        *out = scaled_code(value / scale, zero, low, high);
    }
}

#[inline(always)]
fn to_reals_body(input: &[u8], scale: f32, zero: u8, output: &mut [f32]) {
    let zero = i32::from(zero);
    for (out, &code) in output.iter_mut().zip(input) {
        *out = (i32::from(code) - zero) as f32 * scale;
    }
}
