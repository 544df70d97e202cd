//! Standardised features in as few coordinates as they need.

use nalgebra::{DMatrix, RowDVector, SymmetricEigen};

use super::Linear;

/// Eigenvalues below this share of the largest are rounding noise.
const CUT: f64 = 1e-10;

/// Features with mean 0 and variance 1, divided by the square root of their number, so
/// that a sample has a norm of about 1 and one penalty suits every size.
#[derive(Debug)]
pub(super) struct Standardised {
    mean: RowDVector<f64>,
    /// What one unit of a feature is worth; 0 where it never varies.
    scale: RowDVector<f64>,
    /// From coordinates back to standardised features; none where they are the same.
    basis: Option<DMatrix<f64>>,
    /// Samples x coordinates. With fewer samples than features the samples span only as
    /// many directions as there are samples, and a penalised fit never leaves their span.
    pub(super) coordinates: DMatrix<f64>,
}

impl Standardised {
    pub(super) fn of(features: &DMatrix<f64>) -> Self {
        let (mean, variance) = (features.row_mean(), features.row_variance());
        let root = (features.ncols() as f64).sqrt();
        let unit = |variance: f64, mean: f64| {
            let deviation = variance.sqrt();
            // Rounding makes a constant feature vary by some last bits.
            if deviation > 1e-9 * mean.abs() && deviation > 0.0 {
                1.0 / (deviation * root)
            } else {
                0.0
            }
        };
        let scale = variance.zip_map(&mean, unit);
        let mut standard = features.clone();
        for mut row in standard.row_iter_mut() {
            row -= &mean;
            row.component_mul_assign(&scale);
        }
        if standard.ncols() <= standard.nrows() {
            return Self { mean, scale, basis: None, coordinates: standard };
        }
        let SymmetricEigen { eigenvalues, eigenvectors } =
            SymmetricEigen::new(&standard * standard.transpose());
        let largest = eigenvalues.max();
        let kept: Vec<usize> =
            (0..eigenvalues.len()).filter(|at| eigenvalues[*at] > largest * CUT).collect();
        let roots = eigenvalues.select_rows(&kept).map(f64::sqrt);
        let mut coordinates = eigenvectors.select_columns(&kept);
        let mut basis = standard.tr_mul(&coordinates);
        for (at, root) in roots.iter().enumerate() {
            coordinates.column_mut(at).scale_mut(*root);
            basis.column_mut(at).unscale_mut(*root);
        }
        Self { mean, scale, basis: Some(basis), coordinates }
    }

    /// A classifier of coordinates as one of the features themselves.
    pub(super) fn unfold(&self, solved: &Linear) -> Linear {
        let mut weights = match &self.basis {
            Some(basis) => basis * &solved.weights,
            None => solved.weights.clone(),
        };
        for (mut row, scale) in weights.row_iter_mut().zip(self.scale.iter()) {
            row *= *scale;
        }
        let shift = &self.mean * &weights;
        let bias = solved.bias.iter().zip(shift.iter()).map(|(bias, shift)| bias - shift).collect();
        Linear { weights, bias }
    }
}
