//! Depthwise weights as dot products of AVX-512 take them: taps interleaved by fours.

use super::{
    depthwise::{Filter, usual_step},
    reach::Reach,
};

/// Taps that one dot product takes.
pub(super) const TAPS: usize = 4;
/// Channels of the widest block.
const WIDEST: usize = 64;

/// All blocks of a filter.
#[derive(Debug, Clone)]
pub(super) struct Fours {
    pub(super) blocks: Vec<Block>,
    /// Of one pixel, and of two where that is less than twice the work.
    pub(super) reach: [Reach; 2],
    /// Distance of the origins of two such pixels; 0 where there are none.
    pub(super) step: usize,
}

/// Up to 64 channels. The order within is that of bytes interleaved by fours within lanes
/// of 16: vector `j` holds channels `16 * lane + 4 * j + e` at `4 * lane + e`.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub(super) first: usize,
    /// 16, 32 or 64.
    pub(super) width: usize,
    /// For one pixel, and for two neighbours that share taps.
    pub(super) weights: [Vec<i8>; 2],
    /// `[4 vectors][width / 4]`.
    pub(super) bias: Vec<i32>,
    pub(super) zero: Vec<i32>,
    pub(super) multiplier: Vec<f32>,
}

impl Fours {
    /// Finds out whether two neighbours read much of the same, as in a row of an image.
    pub(super) fn new(filter: &Filter) -> Self {
        let taps = &filter.window.taps;
        let one = Reach::of(taps, &[0]);
        let step = usual_step(&filter.window.origins);
        let two = Reach::of(taps, &[0, step]);
        let shares = step > 0 && two.taps.len() < 2 * one.taps.len();
        let reach = [one, if shares { two } else { Reach::default() }];
        let blocks = blocks(filter.window.channels);
        let blocks = blocks.map(|(first, width)| Block::new(filter, &reach, first, width));
        Self { blocks: blocks.collect(), step: if shares { step } else { 0 }, reach }
    }
}

impl Block {
    fn new(filter: &Filter, reach: &[Reach; 2], first: usize, width: usize) -> Self {
        let order: Vec<usize> = interleaved(width).map(|c| first + c).collect();
        let spread = |list: &[i32]| -> Vec<i32> {
            order.iter().map(|&c| list.get(c).copied().unwrap_or(0)).collect()
        };
        let multiplier = order.iter().map(|&c| filter.finish.multiplier.get(c).copied());
        Self {
            first,
            width,
            weights: [0, 1].map(|at| weights(filter, &reach[at], &order)),
            bias: spread(&filter.bias),
            zero: spread(&filter.zero),
            multiplier: multiplier.map(|found| found.unwrap_or(0.0)).collect(),
        }
    }
}

/// `[taps / 4][pixels][channels in this order][4 taps]`.
fn weights(filter: &Filter, reach: &Reach, order: &[usize]) -> Vec<i8> {
    let channels = filter.window.channels;
    let weight = |tap: usize, pixel: usize, c: usize| {
        let tap = reach.index.get(tap * reach.pixels + pixel).copied().flatten()?;
        filter.weights.get(tap * channels + c).copied().filter(|_| c < channels)
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
    all
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
