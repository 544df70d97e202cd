//! Ridge regression, on real or one-hot targets: one linear system, whatever their number.

use nalgebra::{Cholesky, DMatrix};

use super::Linear;
use crate::task::Undefined;

/// Weight of the penalty per sample, on coordinates of norm about 1.
const PENALTY: f64 = 1e-3;

pub(super) fn solve(
    coordinates: &DMatrix<f64>,
    labels: &[u32],
    classes: usize,
) -> Result<Linear, Undefined> {
    let mut targets = DMatrix::from_element(coordinates.nrows(), classes, 0.0);
    for (mut row, label) in targets.row_iter_mut().zip(labels) {
        if let Some(target) = row.get_mut(*label as usize) {
            *target = 1.0;
        }
    }
    solve_targets(coordinates, &targets)
}

/// The same for real targets, one column each.
pub(super) fn solve_targets(
    coordinates: &DMatrix<f64>,
    targets: &DMatrix<f64>,
) -> Result<Linear, Undefined> {
    let samples = coordinates.nrows() as f64;
    // Coordinates have mean 0, so the bias is the mean of the targets.
    let bias: Vec<f64> = targets.row_mean().iter().copied().collect();
    let mut gram = coordinates.tr_mul(coordinates);
    let penalised = gram.diagonal().add_scalar(PENALTY * samples);
    gram.set_diagonal(&penalised);
    let solved = Cholesky::new(gram)
        .ok_or_else(|| Undefined("features too large for a linear system".to_owned()))?;
    Ok(Linear { weights: solved.solve(&coordinates.tr_mul(targets)), bias })
}
