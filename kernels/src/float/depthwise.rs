//! Depthwise convolution: the public type and its checks.

use std::ops::Range;

#[cfg(target_arch = "arm")]
use super::arm;
#[cfg(target_arch = "aarch64")]
use super::neon;
use super::product::COST;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512_depthwise};
use super::{
    lanes::{self, LANES, Lanes},
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

// SAFETY: jobs that threads run at once read a shared buffer and write pixels of their
// own, whose places lie apart.
unsafe impl Sync for Job<'_> {}

impl Job<'_> {
    /// The same for fewer pixels.
    fn part(&self, pixels: Range<usize>) -> Self {
        let (origins, places) = (&self.origins[pixels.clone()], &self.places[pixels]);
        Self { origins, places, ..*self }
    }
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
        check::input(input, self.input_needed)?;
        check::output(output, self.output_needed)?;
        self.run_pixels(&self.job(input, output));
        Ok(())
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
        if !self.apart {
            return self.run(input, output);
        }
        check::input(input, self.input_needed)?;
        check::output(output, self.output_needed)?;
        let (whole, window) = (self.job(input, output), &self.layer.window);
        let products = window.taps.len() * window.channels * COST;
        share::pixels(pool, whole.origins.len(), products, |part| {
            self.run_pixels(&whole.part(part));
        });
        Ok(())
    }

    fn job(&self, input: &[f32], output: &mut [f32]) -> Job<'_> {
        let Window { origins, places, .. } = &self.layer.window;
        let (input, output) = (input.as_ptr(), output.as_mut_ptr());
        Job { layer: &self.layer, origins, places, input, output }
    }

    fn run_pixels(&self, job: &Job<'_>) {
        match self.isa {
            // SAFETY: the lengths were checked above, the instruction set in `new`.
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
            // SAFETY: the lengths were checked above.
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
