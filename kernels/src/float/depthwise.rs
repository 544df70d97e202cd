//! Depthwise convolution: the public type and its checks.

#[cfg(target_arch = "aarch64")]
use super::neon;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512_depthwise};
use super::{
    lanes::{self, LANES, Lanes},
    portable,
};
use crate::{Isa, KernelError, Window, check};

/// Depthwise convolution in f32, one filter per channel.
///
/// `out[places[i] + c] = clamp(bias[c] + sum_t in[origins[i] + taps[t] + c] * weights[t][c])`.
#[derive(Debug, Clone)]
pub struct DepthwiseF32 {
    isa: Isa,
    layer: Layer,
    input_needed: usize,
    output_needed: usize,
}

/// Everything but the buffers.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub(super) window: Window,
    /// `[block of 16 channels][taps]`.
    pub(super) weights: Vec<Lanes>,
    /// `[block of 16 channels]`.
    pub(super) bias: Vec<Lanes>,
    pub(super) low: f32,
    pub(super) high: f32,
}

/// One call, its lengths checked: every origin plus tap plus the channels and
/// [`SLACK`](crate::SLACK) lies in `input`, every place plus the channels in `output`, and
/// there are as many places as origins.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) layer: &'a Layer,
    pub(super) input: *const f32,
    pub(super) output: *mut f32,
}

impl DepthwiseF32 {
    /// Packs `weights`, `[taps][channels]`; `bias` has one value per channel, `clamp` the
    /// lowest and the highest result. An `isa` that this processor lacks becomes
    /// [`Isa::Scalar`].
    ///
    /// # Errors
    ///
    /// [`KernelError::Parameters`] when the numbers of weights, biases, origins and places
    /// do not fit together.
    pub fn new(
        isa: Isa,
        window: Window,
        weights: &[f32],
        bias: &[f32],
        clamp: (f32, f32),
    ) -> Result<Self, KernelError> {
        let (taps, channels) = (window.taps.len(), window.channels);
        let (input_needed, output_needed) = window.needed()?;
        check::fits(taps.checked_mul(channels) == Some(weights.len()), "weights")?;
        check::fits(bias.len() == channels, "bias")?;
        let weights = pack(weights, taps, channels);
        let (low, high) = clamp;
        let layer = Layer { window, weights, bias: lanes::split(bias), low, high };
        let isa = if isa.detected() { isa } else { Isa::Scalar };
        Ok(Self { isa, layer, input_needed, output_needed })
    }

    /// Computes all output pixels.
    ///
    /// # Errors
    ///
    /// [`KernelError::Input`] and [`KernelError::Output`] when a slice is too short; the
    /// input needs [`SLACK`](crate::SLACK) elements behind the last one used.
    pub fn run(&self, input: &[f32], output: &mut [f32]) -> Result<(), KernelError> {
        check::input(input, self.input_needed)?;
        check::output(output, self.output_needed)?;
        let (input, output) = (input.as_ptr(), output.as_mut_ptr());
        let job = Job { layer: &self.layer, input, output };
        match self.isa {
            // SAFETY: the lengths were checked above, the instruction set in `new`.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Vnni => unsafe { avx512_depthwise::depthwise(&job) },
            // SAFETY: the same.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { avx2::depthwise(&job) },
            // SAFETY: the same.
            #[cfg(target_arch = "aarch64")]
            Isa::Neon | Isa::NeonDot => unsafe { neon::depthwise(&job) },
            // SAFETY: the lengths were checked above.
            _ => unsafe { portable::depthwise(&job) },
        }
        Ok(())
    }
}

/// `[taps][channels]` to `[block of 16 channels][taps]`.
fn pack(weights: &[f32], taps: usize, channels: usize) -> Vec<Lanes> {
    let mut packed = vec![Lanes::ZERO; channels.div_ceil(LANES) * taps];
    for (tap, row) in weights.chunks_exact(channels.max(1)).enumerate() {
        for (c, &weight) in row.iter().enumerate() {
            packed[c / LANES * taps + tap].0[c % LANES] = weight;
        }
    }
    packed
}
