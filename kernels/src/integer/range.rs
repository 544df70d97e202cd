//! Which sums can occur. Kernels add in 32 bits without looking, so whatever could leave
//! them is refused when it is built.

use crate::KernelError;

/// Longest sum: that of its inputs alone then stays within 31 bits.
pub(super) const DEEPEST: usize = 1 << 23;

/// The weights of one output and what is added to their products.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<W> {
    /// Its weights.
    pub(super) weights: W,
    pub(super) weight_zero: i8,
    pub(super) input_zero: u8,
    pub(super) bias: i32,
}

impl<'a, W: Iterator<Item = &'a i8>> Row<W> {
    /// The part of the sum that does not depend on the input:
    /// `sum (x - zx)(w - zw) = sum x w - zw sum x - zx sum (w - zw)`, its last term and the
    /// bias.
    ///
    /// # Errors
    ///
    /// [`KernelError::Parameters`] when some input makes a sum that 32 bits cannot hold.
    /// Within, the intermediate values may wrap: the result is right modulo 2^32.
    pub(super) fn constant_part(self) -> Result<i32, KernelError> {
        let (mut rising, mut falling) = (0_i64, 0_i64);
        for &weight in self.weights {
            let difference = i64::from(weight) - i64::from(self.weight_zero);
            rising += difference.max(0);
            falling += difference.min(0);
        }
        let (bias, lowest) = (i64::from(self.bias), -i64::from(self.input_zero));
        let highest = 255 + lowest;
        let least = bias + rising * lowest + falling * highest;
        let most = bias + rising * highest + falling * lowest;
        let bits = |sum: i64| i32::try_from(sum);
        match (bits(least), bits(most), bits(bias + (rising + falling) * lowest)) {
            (Ok(_), Ok(_), Ok(constant)) => Ok(constant),
            _ => Err(KernelError::Parameters("weights and biases: sums of more than 32 bits")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn constant(weights: &[i8], weight_zero: i8, input_zero: u8, bias: i32) -> Option<i32> {
        Row { weights: weights.iter(), weight_zero, input_zero, bias }.constant_part().ok()
    }

    #[test]
    fn the_constant_part_is_the_sum_where_all_inputs_are_zero() {
        assert_eq!(constant(&[3, -4, 100], -2, 7, 50), Some(50 - 7 * (5 - 2 + 102)));
    }

    #[test]
    fn sums_up_to_the_last_bit_pass_and_no_others() {
        // With inputs of 0 to 255 the sum lies between -255 + bias and 510 + bias.
        let weights = [2, -1];
        assert_eq!(constant(&weights, 0, 0, i32::MAX - 510), Some(i32::MAX - 510));
        assert_eq!(constant(&weights, 0, 0, i32::MAX - 509), None);
        assert_eq!(constant(&weights, 0, 0, i32::MIN + 255), Some(i32::MIN + 255));
        assert_eq!(constant(&weights, 0, 0, i32::MIN + 254), None);
        let deep = vec![-128; 70_000];
        assert_eq!(constant(&deep, 0, 0, 0), None);
        assert_eq!(constant(&deep, -127, 0, 0), Some(0));
    }
}
