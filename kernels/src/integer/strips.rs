//! Depthwise weights as Neon takes them: taps in strips of up to three neighbours.
//!
//! Products of a strip are added in 16 bits where their weights allow it. Pixels whose
//! origins lie one or two taps apart read mostly the same columns, which are loaded once.

use super::{chains, filter::Filter, packed::BLOCK, reach::usual_step};

/// Taps of the longest strip.
pub(super) const LONGEST: usize = 3;

/// A filter in strips.
#[derive(Debug, Clone)]
pub(super) struct Strips {
    pub(super) list: Vec<Strip>,
    /// Distance of neighbouring taps in a strip.
    pub(super) pitch: usize,
    /// How many times that the origins of neighbouring pixels lie apart, where the kernel
    /// makes use of it: 1, 2, or 0 for anything else.
    pub(super) stride: usize,
    /// `[block of 16 channels][taps, strip by strip]`.
    pub(super) weights: Vec<Sixteen>,
    /// `[block of 16 channels][strips]`: how many products of the strip, 1 to 3, fit
    /// together in 16 bits.
    pub(super) chains: Vec<u8>,
}

/// Neighbouring taps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Strip {
    /// The first one, relative to the origin; the others follow at the pitch.
    pub(super) tap: usize,
    /// 1 to 3.
    pub(super) len: usize,
}

/// Weights of one tap.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(16))]
pub(super) struct Sixteen(pub(super) [i8; BLOCK]);

impl Strips {
    pub(super) fn new(filter: &Filter) -> Self {
        let window = &filter.window;
        let pitch = match window.taps.as_slice() {
            [first, second, ..] => second.saturating_sub(*first),
            _ => 0,
        };
        let step = usual_step(&window.origins);
        let stride =
            [1, 2].into_iter().find(|&stride| pitch > 0 && step == pitch.saturating_mul(stride));
        let list = list(&window.taps, pitch);
        let (mut weights, mut chains) = (Vec::new(), Vec::new());
        for first in (0..window.channels).step_by(BLOCK) {
            let mut tap = 0;
            for strip in &list {
                let strip: Vec<Sixteen> =
                    (tap..tap + strip.len).map(|tap| sixteen(filter, tap, first)).collect();
                tap += strip.len();
                chains.push(longest(&strip));
                weights.extend(strip);
            }
        }
        Self { list, pitch, stride: stride.unwrap_or(0), weights, chains }
    }
}

/// Cuts taps where the next one is not a pitch away.
fn list(taps: &[usize], pitch: usize) -> Vec<Strip> {
    let mut list: Vec<Strip> = Vec::new();
    for &tap in taps {
        match list.last_mut() {
            Some(last)
                if last.len < LONGEST
                    && pitch > 0
                    && tap.checked_sub(last.tap) == Some(last.len.saturating_mul(pitch)) =>
            {
                last.len += 1;
            }
            _ => list.push(Strip { tap, len: 1 }),
        }
    }
    list
}

/// Weights of 16 channels; those that do not exist are 0.
fn sixteen(filter: &Filter, tap: usize, first: usize) -> Sixteen {
    let channels = filter.window.channels;
    let row = filter.weights.get(tap * channels + first..(tap + 1) * channels);
    let mut sixteen = Sixteen([0; BLOCK]);
    sixteen.0.iter_mut().zip(row.unwrap_or_default()).for_each(|(to, &from)| *to = from);
    sixteen
}

/// The longest chain, 3, 2 or 1, that fits in 16 bits in every channel. Chains start with
/// the strip; what is left of it after a chain of two is one product.
fn longest(strip: &[Sixteen]) -> u8 {
    let holds = |&chain: &usize| {
        (0..BLOCK).all(|c| chains::fit(strip.iter().take(chain).map(|tap| tap.0[c])))
    };
    [3, 2].into_iter().find(holds).unwrap_or(1) as u8
}
