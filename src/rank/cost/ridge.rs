//! The new board as a mixture of known boards: centred ridge regression on anchors.
//!
//! `ŷ = ȳ_A + (L - μ) w`, `w = (XᵀX + λI)⁻¹ Xᵀ (y_A - ȳ_A)`, with `L` the logarithms of the
//! pool, `μ` their means over the anchors and `X` the centred anchor rows. Without anchors it
//! is the mean of the pool, which gives an order and no level. It knows nothing of what the
//! models are, so a cell that is missing is taken from a line over the logarithm of the
//! multiply-accumulates, or, without traits, decides nothing.

use nalgebra::{DMatrix, DVector};

use super::pool::Pool;
use super::{Anchor, CostError, Guess, Traits};

/// Larger values lose boards that are unlike all others.
pub const LAMBDA: f64 = 0.1;

/// Predicts all models.
///
/// # Errors
/// [`CostError`] for anchors that are no costs of these models.
pub fn ridge(
    pool: &Pool,
    traits: &[Traits],
    anchors: &[Anchor],
    lambda: f64,
) -> Result<Vec<Guess>, CostError> {
    let anchors = pool.anchors(anchors)?;
    let costs = filled(pool, traits);
    let mean = fit(&costs, &anchors, lambda);
    let deviation = left_out(&costs, &anchors, lambda).unwrap_or_else(|| disagreement(&costs));
    Ok(mean.iter().map(|mean| Guess::of(*mean, deviation)).collect())
}

/// Logarithms for all models from anchors.
fn fit(costs: &DMatrix<f64>, anchors: &[(usize, f64)], lambda: f64) -> DVector<f64> {
    let boards = costs.ncols();
    if anchors.is_empty() {
        return costs.column_mean();
    }
    let known = costs.select_rows(anchors.iter().map(|(model, _)| model));
    let centre = known.row_mean();
    let x = DMatrix::from_fn(known.nrows(), boards, |i, j| {
        known.get((i, j)).unwrap_or(&0.0) - centre.get(j).unwrap_or(&0.0)
    });
    let y = DVector::from_iterator(anchors.len(), anchors.iter().map(|(_, cost)| *cost));
    let level = y.mean();
    let normal = x.transpose() * &x + DMatrix::identity(boards, boards) * lambda;
    let target = x.transpose() * y.add_scalar(-level);
    // Positive definite for any positive lambda.
    let weights = normal.cholesky().map_or_else(|| target.clone() * 0.0, |c| c.solve(&target));
    let shift = level - (&centre * &weights).sum();
    (costs * weights).add_scalar(shift)
}

/// Deviation of each anchor from what the others say of it; none with fewer than three.
fn left_out(costs: &DMatrix<f64>, anchors: &[(usize, f64)], lambda: f64) -> Option<f64> {
    if anchors.len() < 3 {
        return None;
    }
    let error = |at: usize| {
        let (model, cost) = *anchors.get(at)?;
        let others: Vec<(usize, f64)> =
            anchors.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, a)| *a).collect();
        Some(fit(costs, &others, lambda).get(model)? - cost)
    };
    let squares: f64 = (0..anchors.len()).filter_map(error).map(|error| error * error).sum();
    Some((squares / anchors.len() as f64).sqrt())
}

/// How boards differ over all models: what is not known before anything was measured.
fn disagreement(costs: &DMatrix<f64>) -> f64 {
    let mean = costs.column_mean();
    let squares: f64 = costs.column_iter().map(|column| (column - &mean).norm_squared()).sum();
    (squares / (costs.len().max(1)) as f64).sqrt()
}

/// All cells, the missing ones from a line over the logarithm of the multiply-accumulates.
fn filled(pool: &Pool, traits: &[Traits]) -> DMatrix<f64> {
    let work = |model: usize| {
        let amount = traits.get(model).and_then(|traits| traits.amounts.first());
        amount.copied().unwrap_or(0.0).max(0.0).ln_1p()
    };
    let mut costs = DMatrix::zeros(pool.models(), pool.boards());
    for (mut column, cells) in costs.column_iter_mut().zip(pool.columns()) {
        let known = || cells.iter().enumerate().filter_map(|(at, cell)| Some((work(at), (*cell)?)));
        let (level, slope) = line(known());
        for ((at, cell), value) in cells.iter().enumerate().zip(column.iter_mut()) {
            *value = cell.unwrap_or_else(|| level + slope * work(at));
        }
    }
    costs
}

/// Least squares; level where the abscissae are all equal.
fn line(points: impl Iterator<Item = (f64, f64)> + Clone) -> (f64, f64) {
    let count = points.clone().count().max(1) as f64;
    let (sx, sy) = points.clone().fold((0.0, 0.0), |(sx, sy), (x, y)| (sx + x, sy + y));
    let (mx, my) = (sx / count, sy / count);
    let (xx, xy) = points
        .fold((0.0, 0.0), |(xx, xy), (x, y)| (xx + (x - mx) * (x - mx), xy + (x - mx) * (y - my)));
    let slope = if xx > 1e-12 { xy / xx } else { 0.0 };
    (my - slope * mx, slope)
}
