//! Depthwise convolution on codes: the public type and its checks.

use std::ops::Range;

#[cfg(target_arch = "arm")]
use super::arm;
#[cfg(target_arch = "x86_64")]
use super::{avx2_depthwise, avx512_depthwise};
use super::{
    filter::{Filter, Sum, WIDEST},
    finish::Finish,
    fold,
    packed::BLOCK,
    portable_depthwise,
    product::Target,
    range::DEEPEST,
    reach::distinct,
};
#[cfg(target_arch = "aarch64")]
use super::{neon_depthwise, strips::Strips};
use crate::{Isa, KernelError, Pool, Window, check, share, window::Together};

/// Depthwise convolution in integers, one filter per channel.
///
/// The sum of channel `c` at pixel `i` is
/// `bias[c] + sum_t (x[origins[i] + taps[t] + c] - input_zero) * (w[t][c] - weight_zero[c])`.
#[derive(Debug, Clone)]
pub struct Depthwise8 {
    isa: Isa,
    parts: Vec<Part>,
    input_needed: usize,
    output_needed: usize,
    /// Whether threads may write different pixels at once.
    apart: bool,
}

/// Some of the pixels.
#[derive(Debug, Clone)]
struct Part {
    filter: Filter,
    #[cfg(target_arch = "aarch64")]
    strips: Strips,
}

/// One call; reads and writes lie within the buffers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) filter: &'a Filter,
    pub(super) input: *const u8,
    pub(super) target: Target,
    pub(super) from: usize,
    pub(super) to: usize,
}

// SAFETY: jobs that threads run at once read a shared buffer and write pixels of their
// own, whose places lie apart.
unsafe impl Sync for Job<'_> {}

impl Job<'_> {
    /// The same for fewer pixels.
    fn part(&self, pixels: Range<usize>) -> Self {
        Self { from: pixels.start, to: pixels.end, ..*self }
    }
}

impl Depthwise8 {
    /// Packs `weights`, `[taps][channels]`. `weight_zero` and `bias` have one value per
    /// channel or are empty. An `isa` that this processor lacks becomes [`Isa::Scalar`].
    ///
    /// # Errors
    ///
    /// [`KernelError::Parameters`] when numbers do not fit together, or some input makes
    /// a sum of more than 32 bits.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        isa: Isa,
        window: Window,
        weights: &[i8],
        weight_zero: &[i8],
        bias: &[i32],
        input_zero: u8,
        finish: Finish,
    ) -> Result<Self, KernelError> {
        let (count, channels) = (window.taps.len(), window.channels);
        let (input_needed, output_needed) = window.needed()?;
        let fits = |length: usize| length == 0 || length == channels;
        check::fits(channels > 0 && (1..=DEEPEST).contains(&count), "channels and taps")?;
        check::fits(count.checked_mul(channels) == Some(weights.len()), "weights")?;
        check::fits(distinct(&window.taps), "taps")?;
        check::fits(fits(weight_zero.len()), "zero points")?;
        check::fits(fits(bias.len()), "biases")?;
        let isa = if isa.detected() { isa } else { Isa::Scalar };
        let apart = share::apart(&window.places, channels);
        let folded = fold::depthwise(weights, weight_zero);
        let sum = match &folded {
            Some(fold::Folded { weights, .. }) => Sum { weights, zero: &[], bias, input_zero },
            None => Sum { weights, zero: weight_zero, bias, input_zero },
        };
        let again = folded.iter().flat_map(|folded| &folded.again);
        let again: Vec<usize> = again.map(|&tap| window.taps[tap as usize]).collect();
        let taps = [window.taps.as_slice(), &again].concat();
        let parts = parts(isa, Window { taps, ..window }, sum, finish)?;
        Ok(Self { isa, parts, input_needed, output_needed, apart })
    }

    /// Computes codes.
    ///
    /// # Errors
    ///
    /// As [`Product8::run_codes`](super::Product8::run_codes).
    pub fn run_codes(&self, input: &[u8], output: &mut [u8]) -> Result<(), KernelError> {
        self.makes(true)?;
        check::input(input, self.input_needed)?;
        check::output(output, self.output_needed)?;
        self.run_whole(input, Target::Codes(output.as_mut_ptr()));
        Ok(())
    }

    /// Computes reals.
    ///
    /// # Errors
    ///
    /// As [`Product8::run_codes`](super::Product8::run_codes).
    pub fn run_reals(&self, input: &[u8], output: &mut [f32]) -> Result<(), KernelError> {
        self.makes(false)?;
        check::input(input, self.input_needed)?;
        check::output(output, self.output_needed)?;
        self.run_whole(input, Target::Reals(output.as_mut_ptr()));
        Ok(())
    }

    /// [`run_codes`](Depthwise8::run_codes) on all threads of a pool.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn run_codes_on(
        &self,
        pool: &Pool,
        input: &[u8],
        output: &mut [u8],
    ) -> Result<(), KernelError> {
        self.makes(true)?;
        check::input(input, self.input_needed)?;
        check::output(output, self.output_needed)?;
        self.run(pool, input, Target::Codes(output.as_mut_ptr()));
        Ok(())
    }

    /// [`run_reals`](Depthwise8::run_reals) on all threads of a pool.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn run_reals_on(
        &self,
        pool: &Pool,
        input: &[u8],
        output: &mut [f32],
    ) -> Result<(), KernelError> {
        self.makes(false)?;
        check::input(input, self.input_needed)?;
        check::output(output, self.output_needed)?;
        self.run(pool, input, Target::Reals(output.as_mut_ptr()));
        Ok(())
    }

    fn makes(&self, codes: bool) -> Result<(), KernelError> {
        self.parts.iter().try_for_each(|part| part.filter.finish.makes(codes))
    }

    fn run(&self, pool: &Pool, input: &[u8], target: Target) {
        if !self.apart {
            return self.run_whole(input, target);
        }
        for part in &self.parts {
            let (whole, window) = (part.job(input, target), &part.filter.window);
            // A product here costs several times one of a convolution.
            let products = window.taps.len() * window.channels * 4;
            share::pixels(pool, window.origins.len(), products, |pixels| {
                part.run(self.isa, &whole.part(pixels));
            });
        }
    }

    fn run_whole(&self, input: &[u8], target: Target) {
        self.parts.iter().for_each(|part| part.run(self.isa, &part.job(input, target)));
    }
}

