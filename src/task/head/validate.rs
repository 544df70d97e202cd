//! How good a head would be on samples it has not seen: stratified cross-validation.

use nalgebra::{DMatrix, RowDVector};

use super::{DEAR, check, fit_linear};
use crate::base::random::SplitMix64;
use crate::task::{Estimate, Undefined, wilson};

pub(super) const FOLDS: usize = 5;
pub(super) const REPEATS: u64 = 3;
/// Fixed, so that equal features give an equal estimate everywhere.
pub(super) const SEED: u64 = 0x666f_6c64;

/// Accuracy of a head on samples left out of its fit, with a 95 % interval.
///
/// Five stratified folds (fewer where a class has fewer samples), three times over with
/// other folds. Every part of the fit, standardisation included, sees only the training
/// folds, and nothing is tuned on them. The interval is Wilson's for as many trials as
/// there are samples: repeating a split makes no new samples.
///
/// # Errors
/// [`Undefined`] where a class has a single sample, or the head cannot be fitted.
pub fn cross_validate(features: &DMatrix<f64>, labels: &[u32]) -> Result<Estimate, Undefined> {
    let classes = labels.iter().max().map_or(0, |highest| *highest as usize + 1);
    check(features, labels, classes)?;
    let members: Vec<Vec<usize>> = (0..classes)
        .map(|class| members(labels, class))
        .filter(|found| !found.is_empty())
        .collect();
    let folds = members.iter().map(Vec::len).min().unwrap_or(0).min(FOLDS);
    if folds < 2 {
        return Err(Undefined("a class with a single sample cannot be left out".to_owned()));
    }
    let span = features.nrows().min(features.ncols());
    let repeats = if features.nrows() * span * classes > DEAR { 1 } else { REPEATS };
    let mut right = 0;
    for repeat in 0..repeats {
        let fold_of = assign(&members, labels.len(), folds, SEED + repeat);
        for fold in 0..folds {
            right += right_in(features, labels, classes, &fold_of, fold)?;
        }
    }
    Ok(wilson(right as f64 / repeats as f64, labels.len() as f64))
}

fn members(labels: &[u32], class: usize) -> Vec<usize> {
    let of_class = labels.iter().enumerate().filter(|(_, label)| **label as usize == class);
    of_class.map(|(at, _)| at).collect()
}

/// A fold for every sample; each class is dealt out evenly, one class after the other.
pub(super) fn assign(
    members: &[Vec<usize>],
    samples: usize,
    folds: usize,
    seed: u64,
) -> Vec<usize> {
    let mut random = SplitMix64::new(seed);
    let mut fold_of = vec![0; samples];
    let mut next = 0;
    for class in members {
        let mut class = class.clone();
        random.shuffle(&mut class);
        for at in class {
            if let Some(fold) = fold_of.get_mut(at) {
                *fold = next % folds;
            }
            next += 1;
        }
    }
    fold_of
}

/// How many samples of a fold a head fitted on the others gets right.
fn right_in(
    features: &DMatrix<f64>,
    labels: &[u32],
    classes: usize,
    fold_of: &[usize],
    fold: usize,
) -> Result<usize, Undefined> {
    let (held, training): (Vec<usize>, Vec<usize>) =
        (0..labels.len()).partition(|at| fold_of.get(*at) == Some(&fold));
    let chosen: Vec<u32> = training.iter().filter_map(|at| labels.get(*at).copied()).collect();
    let linear = fit_linear(&features.select_rows(&training), &chosen, classes)?;
    let is_right = |at: &&usize| {
        let row: RowDVector<f64> = features.row(**at).into_owned();
        labels.get(**at).is_some_and(|label| linear.classify(&row) == *label as usize)
    };
    Ok(held.iter().filter(is_right).count())
}
