//! Depthwise convolution on codes: the public type, its packing and its checks.

use std::ops::Range;

#[cfg(target_arch = "arm")]
use super::arm;
#[cfg(target_arch = "x86_64")]
use super::{avx2_depthwise, avx512_depthwise};
use super::{
    finish::{Finish, Spread},
    fold,
    packed::{BLOCK, Line, Panel, lines},
    portable_depthwise,
    product::Target,
    range::{DEEPEST, Row},
    reach::{Reach, distinct, usual_step},
};
#[cfg(target_arch = "aarch64")]
use super::{neon_depthwise, strips::Strips};
use crate::{Isa, KernelError, Pool, Window, check, share, window::Together};

/// Channels of the widest block.
pub(super) const WIDEST: usize = 64;
/// Taps that one dot product takes.
pub(super) const TAPS: usize = 4;

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

/// What an implementation needs to know besides the two buffers.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    pub(super) window: Window,
    /// `[taps][channels]` and a block behind them that may be read.
    pub(super) weights: Vec<i8>,
    /// Per channel; empty where all are 0.
    pub(super) zero: Vec<i32>,
    /// Constant part of every sum.
    pub(super) bias: Vec<i32>,
    pub(super) finish: Spread,
    /// The same weights and parameters as dot products take them.
    pub(super) blocks: Vec<Block>,
    /// Of one pixel, and of two where that is less than twice the work.
    pub(super) reach: [Reach; 2],
    /// Distance of the origins of two such pixels; 0 where there are none.
    pub(super) step: usize,
}

/// Up to 64 channels. The order within is that of bytes interleaved by fours within lanes
/// of 16: vector `j` holds channels `16 * lane + 4 * j + e` at `4 * lane + e`.
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub(super) first: usize,
    /// 16, 32 or 64.
    pub(super) width: usize,
    /// For one pixel, and for two neighbours that share taps.
    pub(super) weights: [Vec<Panel>; 2],
    /// `[4 vectors][width / 4]`.
    pub(super) bias: Vec<Line<i32>>,
    pub(super) zero: Vec<Line<i32>>,
    pub(super) multiplier: Vec<Line<f32>>,
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

/// What a filter sums, as the caller has it.
#[derive(Debug, Clone, Copy)]
struct Sum<'a> {
    /// `[taps][channels]`.
    weights: &'a [i8],
    /// Per channel, or empty.
    zero: &'a [i8],
    /// Per channel, or empty.
    bias: &'a [i32],
    input_zero: u8,
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

impl Filter {
    fn new(isa: Isa, window: Window, sum: Sum<'_>, finish: Finish) -> Result<Self, KernelError> {
        let channels = window.channels;
        let used = sum.zero.iter().any(|&zero| zero != 0);
        let zero: Vec<i32> = sum.zero.iter().map(|&zero| i32::from(zero)).collect();
        let mut filter = Self {
            window,
            weights: sum.weights.to_vec(),
            zero: if used { zero } else { Vec::new() },
            bias: Vec::new(),
            finish: Spread::new(finish, channels, channels.next_multiple_of(BLOCK))?,
            blocks: Vec::new(),
            reach: Default::default(),
            step: 0,
        };
        filter.share_taps();
        let constant = |c| filter.constant_part(isa, c, sum);
        filter.bias = (0..channels).map(constant).collect::<Result<_, _>>()?;
        filter.pad();
        filter.blocks = blocks(channels).map(|(first, width)| filter.block(first, width)).collect();
        Ok(filter)
    }

    fn constant_part(&self, isa: Isa, c: usize, sum: Sum<'_>) -> Result<i32, KernelError> {
        let weights = self.weights.iter().skip(c).step_by(self.window.channels);
        let total: i64 = weights.clone().map(|&weight| i64::from(weight)).sum();
        let lost = i64::from(isa.input_offset()) * total;
        let row = Row {
            weights,
            weight_zero: sum.zero.get(c).copied().unwrap_or(0),
            input_zero: sum.input_zero,
            bias: sum.bias.get(c).copied().unwrap_or(0),
        };
        // Only the low 32 bits count: sums wrap, and the last one fits.
        Ok(row.constant_part()?.wrapping_add(lost as i32))
    }

    /// Lengthens all lists so that blocks can be read whole.
    fn pad(&mut self) {
        let padded = self.window.channels.next_multiple_of(BLOCK);
        self.weights.resize(self.weights.len() + BLOCK, 0);
        self.bias.resize(padded, 0);
        if !self.zero.is_empty() {
            self.zero.resize(padded, 0);
        }
    }

    /// Finds out whether two neighbours read much of the same, as in a row of an image.
    fn share_taps(&mut self) {
        let taps = &self.window.taps;
        let one = Reach::of(taps, &[0]);
        let step = usual_step(&self.window.origins);
        let two = Reach::of(taps, &[0, step]);
        let shares = step > 0 && two.taps.len() < 2 * one.taps.len();
        self.step = if shares { step } else { 0 };
        self.reach = [one, if shares { two } else { Reach::default() }];
    }

    fn block(&self, first: usize, width: usize) -> Block {
        let order: Vec<usize> = interleaved(width).map(|c| first + c).collect();
        let spread = |list: &[i32]| {
            let found = order.iter().map(|&c| list.get(c).copied().unwrap_or(0));
            lines(&found.collect::<Vec<_>>())
        };
        let multiplier = order.iter().map(|&c| self.finish.multiplier.get(c).copied());
        let multiplier: Vec<f32> = multiplier.map(Option::unwrap_or_default).collect();
        Block {
            first,
            width,
            weights: [0, 1].map(|at| self.weights_of(&self.reach[at], &order)),
            bias: spread(&self.bias),
            zero: spread(&self.zero),
            multiplier: lines(&multiplier),
        }
    }

    /// `[taps / 4][pixels][channels in this order][4 taps]`.
    fn weights_of(&self, reach: &Reach, order: &[usize]) -> Vec<Panel> {
        let channels = self.window.channels;
        let weight = |tap: usize, pixel: usize, c: usize| {
            let tap = reach.index.get(tap * reach.pixels + pixel).copied().flatten()?;
            self.weights.get(tap * channels + c).copied().filter(|_| c < channels)
        };
        let mut all = Vec::with_capacity(reach.taps.len() * reach.pixels * order.len());
        for first in (0..reach.taps.len()).step_by(TAPS) {
            for pixel in 0..reach.pixels {
                for &c in order {
                    let four = first..first + TAPS;
                    all.extend(four.map(|tap| weight(tap, pixel, c).unwrap_or(0)));
                }
            }
        }
        all.as_chunks().0.iter().map(|&bytes| Panel(bytes)).collect()
    }
}

/// First channel and width of each block.
fn blocks(channels: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..channels).step_by(WIDEST).map(move |first| match channels - first {
        ..=16 => (first, 16),
        17..=32 => (first, 32),
        _ => (first, WIDEST),
    })
}

/// Channels in the order in which interleaving leaves them.
fn interleaved(width: usize) -> impl Iterator<Item = usize> {
    (0..4).flat_map(move |vector| {
        (0..width / 16).flat_map(move |lane| (0..4).map(move |e| lane * 16 + vector * 4 + e))
    })
}
