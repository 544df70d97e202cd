//! Any function of one tensor of codes.

use super::quantize::same;
use crate::{Isa, KernelError};

/// `output = table[input]`.
///
/// # Errors
///
/// [`KernelError`] when the slices differ in length.
pub fn table(
    isa: Isa,
    input: &[u8],
    table: &[u8; 256],
    output: &mut [u8],
) -> Result<(), KernelError> {
    same(input, output)?;
    #[cfg(target_arch = "x86_64")]
    if isa == Isa::Avx512Vnni && isa.detected() && is_x86_feature_detected!("avx512vbmi") {
        // SAFETY: the processor has just been found to have the features.
        unsafe { permute(input, table, output) }
        return Ok(());
    }
    let _ = isa;
    look_up(input, table, output);
    Ok(())
}

/// One load per code: what compilers make of it with gathers is slower.
fn look_up(input: &[u8], table: &[u8; 256], output: &mut [u8]) {
    for (out, &code) in output.iter_mut().zip(input) {
        *out = table[usize::from(code)];
    }
}

/// The table in four registers: two permutations choose by the low seven bits in either
/// half, the top bit chooses the half.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn permute(input: &[u8], table: &[u8; 256], output: &mut [u8]) {
    use std::arch::x86_64::{
        _mm512_loadu_si512, _mm512_mask_blend_epi8, _mm512_movepi8_mask, _mm512_permutex2var_epi8,
        _mm512_storeu_si512,
    };
    const LANES: usize = 64;
    // SAFETY: the table has four times 64 bytes.
    let quarter = |i: usize| unsafe { _mm512_loadu_si512(table[i * LANES..].as_ptr().cast()) };
    let quarters = [quarter(0), quarter(1), quarter(2), quarter(3)];
    let (input, rest) = input.as_chunks::<LANES>();
    let (output, rest_of_output) = output.as_chunks_mut::<LANES>();
    for (out, codes) in output.iter_mut().zip(input) {
        // SAFETY: both blocks are as long as a register.
        unsafe {
            let codes = _mm512_loadu_si512(codes.as_ptr().cast());
            let low = _mm512_permutex2var_epi8(quarters[0], codes, quarters[1]);
            let high = _mm512_permutex2var_epi8(quarters[2], codes, quarters[3]);
            let values = _mm512_mask_blend_epi8(_mm512_movepi8_mask(codes), low, high);
            _mm512_storeu_si512(out.as_mut_ptr().cast(), values);
        }
    }
    look_up(rest, table, rest_of_output);
}
