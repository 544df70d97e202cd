//! Maximum pools.

use super::Window;
use crate::{Isa, KernelError, dispatch::compiled_per_isa};

/// Greatest code per channel. A border must hold the lowest code that can occur, not the
/// zero point, unless no code lies below it.
///
/// # Errors
///
/// [`KernelError`] when the slices are shorter than the window reads and writes.
pub fn max_pool_codes(
    isa: Isa,
    window: &Window,
    input: &[u8],
    output: &mut [u8],
) -> Result<(), KernelError> {
    window.check(input, output)?;
    codes(isa, window, input, output);
    Ok(())
}

/// Greatest value per channel; `-inf` when there is no tap. A border must hold `-inf`.
///
/// # Errors
///
/// [`KernelError`] when the slices are shorter than the window reads and writes.
pub fn max_pool_f32(
    isa: Isa,
    window: &Window,
    input: &[f32],
    output: &mut [f32],
) -> Result<(), KernelError> {
    window.check(input, output)?;
    reals(isa, window, input, output);
    Ok(())
}

compiled_per_isa!(fn codes(window: &Window, input: &[u8], output: &mut [u8]) => codes_body);
compiled_per_isa!(fn reals(window: &Window, input: &[f32], output: &mut [f32]) => reals_body);

#[inline(always)]
fn codes_body(window: &Window, input: &[u8], output: &mut [u8]) {
    window.fold((input, output), u8::MIN, |a, b| a.max(b), |_, greatest: [u8; 32]| greatest);
}

#[inline(always)]
fn reals_body(window: &Window, input: &[f32], output: &mut [f32]) {
    // The comparison is one instruction; `f32::max` is three, for the sake of NaN.
    let greater = |a, b| if b > a { b } else { a };
    let finish = |_, greatest: [f32; 16]| greatest;
    window.fold((input, output), f32::NEG_INFINITY, greater, finish);
}
