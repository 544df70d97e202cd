//! Zero points of weights, taken off the weights themselves.
//!
//! A kernel that knows nothing of zero points needs no sums of its inputs. The difference of
//! a weight and its zero point has nine bits and a kernel's weight eight, but hardly any
//! weight needs the ninth: for the few that do the same inputs are read a second time,
//! multiplied with what the byte could not hold. Sums are the same, to the bit.

use super::packed::{GROUP, Sum};
use crate::{Geometry, Run};

/// Groups that are read again at most, whatever the length of the sum: what zero points cost
/// otherwise does not depend on it.
const FEW: usize = 4;
/// Of this many groups one may be read again in any case.
const SHARE: usize = 8;

/// Weights without zero points.
#[derive(Debug)]
pub(super) struct Folded {
    /// What is read a second time, behind everything else: groups or taps.
    pub(super) again: Vec<u32>,
    pub(super) weights: Vec<i8>,
}

/// What a byte holds of a weight less its zero point.
fn held(weight: i8, zero: i8) -> i8 {
    weight.saturating_sub(zero)
}

/// What it does not hold; none where a second byte does not hold that.
fn rest(weight: i8, zero: i8) -> Option<i8> {
    let difference = i16::from(weight) - i16::from(zero);
    i8::try_from(difference - i16::from(held(weight, zero))).ok()
}

/// Whether there is any such weight.
fn exceeds(row: &[i8], zero: i8) -> bool {
    // Without a branch for each weight this is done in vectors.
    row.iter().fold(false, |any, &weight| any | (held(weight, zero) != weight.wrapping_sub(zero)))
}

/// The groups of a sum: first element and inputs of each.
pub(super) fn groups(geometry: &Geometry) -> Vec<(usize, Run)> {
    let (mut groups, mut start) = (Vec::new(), 0);
    for run in &geometry.runs {
        let of_run = (0..run.len)
            .step_by(GROUP)
            .map(|at| (start + at, Run { offset: run.offset + at, len: GROUP.min(run.len - at) }));
        groups.extend(of_run);
        start += run.len;
    }
    groups
}

/// The weights of a product, `[outputs][depth and what is read again]`; none where they have
/// no zero points or too much would be read again. The numbers of weights and zero points
/// fit the geometry.
pub(super) fn product(geometry: &Geometry, sum: &Sum<'_>) -> Option<Folded> {
    let (groups, depth) = (groups(geometry), geometry.depth());
    let rows = || sum.weights.chunks_exact(depth).zip(sum.zero.iter().copied());
    let mut excess = vec![false; depth];
    for (row, zero) in rows().filter(|(row, zero)| exceeds(row, *zero)) {
        for (excess, &weight) in excess.iter_mut().zip(row) {
            *excess |= rest(weight, zero)? != 0;
        }
    }
    let of = |(start, run): &(usize, Run)| *start..*start + run.len;
    let (again, read): (Vec<u32>, Vec<_>) = (0..)
        .zip(groups.iter().map(of))
        .filter(|(_, group)| excess[group.clone()].contains(&true))
        .unzip();
    if sum.zero.is_empty() || again.len() > FEW.max(groups.len() / SHARE) {
        return None;
    }
    let mut weights = Vec::with_capacity(sum.weights.len() + sum.outputs * again.len() * GROUP);
    for (row, zero) in rows() {
        weights.extend(row.iter().map(|&weight| held(weight, zero)));
        let again = read.iter().flat_map(|group| &row[group.clone()]);
        weights.extend(again.map(|&weight| rest(weight, zero).unwrap_or(0)));
    }
    Some(Folded { again, weights })
}

/// The geometry with some groups read again; none where it has no such group.
pub(super) fn reread(geometry: &Geometry, again: &[u32]) -> Option<Geometry> {
    let groups = groups(geometry);
    let mut wider = geometry.clone();
    for &group in again {
        wider.runs.push(groups.get(group as usize)?.1);
    }
    Some(wider)
}

/// The weights of a depthwise convolution, `[taps and those read again][channels]`.
pub(super) fn depthwise(weights: &[i8], zero: &[i8]) -> Option<Folded> {
    let (mut again, mut helds, mut rests) = (Vec::new(), Vec::new(), Vec::new());
    for (tap, row) in (0..).zip(weights.chunks_exact(zero.len().max(1))) {
        let pairs = || row.iter().copied().zip(zero.iter().copied());
        helds.extend(pairs().map(|(weight, zero)| held(weight, zero)));
        let over = pairs().map(|(weight, zero)| rest(weight, zero)).collect::<Option<Vec<i8>>>()?;
        if over.iter().any(|&rest| rest != 0) {
            again.push(tap);
            rests.extend(over);
        }
    }
    let taps = weights.len() / zero.len().max(1);
    let worth = !zero.is_empty() && again.len() <= (taps / 2).max(FEW.min(taps));
    helds.extend(rests);
    worth.then_some(Folded { again, weights: helds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_of_nine_bits_is_two_bytes() {
        let split = |weight, zero| (held(weight, zero), rest(weight, zero));
        assert_eq!(split(100, -27), (127, Some(0)));
        assert_eq!(split(100, -28), (127, Some(1)));
        assert_eq!(split(-128, 127), (-128, Some(-127)));
        assert_eq!(split(127, -128), (127, None));
        assert!(exceeds(&[5, 100], -28) && !exceeds(&[5, 100], -27));
    }

    #[test]
    fn only_the_group_of_an_excessive_weight_is_read_again() {
        let runs = vec![Run { offset: 0, len: 6 }, Run { offset: 20, len: 5 }];
        let geometry = Geometry { origins: vec![0], runs, places: vec![0] };
        let mut weights = [3; 22];
        weights[11 + 7] = 120;
        let sum = Sum { outputs: 2, weights: &weights, zero: &[0, -10], bias: &[], input_zero: 0 };
        let folded = product(&geometry, &sum).unwrap();
        assert_eq!(folded.again, [2]);
        let first = [[3; 11].as_slice(), &[0; 4]].concat();
        let mut second = [[13; 11].as_slice(), &[0, 3, 0, 0]].concat();
        second[7] = 127;
        assert_eq!(folded.weights, [first, second].concat());
        let wider = reread(&geometry, &folded.again).unwrap();
        assert_eq!(wider.runs[2], Run { offset: 20, len: 4 });
        assert_eq!(reread(&geometry, &[4]), None);
    }

    #[test]
    fn weights_that_mostly_exceed_keep_their_zero_points() {
        let geometry =
            Geometry { origins: vec![0], runs: vec![Run { offset: 0, len: 40 }], places: vec![0] };
        let sum = Sum { outputs: 1, weights: &[120; 40], zero: &[-60], bias: &[], input_zero: 0 };
        assert!(product(&geometry, &sum).is_none());
        assert!(depthwise(&[120; 90], &[-60; 10]).is_none());
        let mut weights = [5; 90];
        weights[33] = 100;
        let folded = depthwise(&weights, &[-60; 10]).unwrap();
        assert_eq!((folded.again, folded.weights.len()), (vec![3], 100));
        assert_eq!(folded.weights[93], 33);
    }
}
