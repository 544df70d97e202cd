//! What one Gaussian process makes of a few measurements, about one or several centres.

use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

use super::CostError;

/// Measurements explained: by covariances with them, every other model is predicted.
#[derive(Debug, Clone)]
pub(super) struct Account {
    factor: Cholesky<f64, Dyn>,
    /// What the covariances are multiplied with, a column for each centre.
    weights: DMatrix<f64>,
    /// Squared length of what each centre leaves, in standard deviations.
    misfits: Vec<f64>,
}

impl Account {
    /// From the covariance of the measured models, noise included, and their distances from each
    /// centre.
    pub(super) fn of(covariance: DMatrix<f64>, beyond: &DMatrix<f64>) -> Result<Self, CostError> {
        let factor = covariance.cholesky().ok_or(CostError::Degenerate(beyond.nrows()))?;
        let weights = factor.solve(beyond);
        let columns = beyond.column_iter().zip(weights.column_iter());
        let misfits = columns.map(|(beyond, weights)| beyond.dot(&weights)).collect();
        Ok(Self { factor, weights, misfits })
    }

    /// Logarithm of the density of the measurements about each centre.
    pub(super) fn evidence(&self) -> Vec<f64> {
        let factor = self.factor.l_dirty();
        let spread = factor.diagonal().iter().map(|own| 2.0 * own.ln()).sum::<f64>()
            + self.weights.nrows() as f64 * std::f64::consts::TAU.ln();
        self.misfits.iter().map(|misfit| -0.5 * (misfit + spread)).collect()
    }

    /// A board that fits worse than it should gets wider intervals: by this factor of variance.
    pub(super) fn surprise(&self, centre: usize) -> f64 {
        let misfit = self.misfits.get(centre).copied().unwrap_or(0.0);
        (misfit / self.weights.nrows().max(1) as f64).max(1.0)
    }

    /// The same without one measurement: what the others leave, by the squared distance of that one from
    /// what they say of it, in variances.
    pub(super) fn surprise_without(&self, centre: usize, own: f64) -> f64 {
        let misfit = self.misfits.get(centre).copied().unwrap_or(0.0);
        let others = self.weights.nrows().saturating_sub(1).max(1);
        ((misfit - own) / others as f64).max(1.0)
    }

    /// What is to be added to a centre, for models (columns) by their covariances with the
    /// measured ones (rows); a column for each centre.
    pub(super) fn shifts(&self, near: &DMatrix<f64>) -> DMatrix<f64> {
        near.tr_mul(&self.weights)
    }

    /// Covariances with the measured models in units that are independent: their products are
    /// what the measurements explain.
    pub(super) fn explaining(&self, near: &DMatrix<f64>) -> DMatrix<f64> {
        let mut solved = near.clone();
        // The factor of a positive definite matrix has no zeros on its diagonal.
        self.factor.l_dirty().solve_lower_triangular_mut(&mut solved);
        solved
    }

    /// How far each measurement (rows) is from what the others say of it about each centre, and
    /// the variance of that: what the inverse of the covariance says without solving again.
    pub(super) fn left_out(&self) -> (DMatrix<f64>, DVector<f64>) {
        let variances = self.factor.inverse().diagonal().map(f64::recip);
        let mut errors = self.weights.clone();
        errors.column_iter_mut().for_each(|mut column| column.component_mul_assign(&variances));
        (errors, variances)
    }
}