impl Part {
    fn new(isa: Isa, window: Window, sum: Sum<'_>, finish: Finish) -> Result<Self, KernelError> {
        let filter = Filter::new(isa, window, sum, finish)?;
        Ok(Self {
            #[cfg(target_arch = "aarch64")]
            strips: Strips::new(&filter),
            filter,
        })
    }

    fn job(&self, input: &[u8], target: Target) -> Job<'_> {
        let to = self.filter.window.origins.len();
        Job { filter: &self.filter, input: input.as_ptr(), target, from: 0, to }
    }

    fn run(&self, isa: Isa, job: &Job<'_>) {
        match isa {
            // SAFETY: the lengths were compared with what is touched; `new` made sure of
            // the instruction set.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Vnni => unsafe { avx512_depthwise::depthwise(job) },
            // SAFETY: the same.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { avx2_depthwise::depthwise(job) },
            // SAFETY: the same; the strips are those of the filter.
            #[cfg(target_arch = "aarch64")]
            Isa::Neon | Isa::NeonDot => unsafe { neon_depthwise::depthwise(job, &self.strips) },
            // SAFETY: the same.
            #[cfg(target_arch = "arm")]
            Isa::Neon => unsafe { arm::depthwise(job) },
            // SAFETY: the same lengths.
            _ => unsafe { portable_depthwise::depthwise(job) },
        }
    }
}

/// All pixels, those of few channels taken together.
fn parts(isa: Isa, window: Window, sum: Sum<'_>, finish: Finish) -> Result<Vec<Part>, KernelError> {
    let lanes = match isa {
        Isa::Scalar => 0,
        Isa::Avx512Vnni => WIDEST,
        _ => BLOCK,
    };
    let Some(Together { count, wide, rest }) = window.together(lanes) else {
        return Ok(vec![Part::new(isa, window, sum, finish)?]);
    };
    let weights: Vec<i8> =
        sum.weights.chunks(rest.channels).flat_map(|row| row.repeat(count)).collect();
    let (zero, bias) = (sum.zero.repeat(count), sum.bias.repeat(count));
    let repeated = Sum { weights: &weights, zero: &zero, bias: &bias, ..sum };
    let mut parts = vec![Part::new(isa, wide, repeated, finish.clone().repeated(count))?];
    if !rest.origins.is_empty() {
        parts.push(Part::new(isa, rest, sum, finish)?);
    }
    Ok(parts)
}
