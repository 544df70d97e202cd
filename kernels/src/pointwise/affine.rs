//! A factor and a summand per channel between codes, such as a batch normalisation that
//! stands between quantisations.

use super::{quantize::same, scaled_code};
use crate::{Isa, KernelError, check, dispatch::compiled_per_isa};

/// Elements that the parameters of few channels are repeated to: loops over so many are
/// worth starting.
const TILE: usize = 256;

/// What codes stand for: `scale * (code - zero)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale8 {
    /// Step.
    pub scale: f32,
    /// Code of zero.
    pub zero: u8,
}

/// Codes from codes, channel by channel, exactly as DequantizeLinear, Mul, Add and
/// QuantizeLinear compute them one after another, all in f32:
///
/// `round_half_even(((x - zero) * scale * factor[c] + summand[c]) / to.scale) + to.zero`,
/// clamped to codes.
#[derive(Debug, Clone)]
pub struct Affine8 {
    from: Scale8,
    to: Scale8,
    clamp: (u8, u8),
    channels: usize,
    /// Factor and summand of every channel, all channels as often as they fit a tile.
    factor: Vec<f32>,
    summand: Vec<f32>,
}

impl Affine8 {
    /// For as many channels as there are factors.
    ///
    /// # Errors
    ///
    /// [`KernelError::Parameters`] when there are no channels, or not as many summands.
    pub fn new(
        from: Scale8,
        to: Scale8,
        factor: &[f32],
        summand: &[f32],
        clamp: (u8, u8),
    ) -> Result<Self, KernelError> {
        let channels = factor.len();
        check::fits(channels != 0 && summand.len() == channels, "factors and summands")?;
        let (factor, summand) = (tiled(factor), tiled(summand));
        Ok(Self { from, to, clamp, channels, factor, summand })
    }

    /// Computes whole pixels, their channels side by side.
    ///
    /// # Errors
    ///
    /// [`KernelError`] when the slices differ in length or are no whole number of pixels.
    pub fn run(&self, isa: Isa, input: &[u8], output: &mut [u8]) -> Result<(), KernelError> {
        same(input, output)?;
        check::fits(input.len().is_multiple_of(self.channels), "channels")?;
        tiles(isa, self, input, output);
        Ok(())
    }
}

fn tiled(channels: &[f32]) -> Vec<f32> {
    channels.repeat((TILE / channels.len()).max(1))
}

compiled_per_isa!(fn tiles(affine: &Affine8, input: &[u8], output: &mut [u8]) => tiles_body);

#[inline(always)]
fn tiles_body(affine: &Affine8, input: &[u8], output: &mut [u8]) {
    let Affine8 { from, to, clamp: (low, high), factor, summand, .. } = affine;
    let zero = i32::from(from.zero);
    let tile = factor.len();
    for (output, input) in output.chunks_mut(tile).zip(input.chunks(tile)) {
        let channels = factor.iter().zip(summand);
        for ((out, &code), (factor, summand)) in output.iter_mut().zip(input).zip(channels) {
            let real = (i32::from(code) - zero) as f32 * from.scale;
            *out = scaled_code((real * factor + summand) / to.scale, to.zero, *low, *high);
        }
    }
}
