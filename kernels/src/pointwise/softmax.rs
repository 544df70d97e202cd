//! Softmax over rows.

use super::{quantize::same, scaled_code};
use crate::{Isa, KernelError, check, dispatch::compiled_per_isa};

/// Softmax of every row of `row` elements, within a millionth of ONNX Runtime's.
///
/// # Errors
///
/// [`KernelError`] when the slices differ in length or are no whole number of rows.
pub fn softmax_f32(
    isa: Isa,
    input: &[f32],
    row: usize,
    output: &mut [f32],
) -> Result<(), KernelError> {
    same(input, output)?;
    check::fits(row != 0 && input.len().is_multiple_of(row), "rows")?;
    rows(isa, input, row, output);
    Ok(())
}

compiled_per_isa!(fn rows(input: &[f32], row: usize, output: &mut [f32]) => rows_body);

#[inline(always)]
fn rows_body(input: &[f32], row: usize, output: &mut [f32]) {
    match row {
        1 => short_rows::<1>(input, output),
        2 => short_rows::<2>(input, output),
        3 => short_rows::<3>(input, output),
        4 => short_rows::<4>(input, output),
        _ => long_rows(input, row, output),
    }
}

/// Rows shorter than a register: each step goes through all of them.
#[inline(always)]
fn short_rows<const N: usize>(input: &[f32], output: &mut [f32]) {
    for (output, input) in output.as_chunks_mut::<N>().0.iter_mut().zip(input.as_chunks::<N>().0) {
        let greatest = input.iter().fold(f32::NEG_INFINITY, |a, &b| if b > a { b } else { a });
        *output = input.map(|value| value - greatest);
    }
    output.iter_mut().for_each(|out| *out = exponential(*out));
    for output in output.as_chunks_mut::<N>().0 {
        let sum = output.iter().fold(0.0, |a, b| a + b);
        *output = output.map(|out| out / sum);
    }
}

#[inline(always)]
fn long_rows(input: &[f32], row: usize, output: &mut [f32]) {
    for (input, output) in input.chunks_exact(row).zip(output.chunks_exact_mut(row)) {
        let greatest = fold(input, f32::NEG_INFINITY, |a, b| if b > a { b } else { a });
        for (out, &value) in output.iter_mut().zip(input) {
            *out = exponential(value - greatest);
        }
        let sum = fold(output, 0.0, |a, b| a + b);
        output.iter_mut().for_each(|out| *out /= sum);
    }
}

/// Folds in 16 lanes, as one register does, then folds the lanes.
#[inline(always)]
fn fold(values: &[f32], start: f32, op: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [start; 16];
    let blocks = values.chunks_exact(lanes.len());
    let rest = blocks.remainder().iter().fold(start, |a, &b| op(a, b));
    for block in blocks {
        lanes.iter_mut().zip(block).for_each(|(lane, &value)| *lane = op(*lane, value));
    }
    lanes.iter().fold(rest, |a, &b| op(a, b))
}

/// e^x for x from minus infinity to 0, as 2^n * e^r with |r| below ln(2)/2: the Taylor
/// series of e^r to the seventh term vectorises, the library's function does not.
#[inline(always)]
fn exponential(x: f32) -> f32 {
    const MAGIC: f32 = 12_582_912.0;
    // The lowest normal number: what lies below is as good as 0.
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + MAGIC;
    let n = shifted - MAGIC;
    // ln(2) in two parts, the first with few bits, so that n times it is exact.
    let r = x - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let terms = [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
    let series = terms.iter().fold(0.0_f32, |sum, &term| sum * r + term);
    let power = shifted.to_bits().wrapping_sub(MAGIC.to_bits()).wrapping_add(127) << 23;
    series * f32::from_bits(power)
}

/// Softmax from codes to codes, exactly as `QLinearSoftmax` of ONNX Runtime computes it.
///
/// The exponentials come from a table made for the row's greatest code, times a constant
/// so great that even the sum of a whole row stays finite; they are summed in f32 in the
/// order of the row. A code is `round_half_even(e * floor(1 / scale_out) / sum) + zero_out`.
/// Where `e * floor(1 / scale_out)` is too great for an f32, as in rows of one code, ONNX
/// Runtime converts an infinity to an integer, which is undefined; here it saturates.
#[derive(Debug, Clone)]
pub struct Softmax8 {
    row: usize,
    table: [f32; 256],
    steps: f32,
    zero_out: u8,
}

impl Softmax8 {
    /// Makes the table for rows of `row` codes of the scale `scale_in`. The input's zero
    /// point cancels out.
    ///
    /// # Errors
    ///
    /// [`KernelError::Parameters`] for empty rows.
    pub fn new(
        row: usize,
        scale_in: f32,
        scale_out: f32,
        zero_out: u8,
    ) -> Result<Self, KernelError> {
        check::fits(row != 0, "rows")?;
        let scale = f64::from(scale_in);
        let room = f64::from((f32::MAX / row as f32).ln());
        let shift = (room - 5.0).max(0.0) / scale;
        let table =
            std::array::from_fn(|code| ((code as f64 - 255.0 + shift) * scale).exp() as f32);
        Ok(Self { row, table, steps: (1.0 / scale_out).floor(), zero_out })
    }

    /// Computes every row.
    ///
    /// # Errors
    ///
    /// [`KernelError`] when the slices differ in length or are no whole number of rows.
    pub fn run(&self, input: &[u8], output: &mut [u8]) -> Result<(), KernelError> {
        same(input, output)?;
        check::fits(input.len().is_multiple_of(self.row), "rows")?;
        let rows = output.chunks_exact_mut(self.row);
        input.chunks_exact(self.row).zip(rows).for_each(|(input, output)| self.one(input, output));
        Ok(())
    }

    fn one(&self, input: &[u8], output: &mut [u8]) {
        let greatest = input.iter().copied().max().unwrap_or(255);
        let table = &self.table[usize::from(255 - greatest)..];
        let sum = input.iter().fold(0.0_f32, |sum, &code| sum + table[usize::from(code)]);
        for (out, &code) in output.iter_mut().zip(input) {
            let value = table[usize::from(code)] * self.steps / sum;
            *out = scaled_code(value, self.zero_out, 0, 255);
        }
    }
}
