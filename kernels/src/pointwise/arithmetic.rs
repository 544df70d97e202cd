//! Arithmetic on f32.

use super::{codes::each_pair, quantize::same};
use crate::{Isa, KernelError, check, dispatch::compiled_per_isa};

/// An operation on two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    /// a + b
    Add,
    /// a - b
    Sub,
    /// a * b
    Mul,
    /// a / b
    Div,
    /// The greater one.
    Max,
    /// The lesser one.
    Min,
}

/// `output = clamp(a op b, low, high)`. An operand may be shorter and repeats: one value, or
/// one per channel.
///
/// # Errors
///
/// [`KernelError`] when the length of an operand does not divide that of the output.
pub fn arithmetic_f32(
    isa: Isa,
    op: Arithmetic,
    a: &[f32],
    b: &[f32],
    (low, high): (f32, f32),
    output: &mut [f32],
) -> Result<(), KernelError> {
    check::repeats(a, output.len())?;
    check::repeats(b, output.len())?;
    combine(isa, op, a, b, low, high, output);
    Ok(())
}

/// `output = clamp(input, low, high)`, such as Relu with 0 and infinity.
///
/// # Errors
///
/// [`KernelError`] when the slices differ in length.
pub fn clamp_f32(
    isa: Isa,
    input: &[f32],
    (low, high): (f32, f32),
    output: &mut [f32],
) -> Result<(), KernelError> {
    same(input, output)?;
    limit(isa, input, low, high, output);
    Ok(())
}

compiled_per_isa!(
    fn combine(op: Arithmetic, a: &[f32], b: &[f32], low: f32, high: f32, output: &mut [f32])
        => combine_body
);
compiled_per_isa!(
    fn limit(input: &[f32], low: f32, high: f32, output: &mut [f32]) => limit_body
);

#[inline(always)]
fn combine_body(op: Arithmetic, a: &[f32], b: &[f32], low: f32, high: f32, output: &mut [f32]) {
    let clamp = |value| clamp(value, low, high);
    match op {
        Arithmetic::Add => each_pair(a, b, output, |a, b| clamp(a + b)),
        Arithmetic::Sub => each_pair(a, b, output, |a, b| clamp(a - b)),
        Arithmetic::Mul => each_pair(a, b, output, |a, b| clamp(a * b)),
        Arithmetic::Div => each_pair(a, b, output, |a, b| clamp(a / b)),
        Arithmetic::Max => each_pair(a, b, output, |a, b| clamp(if a > b { a } else { b })),
        Arithmetic::Min => each_pair(a, b, output, |a, b| clamp(if a < b { a } else { b })),
    }
}

#[inline(always)]
fn limit_body(input: &[f32], low: f32, high: f32, output: &mut [f32]) {
    for (out, &value) in output.iter_mut().zip(input) {
        *out = clamp(value, low, high);
    }
}

/// Comparisons this way round keep a NaN, as ONNX does.
#[inline(always)]
fn clamp(value: f32, low: f32, high: f32) -> f32 {
    let value = if value < low { low } else { value };
    if value > high { high } else { value }
}
