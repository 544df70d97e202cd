//! How many products of signed bytes 16 bits can hold, given their weights.
//!
//! An input is at most 128 in magnitude, so products add up safely while the magnitudes of
//! their weights sum to at most [`MOST`]. Any one product fits; two fit unless both weights
//! are -128; for four or more it depends on the weights, which are known when packing.

use super::packed::{GROUP, Panel};
use crate::Geometry;

/// 128 times this is below 2^15.
const MOST: u32 = 255;
/// Groups of a chunk.
const CHUNK: usize = 4;

/// `[block][chunk of a run]`: the longest chain, 4, 2 or 1, that no lane overflows.
pub(super) fn of(geometry: &Geometry, panels: &[Panel]) -> Vec<u8> {
    let runs = geometry.runs.iter().map(|run| run.len.div_ceil(GROUP));
    let groups: usize = runs.clone().sum();
    let mut chains = Vec::new();
    for mut block in panels.chunks(groups.max(1)) {
        for groups in runs.clone() {
            let (run, rest) = block.split_at(groups.min(block.len()));
            chains.extend(run.chunks(CHUNK).map(longest));
            block = rest;
        }
    }
    chains
}

fn longest(chunk: &[Panel]) -> u8 {
    let holds = |&chain: &u8| {
        chunk.chunks(usize::from(chain)).all(|part| {
            (0..chunk[0].0.len()).all(|lane| fit(part.iter().map(|panel| panel.0[lane])))
        })
    };
    [4, 2].into_iter().find(holds).unwrap_or(1)
}

/// Whether products with these weights, in any order and number, fit in 16 bits.
pub(super) fn fit(weights: impl Iterator<Item = i8>) -> bool {
    weights.map(|weight| u32::from(weight.unsigned_abs())).sum::<u32>() <= MOST
}
