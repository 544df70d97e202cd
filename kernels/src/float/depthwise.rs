//! Depthwise convolution: the public type and its checks.

use std::ops::Range;

#[cfg(target_arch = "arm")]
use super::arm;
#[cfg(target_arch = "aarch64")]
use super::neon;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512_depthwise};
use super::{
    lanes::{self, LANES, Lanes},
    layer::{self, Pixels},
    portable,
};
use crate::{Isa, KernelError, Pool, Window, check, share};

/// Depthwise convolution in f32, one filter per channel.
///
/// `out[places[i] + c] = clamp(bias[c] + sum_t in[origins[i] + taps[t] + c] * weights[t][c])`.
#[derive(Debug, Clone)]
pub struct DepthwiseF32 {
    isa: Isa,
    layer: Layer,
    input_needed: usize,
    output_needed: usize,
    /// Whether threads may write different pixels at once.
    apart: bool,
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
    /// Of the pixels to compute.
    pub(super) origins: &'a [u32],
    pub(super) places: &'a [u32],
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
        let apart = share::apart(&layer.window.places, channels);
        Ok(Self { isa, layer, input_needed, output_needed, apart })
    }

    /// Computes all output pixels.
    ///
    /// # Errors
    ///
    /// [`KernelError::Input`] and [`KernelError::Output`] when a slice is too short; the
    /// input needs [`SLACK`](crate::SLACK) elements behind the last one used.
    pub fn run(&self, input: &[f32], output: &mut [f32]) -> Result<(), KernelError> {
        layer::run(self, None, input, output)
    }

    /// [`run`](Self::run) on all threads of a pool.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn run_on(
        &self,
        pool: &Pool,
        input: &[f32],
        output: &mut [f32],
    ) -> Result<(), KernelError> {
        layer::run(self, Some(pool), input, output)
    }
}

impl Pixels for DepthwiseF32 {
    fn needed(&self) -> (usize, usize) {
        (self.input_needed, self.output_needed)
    }

    fn work(&self) -> (usize, usize) {
        let Window { origins, taps, channels, .. } = &self.layer.window;
        (origins.len(), taps.len() * channels)
    }

    fn are_apart(&self) -> bool {
        self.apart
    }

    unsafe fn compute(&self, pixels: Range<usize>, input: *const f32, output: *mut f32) {
        let Window { origins, places, .. } = &self.layer.window;
        let (origins, places) = (&origins[pixels.clone()], &places[pixels]);
        let job = &Job { layer: &self.layer, origins, places, input, output };
        match self.isa {
            // SAFETY: what the caller promises; `new` made sure of the instruction set.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Vnni => unsafe { avx512_depthwise::depthwise(job) },
            // SAFETY: the same.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { avx2::depthwise(job) },
            // SAFETY: the same.
            #[cfg(target_arch = "aarch64")]
            Isa::Neon | Isa::NeonDot => unsafe { neon::depthwise(job) },
            // SAFETY: the same.
            #[cfg(target_arch = "arm")]
            Isa::Neon => unsafe { arm::depthwise(job) },
            // SAFETY: what the caller promises.
            _ => unsafe { portable::depthwise(job) },
        }
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
