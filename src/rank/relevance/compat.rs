//! LogME as its authors' fast implementation computes it, to reproduce published figures.
//!
//! It is wrong with fewer samples than features (by `(D-N)/2 ln α` per class) and
//! depends on the scale of the features; the agent never ranks by it.

use nalgebra::DVector;

use super::moments::check_side;
use super::spectrum::check_finite;
use super::{Matrix, Undefined, classes, defined, logme::mean};

/// Smaller singular values are zero.
const CUT: f64 = 1e-10;
const LN_TWO_PI: f64 = 1.837_877_066_409_345_5;

/// LogME of the published fixed-point iteration (at most 11 sweeps, 1e-5 in the denominators).
///
/// # Errors
/// As [`logme`](super::logme()).
pub fn logme_compat(features: &Matrix, labels: &[u32]) -> Result<f64, Undefined> {
    let present = classes(features, labels)?;
    let decomposed = Decomposed::of(features)?;
    let per_class = present.into_iter().map(|class| {
        let target = labels.iter().map(|label| f64::from(u8::from(*label == class)));
        decomposed.fixed_point(&DVector::from_iterator(labels.len(), target))
    });
    defined(mean(per_class))
}

/// The same for one real-valued target.
///
/// # Errors
/// As [`logme`](super::logme()).
pub fn logme_compat_regression(features: &Matrix, target: &[f64]) -> Result<f64, Undefined> {
    if target.len() != features.nrows() || target.len() < 2 {
        return Err(Undefined("fewer than two samples, or not one target each".to_owned()));
    }
    defined(Decomposed::of(features)?.fixed_point(&DVector::from_column_slice(target)))
}

struct Decomposed {
    samples: f64,
    features: f64,
    left: Matrix,
    sigma: Vec<f64>,
}

impl Decomposed {
    fn of(features: &Matrix) -> Result<Self, Undefined> {
        check_finite(features)?;
        check_side(features.nrows().min(features.ncols()))?;
        let svd = features.clone().svd(true, false);
        let left = svd.u.ok_or_else(|| Undefined("no singular vectors".to_owned()))?;
        // Directions without features project nothing, but count in the determinant.
        let kept: Vec<usize> = svd
            .singular_values
            .iter()
            .enumerate()
            .filter(|(_, value)| **value > CUT)
            .map(|(at, _)| at)
            .collect();
        let mut sigma: Vec<f64> =
            svd.singular_values.iter().filter(|s| **s > CUT).map(|s| s * s).collect();
        sigma.resize(svd.singular_values.len(), 0.0);
        Ok(Self {
            samples: features.nrows() as f64,
            features: features.ncols() as f64,
            left: left.select_columns(&kept),
            sigma,
        })
    }

    fn fixed_point(&self, target: &DVector<f64>) -> f64 {
        let projections: Vec<f64> = self.left.tr_mul(target).iter().map(|x| x * x).collect();
        let outside = target.norm_squared() - projections.iter().sum::<f64>();
        let (mut alpha, mut beta, mut weights, mut residual) = (1.0_f64, 1.0_f64, 0.0, 0.0);
        for _ in 0..11 {
            let t = alpha / beta;
            let mut gamma = 0.0;
            (weights, residual) = (0.0, outside);
            for (sigma, x) in self.sigma.iter().zip(&projections) {
                gamma += sigma / (sigma + t);
                weights += sigma * x / (t + sigma).powi(2);
                residual += x / (1.0 + sigma / t).powi(2);
            }
            alpha = gamma / (weights + 1e-5);
            beta = (self.samples - gamma) / (residual + 1e-5);
            if (alpha / beta - t).abs() / t <= 1e-3 {
                break;
            }
        }
        self.evidence(alpha, beta, weights, residual)
    }

    fn evidence(&self, alpha: f64, beta: f64, weights: f64, residual: f64) -> f64 {
        let determinant: f64 = self.sigma.iter().map(|sigma| (alpha + beta * sigma).ln()).sum();
        let evidence = self.features / 2.0 * alpha.ln() + self.samples / 2.0 * beta.ln()
            - 0.5 * determinant
            - beta / 2.0 * residual
            - alpha / 2.0 * weights
            - self.samples / 2.0 * LN_TWO_PI;
        evidence / self.samples
    }
}
