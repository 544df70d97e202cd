//! Features that can be decomposed, and their eigenvectors where those are wanted themselves.
//!
//! Everything comes from the smaller Gram matrix, `F Fᵀ` or `Fᵀ F`, which is four
//! times cheaper than a singular value decomposition at the sizes that matter here.
//! A Gram matrix squares the condition number, hence the cut at `1e-12` of the
//! largest eigenvalue.

use nalgebra::SymmetricEigen;

use super::{Matrix, Undefined};

/// Eigenvalues below this share of the largest are rounding noise.
const CUT: f64 = 1e-12;

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
