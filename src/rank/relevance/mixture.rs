//! A Gaussian mixture with diagonal covariances, fitted by expectation maximisation.

use nalgebra::{DVector, RowDVector};

use super::Matrix;
use crate::base::random::SplitMix64;

/// Added to every variance, in units of the leading coordinate's.
const FLOOR: f64 = 1e-6;
const SWEEPS: usize = 100;
/// Stop where a sweep gains less, in nats per sample.
const GAIN: f64 = 1e-6;
const LN_TWO_PI: f64 = 1.837_877_066_409_345_5;

/// Responsibilities (one row per sample, one column per component) of a mixture of so many
/// components, from a k-means++ start.
pub(super) fn responsibilities(points: &Matrix, components: usize, seed: u64) -> Matrix {
    let mut shares = start(points, components, &mut SplitMix64::new(seed));
    let mut before = f64::NEG_INFINITY;
    for _ in 0..SWEEPS {
        let mixture = Mixture::of(points, &shares);
        let likelihood = mixture.expect(points, &mut shares);
        if likelihood - before < GAIN {
            break;
        }
        before = likelihood;
    }
    shares
}

/// Every point wholly in the nearest of centres chosen far apart (Arthur and
/// Vassilvitskii, 2007).
fn start(points: &Matrix, components: usize, random: &mut SplitMix64) -> Matrix {
    let samples = points.nrows();
    let mut nearest = vec![(f64::INFINITY, 0); samples];
    let mut centre = random.below(samples);
    for component in 0..components {
        let at: RowDVector<f64> = points.row(centre).into_owned();
        for (row, nearest) in points.row_iter().zip(&mut nearest) {
            let distance = (row - &at).norm_squared();
            if distance < nearest.0 {
                *nearest = (distance, component);
            }
        }
        let mut left = random.unit() * nearest.iter().map(|(distance, _)| distance).sum::<f64>();
        let far = nearest.iter().position(|(distance, _)| {
            left -= distance;
            left < 0.0
        });
        centre = far.unwrap_or_else(|| random.below(samples));
    }
    let mut shares = Matrix::zeros(samples, components);
    for (mut row, (_, component)) in shares.row_iter_mut().zip(nearest) {
        if let Some(share) = row.get_mut(component) {
            *share = 1.0;
        }
    }
    shares
}

/// One column per component.
struct Mixture {
    ln_weights: DVector<f64>,
    means: Matrix,
    variances: Matrix,
}

impl Mixture {
    /// The best mixture for these shares.
    fn of(points: &Matrix, shares: &Matrix) -> Self {
        let totals = shares.row_sum().transpose().add_scalar(10.0 * f64::EPSILON);
        let mut means = points.tr_mul(shares);
        for (mut mean, total) in means.column_iter_mut().zip(totals.iter()) {
            mean.unscale_mut(*total);
        }
        let mut variances = Matrix::zeros(points.ncols(), shares.ncols());
        let columns = variances.column_iter_mut().zip(means.column_iter());
        for ((mut variance, mean), (share, total)) in
            columns.zip(shares.column_iter().zip(totals.iter()))
        {
            let mean = mean.transpose();
            for (point, share) in points.row_iter().zip(share.iter()).filter(|(_, s)| **s > 0.0) {
                let apart = (point - &mean).transpose();
                variance += apart.component_mul(&apart) * (share / total);
            }
            variance.add_scalar_mut(FLOOR);
        }
        let samples = points.nrows() as f64;
        Self { ln_weights: totals.map(|total| (total / samples).ln()), means, variances }
    }

    /// Shares of this mixture, and the mean log likelihood.
    fn expect(&self, points: &Matrix, shares: &mut Matrix) -> f64 {
        let constants: Vec<f64> = self
            .variances
            .column_iter()
            .zip(self.ln_weights.iter())
            .map(|(variance, ln_weight)| {
                let ln_volume: f64 = variance.iter().map(|v| v.ln() + LN_TWO_PI).sum();
                ln_weight - 0.5 * ln_volume
            })
            .collect();
        let mut likelihood = 0.0;
        for (point, mut row) in points.row_iter().zip(shares.row_iter_mut()) {
            let components = self.means.column_iter().zip(self.variances.column_iter());
            for ((share, constant), (mean, variance)) in
                row.iter_mut().zip(&constants).zip(components)
            {
                let each = point.iter().zip(mean.iter()).zip(variance.iter());
                let distance: f64 = each.map(|((x, mean), v)| (x - mean).powi(2) / v).sum();
                *share = constant - 0.5 * distance;
            }
            let highest = row.max();
            row.apply(|value| *value = (*value - highest).exp());
            let sum = row.sum();
            row.unscale_mut(sum);
            likelihood += highest + sum.ln();
        }
        likelihood / points.nrows() as f64
    }
}
