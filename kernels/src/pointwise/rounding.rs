//! From f32 to codes.

/// 1.5 * 2^23: added to a value of a magnitude below 2^22, it leaves the integer nearest to
/// it, halves to even, in the low bits of the sum. Unlike a conversion this vectorises on
/// every instruction set.
const MAGIC: f32 = 12_582_912.0;

/// `clamp(round_half_even(value) + offset, low, high)`; NaN gives `low`.
#[inline(always)]
pub(crate) fn round_to_code(value: f32, low: u8, high: u8, offset: i32) -> u8 {
    let lowest = (i32::from(low) - offset) as f32;
    let highest = (i32::from(high) - offset) as f32;
    let value = if value > lowest { value } else { lowest };
    let value = if value < highest { value } else { highest };
    let integer = ((value + MAGIC).to_bits() as i32).wrapping_sub(MAGIC.to_bits() as i32);
    (integer + offset) as u8
}

/// The same where the zero point is added after rounding.
#[inline(always)]
pub(crate) fn scaled_code(value: f32, zero: u8, low: u8, high: u8) -> u8 {
    round_to_code(value, low, high, i32::from(zero))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_halves_to_even_and_clamps() {
        for (value, code) in [(0.5, 0), (1.5, 2), (2.5, 2), (254.5, 254), (300.0, 255), (-1.0, 0)] {
            assert_eq!(round_to_code(value, 0, 255, 0), code, "{value}");
        }
        assert_eq!(scaled_code(-128.5, 128, 0, 255), 0);
        assert_eq!(scaled_code(-0.5, 128, 0, 255), 128);
        assert_eq!(scaled_code(f32::NAN, 128, 3, 255), 3);
        assert_eq!(scaled_code(f32::INFINITY, 128, 3, 250), 250);
    }
}
