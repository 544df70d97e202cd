//! Which taps neighbouring pixels share.
//!
//! Interleaving taps costs more than multiplying them, so where two pixels of a row read
//! much of the same the taps of both are interleaved once, and each pixel has weights of
//! zero for those that only the other has.

use std::collections::HashMap;

use super::filter::TAPS;

/// The taps of some neighbouring pixels together, padded to whole dot products with taps
/// that weigh nothing.
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
#[derive(Debug, Clone, Default)]
pub(super) struct Reach {
    /// First channel of each tap, relative to the first pixel's origin.
    pub(super) taps: Vec<usize>,
    /// `[taps / 4][pixels]`: a byte of 1 for each tap that the pixel has.
    pub(super) presence: Vec<i32>,
    /// `[taps][pixels]`: index of the tap in the window.
    pub(super) index: Vec<Option<usize>>,
    pub(super) pixels: usize,
}

impl Reach {
    /// `shifts` are the origins of the pixels, relative to the first one's.
    pub(super) fn of(taps: &[usize], shifts: &[usize]) -> Self {
        // A tap that occurs again is another one.
        let count = |at: usize| taps[..at].iter().filter(|tap| **tap == taps[at]).count();
        let taps: Vec<(usize, usize)> = (0..taps.len()).map(|at| (taps[at], count(at))).collect();
        let shifted = |shift: usize| taps.iter().map(move |&(tap, time)| (tap + shift, time));
        let mut all: Vec<(usize, usize)> =
            shifts.iter().flat_map(|&shift| shifted(shift)).collect();
        all.sort_unstable();
        all.dedup();
        let places: HashMap<(usize, usize), usize> =
            taps.iter().enumerate().map(|(at, &tap)| (tap, at)).collect();
        let place = |(tap, time): (usize, usize), shift: usize| {
            places.get(&(tap.checked_sub(shift)?, time)).copied()
        };
        let mut index: Vec<Option<usize>> = all
            .iter()
            .flat_map(|&tap| shifts.iter().map(move |&shift| place(tap, shift)))
            .collect();
        let mut all: Vec<usize> = all.into_iter().map(|(tap, _)| tap).collect();
        let padded = all.len().next_multiple_of(TAPS);
        all.resize(padded, all.first().copied().unwrap_or(0));
        index.resize(padded * shifts.len(), None);
        let presence = (0..padded).step_by(TAPS).flat_map(|first| {
            let index = &index;
            (0..shifts.len()).map(move |pixel| {
                let has = |tap: usize| index.get(tap * shifts.len() + pixel).copied().flatten();
                let ones = (0..TAPS).map(|at| i32::from(has(first + at).is_some()) << (8 * at));
                ones.sum()
            })
        });
        Self { presence: presence.collect(), taps: all, index, pixels: shifts.len() }
    }
}

/// Whether no tap occurs twice.
pub(super) fn distinct(taps: &[usize]) -> bool {
    let mut sorted = taps.to_vec();
    sorted.sort_unstable();
    sorted.iter().zip(sorted.iter().skip(1)).all(|(a, b)| a != b)
}

/// The distance of most neighbouring origins; 0 where there is none.
pub(super) fn usual_step(origins: &[u32]) -> usize {
    let pairs = origins.iter().zip(origins.iter().skip(1));
    let steps = pairs.map(|(from, to)| to.checked_sub(*from).map_or(0, |step| step as usize));
    let first = steps.clone().next().unwrap_or(0);
    let same = steps.filter(|&step| step == first).count();
    if 2 * same > origins.len() { first } else { 0 }
}
