//! A head for real targets: ridge regression on standardised features, and how good it is on
//! samples it has not seen.

use nalgebra::{DMatrix, RowDVector};
use serde::{Deserialize, Serialize};

use super::standard::Standardised;
use super::validate::{FOLDS, REPEATS, SEED, assign};
use super::{Linear, ridge};
use crate::model::Head;
use crate::task::{Estimate, Undefined};

/// How well a head explains a target.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TargetFit {
    /// Share of the target's variance explained (R²) with a 95 % interval: 1 at best, 0 for a
    /// head that always gives the mean, below 0 for a worse one.
    pub r2: Estimate,
    /// Mean absolute error, in the target's unit.
    pub mae: f64,
}

/// R² and mean absolute error of a ridge head on samples left out of its fit: five folds, three
/// times over with other folds, nothing tuned. The interval is that of a ratio of means over
/// the samples: repeating a split makes no new ones.
///
/// # Errors
/// [`Undefined`] with fewer than four samples, a constant target, or numbers that are not finite.
pub fn cross_validate_target(
    features: &DMatrix<f64>,
    target: &[f64],
) -> Result<TargetFit, Undefined> {
    check(features, target)?;
    let samples = target.len();
    let all: Vec<usize> = (0..samples).collect();
    let (mut squares, mut absolute) = (vec![0.0; samples], 0.0);
    for repeat in 0..REPEATS {
        let fold_of =
            assign(std::slice::from_ref(&all), samples, FOLDS.min(samples), SEED + repeat);
        for fold in 0..FOLDS.min(samples) {
            for (at, error) in errors(features, target, &fold_of, fold)? {
                absolute += error.abs() / (REPEATS as f64 * samples as f64);
                if let Some(sum) = squares.get_mut(at) {
                    *sum += error * error / REPEATS as f64;
                }
            }
        }
    }
    Ok(TargetFit { r2: explained(target, &squares), mae: absolute })
}

/// Fits a ridge head for one real target; `name` is what it is called.
///
/// # Errors
/// As [`cross_validate_target`].
pub fn fit_target(features: &DMatrix<f64>, target: &[f64], name: &str) -> Result<Head, Undefined> {
    check(features, target)?;
    fit(features, target)?.head(&[name.to_owned()])
}

fn check(features: &DMatrix<f64>, target: &[f64]) -> Result<(), Undefined> {
    let undefined = |why: &str| Err(Undefined(why.to_owned()));
    if target.len() != features.nrows() {
        return undefined("not one target for each sample");
    }
    if target.len() < 4 {
        return undefined("fewer than four samples");
    }
    if features.ncols() == 0 || features.iter().chain(target).any(|value| !value.is_finite()) {
        return undefined("features or targets that are none or not finite");
    }
    if target.iter().all(|value| Some(value) == target.first()) {
        return undefined("a target that never varies");
    }
    Ok(())
}

/// Errors on the samples of one fold of a head fitted on the others.
fn errors(
    features: &DMatrix<f64>,
    target: &[f64],
    fold_of: &[usize],
    fold: usize,
) -> Result<Vec<(usize, f64)>, Undefined> {
    let (held, training): (Vec<usize>, Vec<usize>) =
        (0..target.len()).partition(|at| fold_of.get(*at) == Some(&fold));
    let known: Vec<f64> = training.iter().filter_map(|at| target.get(*at).copied()).collect();
    let linear = fit(&features.select_rows(&training), &known)?;
    let error = |at: &usize| {
        let row: RowDVector<f64> = features.row(*at).into_owned();
        let said = (row * &linear.weights).sum() + linear.bias.first().copied().unwrap_or(0.0);
        Some((*at, said - target.get(*at)?))
    };
    Ok(held.iter().filter_map(error).collect())
}

fn fit(features: &DMatrix<f64>, target: &[f64]) -> Result<Linear, Undefined> {
    let standardised = Standardised::of(features);
    let targets = DMatrix::from_column_slice(target.len(), 1, target);
    Ok(standardised.unfold(&ridge::solve_targets(&standardised.coordinates, &targets)?))
}

/// One minus the ratio of the errors' mean square to the target's variance.
fn explained(target: &[f64], squares: &[f64]) -> Estimate {
    let samples = target.len() as f64;
    let mean = target.iter().sum::<f64>() / samples;
    let apart: Vec<f64> = target.iter().map(|value| (value - mean).powi(2)).collect();
    let variance = apart.iter().sum::<f64>() / samples;
    let ratio = squares.iter().sum::<f64>() / samples / variance;
    let scatter = squares.iter().zip(&apart).map(|(error, apart)| (error - ratio * apart).powi(2));
    let reach = 1.96 * (scatter.sum::<f64>() / (samples - 1.0)).sqrt() / samples.sqrt() / variance;
    let value = 1.0 - ratio;
    Estimate { value, low: value - reach, high: (value + reach).min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::SplitMix64;

    fn problem(samples: usize, noise: f64) -> (DMatrix<f64>, Vec<f64>) {
        let mut random = SplitMix64::new(3);
        let features = DMatrix::from_fn(samples, 6, |_, _| random.unit());
        let target = (0..samples)
            .map(|at| {
                40.0 * features[(at, 0)] - 10.0 * features[(at, 1)] + noise * (random.unit() - 0.5)
            })
            .collect();
        (features, target)
    }

    #[test]
    fn a_linear_target_is_explained_and_noise_is_not() {
        let (features, target) = problem(80, 0.0);
        let found = cross_validate_target(&features, &target).unwrap();
        assert!(found.r2.value > 0.98 && found.r2.high <= 1.0 && found.mae < 1.5, "{found:?}");
        let (features, target) = problem(80, 30.0);
        let found = cross_validate_target(&features, &target).unwrap();
        assert!(found.r2.low < found.r2.value && (0.2..0.95).contains(&found.r2.value));
        let noise: Vec<f64> = target.iter().rev().copied().collect();
        let found = cross_validate_target(&features, &noise).unwrap();
        assert!(found.r2.value < 0.1, "{found:?}");
    }

    #[test]
    fn the_unit_of_a_target_is_that_of_its_error_and_leaves_the_share_alone() {
        let (features, target) = problem(40, 10.0);
        let one = cross_validate_target(&features, &target).unwrap();
        let large: Vec<f64> = target.iter().map(|value| 1000.0 * value + 7.0).collect();
        let other = cross_validate_target(&features, &large).unwrap();
        assert!((one.r2.value - other.r2.value).abs() < 1e-9);
        assert!((1000.0 * one.mae - other.mae).abs() < 1e-6);
    }

    #[test]
    fn what_cannot_be_explained_says_why() {
        let (features, target) = problem(10, 0.0);
        let why = |features: &DMatrix<f64>, target: &[f64]| {
            cross_validate_target(features, target).unwrap_err().to_string()
        };
        assert!(why(&features, &target[..9]).contains("one target"));
        assert!(why(&features, &[2.0; 10]).contains("never varies"));
        assert!(why(&features.map(|_| f64::NAN), &target).contains("not finite"));
        assert!(why(&features.rows(0, 3).into_owned(), &target[..3]).contains("four samples"));
    }
}
