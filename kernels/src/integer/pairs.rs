//! Depthwise weights as AVX2 takes them: 16 bits, the taps in pairs.

use super::{depthwise::Filter, packed::BLOCK};

/// A filter in pairs of taps.
#[derive(Debug, Clone)]
pub(super) struct Pairs {
    /// The last one has the same tap twice where their number is odd.
    pub(super) taps: Vec<[usize; 2]>,
    /// `[pairs]`: 1 in each 16 bits for each tap that there is.
    pub(super) presence: Vec<i32>,
    /// `[block of 16 channels][pairs]`.
    pub(super) weights: Vec<Pair>,
}

/// Weights of a pair, `[channel in the order of the sums][2]`.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Pair(pub(super) [i16; 2 * BLOCK]);

impl Pairs {
    pub(super) fn new(filter: &Filter) -> Self {
        let pairs = filter.window.taps.chunks(2);
        let taps = pairs.clone().map(|pair| [pair[0], *pair.last().unwrap_or(&pair[0])]);
        let presence = pairs.map(|pair| if pair.len() == 2 { 0x1_0001 } else { 1 });
        let (taps, presence): (Vec<_>, Vec<_>) = (taps.collect(), presence.collect());
        let blocks = (0..filter.window.channels).step_by(BLOCK);
        let count = taps.len();
        let weights =
            blocks.flat_map(|first| (0..count).map(move |at| Pair::new(filter, first, 2 * at)));
        let weights = weights.collect();
        Self { taps, presence, weights }
    }
}

impl Pair {
    fn new(filter: &Filter, first: usize, tap: usize) -> Self {
        let channels = filter.window.channels;
        let weight = |tap: usize, c: usize| {
            let weight = filter.weights.get(tap * channels + c).filter(|_| c < channels);
            weight.map_or(0, |&weight| i16::from(weight))
        };
        let mut pair = Self([0; 2 * BLOCK]);
        for (to, c) in pair.0.as_chunks_mut::<2>().0.iter_mut().zip(order()) {
            *to = [weight(tap, first + c), weight(tap + 1, first + c)];
        }
        pair
    }
}

/// Channels of the two vectors of sums: that in which interleaving within lanes leaves them
/// and packing takes them.
pub(super) fn order() -> impl Iterator<Item = usize> {
    [0, 8, 4, 12].into_iter().flat_map(|first| first..first + 4)
}
