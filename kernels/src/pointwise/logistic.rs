//! The logistic function as ONNX Runtime approximates it.
//!
//! An odd rational function on -18..=18 plus a half, due to Eigen; evaluated with fused
//! multiply-adds on every instruction set, so that tables built from it are the same
//! everywhere.

use super::quantize::same;
use crate::{Isa, KernelError, dispatch::compiled_per_isa};

/// Odd coefficients of the numerator, highest first.
const NUMERATOR: [f32; 5] =
    [4.370_31e-11, 1.156_273_2e-7, 6.085_749e-5, 8.513_771e-3, 2.482_879_5e-1];

/// Even coefficients of the denominator, highest first.
const DENOMINATOR: [f32; 6] =
    [6.102_473_7e-13, 5.761_021_4e-9, 6.291_068e-6, 1.701_988_2e-3, 1.168_176_5e-1, 9.931_519e-1];

/// `1 / (1 + exp(-input))`, as `MlasComputeLogistic` computes it.
///
/// # Errors
///
/// [`KernelError`] when the slices differ in length.
pub fn sigmoid_f32(isa: Isa, input: &[f32], output: &mut [f32]) -> Result<(), KernelError> {
    same(input, output)?;
    logistic(isa, input, output);
    Ok(())
}

compiled_per_isa!(fn logistic(input: &[f32], output: &mut [f32]) => body);

#[inline(always)]
fn body(input: &[f32], output: &mut [f32]) {
    for (out, &value) in output.iter_mut().zip(input) {
        let value = if value < -18.0 { -18.0 } else { value };
        let value = if value > 18.0 { 18.0 } else { value };
        let square = value * value;
        let polynomial = |coefficients: &[f32]| {
            coefficients.iter().skip(1).fold(coefficients[0], |sum, &c| sum.mul_add(square, c))
        };
        let quotient = polynomial(&NUMERATOR) * value / polynomial(&DENOMINATOR);
        *out = (quotient + 0.5).clamp(0.0, 1.0);
    }
}
