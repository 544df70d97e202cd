//! The spectrum of a feature matrix, taken once and used for every class.
//!
//! The eigenvalues come from the smaller Gram matrix, `F Fᵀ` or `Fᵀ F`, which is four
//! times cheaper than a singular value decomposition at the sizes that matter here.
//! A Gram matrix squares the condition number, hence the cut at `1e-12` of the
//! largest eigenvalue.

use nalgebra::{DVector, SymmetricEigen};

use super::moments::check_side;
use super::{Matrix, Undefined};

/// Eigenvalues below this share of the largest are rounding noise.
const CUT: f64 = 1e-12;

/// Non-zero eigenvalues of `F Fᵀ`, with what is needed to project a target on their vectors.
#[derive(Debug)]
pub(super) struct Spectrum {
    /// Samples.
    pub(super) samples: usize,
    /// Squared singular values of the scaled features, largest first.
    pub(super) sigma: Vec<f64>,
    /// Features were divided by this, so that no square overflows.
    pub(super) scale: f64,
    basis: Basis,
}

/// Orthonormal vectors, as columns, with what maps a target to them.
#[derive(Debug)]
enum Basis {
    /// Left singular vectors themselves.
    Left(Matrix),
    /// `F V`, whose columns are left singular vectors times the singular values.
    Scaled(Matrix),
}

impl Spectrum {
    /// Decomposes a feature matrix, one sample per row.
    ///
    /// # Errors
    /// A feature that is not finite, by sample and index.
    pub(super) fn of(features: &Matrix) -> Result<Self, Undefined> {
        check_finite(features)?;
        check_side(features.nrows().min(features.ncols()))?;
        let largest = features.amax();
        let scale = if largest > 0.0 { largest } else { 1.0 };
        let scaled = features / scale;
        let wide = scaled.nrows() <= scaled.ncols();
        let gram = if wide { &scaled * scaled.transpose() } else { scaled.tr_mul(&scaled) };
        let (sigma, vectors) = eigen(gram);
        let basis = if wide { Basis::Left(vectors) } else { Basis::Scaled(&scaled * vectors) };
        Ok(Self { samples: features.nrows(), sigma, scale, basis })
    }

    /// Squared projections of a target on the left singular vectors.
    pub(super) fn project(&self, target: &DVector<f64>) -> Vec<f64> {
        match &self.basis {
            Basis::Left(vectors) => vectors.tr_mul(target).iter().map(|x| x * x).collect(),
            Basis::Scaled(vectors) => {
                let projected = vectors.tr_mul(target);
                projected.iter().zip(&self.sigma).map(|(x, sigma)| x * x / sigma).collect()
            }
        }
    }
}

/// The first feature that is not finite makes every score meaningless.
pub(super) fn check_finite(features: &Matrix) -> Result<(), Undefined> {
    for (sample, row) in features.row_iter().enumerate() {
        if let Some(index) = row.iter().position(|value| !value.is_finite()) {
            return Err(Undefined(format!("non-finite feature {index} of sample {sample}")));
        }
    }
    Ok(())
}

/// Eigenvalues above the cut, largest first, with their vectors as columns.
pub(super) fn eigen(gram: Matrix) -> (Vec<f64>, Matrix) {
    let SymmetricEigen { eigenvalues, eigenvectors } = SymmetricEigen::new(gram);
    let largest = eigenvalues.iter().copied().fold(0.0, f64::max);
    let mut kept: Vec<(f64, usize)> = eigenvalues
        .iter()
        .enumerate()
        .filter(|(_, value)| **value > largest * CUT)
        .map(|(at, value)| (*value, at))
        .collect();
    kept.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let columns: Vec<usize> = kept.iter().map(|(_, at)| *at).collect();
    (kept.into_iter().map(|(value, _)| value).collect(), eigenvectors.select_columns(&columns))
}
