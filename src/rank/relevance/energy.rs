//! ETran's energy score: how much of the task lies where the model's features are strong.
//!
//! The mean over samples of `ln Σ_d exp(f_d)` (Gholami et al., ICCV 2023). It takes no
//! labels, and depends on the scale of the features: it compares models whose features are
//! of one kind, and says more about samples unlike those a model was trained on.

use super::spectrum::check_finite;
use super::{Matrix, Undefined, defined};

/// Energy score of features (one sample per row), nats; higher is better.
///
/// # Errors
/// [`Undefined`] with no samples or features, or a feature that is not finite.
pub fn energy(features: &Matrix) -> Result<f64, Undefined> {
    if features.is_empty() {
        return Err(Undefined("no samples or no features".to_owned()));
    }
    check_finite(features)?;
    let log_sum_exp = |row: nalgebra::MatrixView1xX<'_, f64, _, _>| {
        let highest = row.max();
        highest + row.iter().map(|value| (value - highest).exp()).sum::<f64>().ln()
    };
    let samples = features.nrows() as f64;
    defined(features.row_iter().map(|row| log_sum_exp(row) / samples).sum())
}
