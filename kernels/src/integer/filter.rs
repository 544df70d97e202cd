//! The filter of a depthwise convolution, packed for every implementation.

use super::{
    finish::{Finish, Spread},
    packed::{BLOCK, Line, Panel, lines},
    range::Row,
    reach::{Reach, usual_step},
};
use crate::{Isa, KernelError, Window};

/// Channels of the widest block.
pub(super) const WIDEST: usize = 64;
/// Taps that one dot product takes.
pub(super) const TAPS: usize = 4;

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

/// What a filter sums, as the caller has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sum<'a> {
    /// `[taps][channels]`.
    pub(super) weights: &'a [i8],
    /// Per channel, or empty.
    pub(super) zero: &'a [i8],
    /// Per channel, or empty.
    pub(super) bias: &'a [i32],
    pub(super) input_zero: u8,
}

impl Filter {
    pub(super) fn new(
        isa: Isa,
        window: Window,
        sum: Sum<'_>,
        finish: Finish,
    ) -> Result<Self, KernelError> {
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
