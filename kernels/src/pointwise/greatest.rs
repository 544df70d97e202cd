//! Where the greatest of some codes is.

use crate::{Isa, KernelError, SLACK, check, dispatch::compiled_per_isa};

/// Codes at once; behind the last one as many are read and dropped.
const BLOCK: usize = 32;
const _: () = assert!(BLOCK <= SLACK);
/// Codes of a pixel at most: a place has 8 bits.
const MOST: usize = 256;

/// For every pixel the place of its greatest code, of equals the first or the last. A pixel
/// has `count` codes side by side, at most 256, and begins `step` behind the one before.
///
/// # Errors
///
/// [`KernelError`] when there are no codes or too many, or the input is too short; it needs
/// [`SLACK`] codes behind the last one used.
pub fn arg_max_codes(
    isa: Isa,
    input: &[u8],
    (count, step): (usize, usize),
    last: bool,
    output: &mut [i64],
) -> Result<(), KernelError> {
    check::fits((1..=MOST).contains(&count), "number of codes")?;
    let end = output.len().saturating_sub(1).checked_mul(step);
    let end = end.and_then(|end| end.checked_add(count + SLACK));
    check::input(input, end.ok_or(KernelError::Parameters("step"))?)?;
    places(isa, input, count, step, last, output);
    Ok(())
}

compiled_per_isa!(
    fn places(input: &[u8], count: usize, step: usize, last: bool, output: &mut [i64])
        => places_body
);

#[inline(always)]
fn places_body(input: &[u8], count: usize, step: usize, last: bool, output: &mut [i64]) {
    // A code above and its place below make one number. The first of equals is the greatest
    // where places count backwards.
    let turn: u16 = if last { 0 } else { 0xFF };
    for (pixel, out) in output.iter_mut().enumerate() {
        let pixel = &input[pixel * step..];
        let mut greatest = [0_u16; BLOCK];
        for first in (0..count).step_by(BLOCK) {
            // Always so: the slack was checked.
            let Some(codes) = pixel[first..].first_chunk::<BLOCK>() else { return };
            for ((greatest, &code), place) in greatest.iter_mut().zip(codes).zip(first as u16..) {
                let number = u16::from(code) << 8 | (place ^ turn);
                let number = if usize::from(place) < count { number } else { 0 };
                *greatest = if number > *greatest { number } else { *greatest };
            }
        }
        let mut most = 0;
        for number in greatest {
            most = if number > most { number } else { most };
        }
        let greatest = most;
        *out = i64::from((greatest ^ turn) & 0xFF);
    }
}
