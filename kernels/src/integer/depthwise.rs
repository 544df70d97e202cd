//! Depthwise convolution on codes: the public type, its packing and its checks.

use std::ops::Range;

use super::{
    finish::{Finish, Spread},
    order::Order,
    packed::BLOCK,
    product::Target,
    range::{DEEPEST, Row},
    share,
};
use crate::{Isa, KernelError, Pool, Window, check};

/// Depthwise convolution in integers, one filter per channel.
///
/// The sum of channel `c` at pixel `i` is
/// `bias[c] + sum_t (x[origins[i] + taps[t] + c] - input_zero) * (w[t][c] - weight_zero[c])`.
#[derive(Debug, Clone)]
pub struct Depthwise8 {
    filter: Filter,
    order: Order,
    input_needed: usize,
    output_needed: usize,
    /// Whether threads may write different pixels at once.
    apart: bool,
}

/// What an implementation needs to know besides the two buffers.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    pub(super) window: Window,
    /// `[taps][channels]`.
    pub(super) weights: Vec<i8>,
    /// Per channel, padded to a multiple of 16; empty where all are 0.
    pub(super) zero: Vec<i32>,
    /// Constant part of every sum, padded likewise.
    pub(super) bias: Vec<i32>,
    pub(super) finish: Spread,
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
        let padded = channels.next_multiple_of(BLOCK);
        let finish = Spread::new(finish, channels, padded)?;
        let used = weight_zero.iter().any(|&zero| zero != 0);
        let mut zero: Vec<i32> = weight_zero.iter().map(|&zero| i32::from(zero)).collect();
        zero.resize(padded, 0);
        let mut filter = Filter {
            window,
            weights: weights.to_vec(),
            zero: if used { zero } else { Vec::new() },
            bias: Vec::new(),
            finish,
        };
        let parts =
            (0..channels).map(|c| filter.constant_part(isa, c, weight_zero, bias, input_zero));
        filter.bias = parts.collect::<Result<_, _>>()?;
        filter.bias.resize(padded, 0);
        let order = Order::of(isa, &filter);
        let apart = share::apart(&filter.window.places, channels);
        Ok(Self { filter, order, input_needed, output_needed, apart })
    }

    /// Computes codes.
    ///
    /// # Errors
    ///
    /// As [`Product8::run_codes`](super::Product8::run_codes).
    pub fn run_codes(&self, input: &[u8], output: &mut [u8]) -> Result<(), KernelError> {
        self.filter.finish.makes(true)?;
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
        self.filter.finish.makes(false)?;
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
        self.filter.finish.makes(true)?;
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
        self.filter.finish.makes(false)?;
        check::input(input, self.input_needed)?;
        check::output(output, self.output_needed)?;
        self.run(pool, input, Target::Reals(output.as_mut_ptr()));
        Ok(())
    }

    fn run(&self, pool: &Pool, input: &[u8], target: Target) {
        let window = &self.filter.window;
        if !self.apart {
            return self.run_whole(input, target);
        }
        let whole = self.job(input, target);
        // A product here costs several times one of a convolution.
        let products = window.taps.len() * window.channels * 4;
        share::pixels(pool, window.origins.len(), products, |part| {
            self.run_pixels(&whole.part(part));
        });
    }

    fn run_whole(&self, input: &[u8], target: Target) {
        self.run_pixels(&self.job(input, target));
    }

    fn job(&self, input: &[u8], target: Target) -> Job<'_> {
        let to = self.filter.window.origins.len();
        Job { filter: &self.filter, input: input.as_ptr(), target, from: 0, to }
    }

    fn run_pixels(&self, job: &Job<'_>) {
        // SAFETY: the lengths were compared with what is touched, and `new` made sure of
        // the instruction set.
        unsafe { self.order.depthwise(job) }
    }
}

impl Filter {
    /// Where a kernel takes an offset off every input, this adds what the sum loses by it.
    fn constant_part(
        &self,
        isa: Isa,
        c: usize,
        weight_zero: &[i8],
        bias: &[i32],
        input_zero: u8,
    ) -> Result<i32, KernelError> {
        let weights = self.weights.iter().skip(c).step_by(self.window.channels);
        let total: i64 = weights.clone().map(|&weight| i64::from(weight)).sum();
        let row = Row {
            weights,
            weight_zero: weight_zero.get(c).copied().unwrap_or(0),
            input_zero,
            bias: bias.get(c).copied().unwrap_or(0),
        };
        let lost = i64::from(isa.input_offset()) * total;
        // Only the low 32 bits count: sums wrap, and the last one fits.
        Ok(row.constant_part()?.wrapping_add(lost as i32))
    }
}

/// Whether no tap occurs twice.
fn distinct(taps: &[usize]) -> bool {
    let mut sorted = taps.to_vec();
    sorted.sort_unstable();
    sorted.iter().zip(sorted.iter().skip(1)).all(|(a, b)| a != b)
}

/// The distance of most neighbouring origins; 0 where there is none.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(super) fn usual_step(origins: &[u32]) -> usize {
    let pairs = origins.iter().zip(origins.iter().skip(1));
    let steps = pairs.map(|(from, to)| to.checked_sub(*from).map_or(0, |step| step as usize));
    let first = steps.clone().next().unwrap_or(0);
    let same = steps.filter(|&step| step == first).count();
    if 2 * same > origins.len() { first } else { 0 }
}
