//! The pool without gaps: cells that nobody measured, from those that somebody did.
//!
//! First each board's missing cells are predicted from the traits alone, then those of boards
//! with gaps once more with the other boards as the prior. A model that no board has measured
//! keeps a doubt, the variance of its prediction.

use nalgebra::DMatrix;

use super::CostError;
use super::features::Features;
use super::kernel::{Kernel, Scales};
use super::mixture::Prior;
use super::pool::Pool;
use super::process::Posterior;

/// Models that a board's missing cells are learned from, at most.
const LESSONS: usize = 400;

/// All costs as logarithms, a row for each model.
#[derive(Debug, Clone)]
pub(super) struct Filled {
    pub(super) costs: DMatrix<f64>,
    /// Variance of the mean over the boards, by model.
    pub(super) doubt: Vec<f64>,
}

/// Fills the gaps.
pub(super) fn fill(pool: &Pool, features: &Features, scales: Scales) -> Result<Filled, CostError> {
    let models = pool.models();
    let mut costs = DMatrix::zeros(models, pool.boards());
    let mut doubt = vec![0.0; models];
    for (at, cells) in pool.columns().iter().enumerate() {
        let nothing = Filled { costs: DMatrix::zeros(models, 0), doubt: vec![0.0; models] };
        let (mean, scales) = alone(scales, cells);
        let by_traits = Kernel::of(&nothing, features.clone(), scales);
        complete(&mut costs, at, cells, (&by_traits, mean), Some(&mut doubt))?;
    }
    let share = 1.0 / pool.boards().max(1) as f64;
    let doubt: Vec<f64> = doubt.into_iter().map(|sum| sum * share).collect();
    let first = costs.clone();
    for (at, cells) in pool.columns().iter().enumerate() {
        if cells.iter().any(Option::is_none) && pool.boards() > 1 {
            let others =
                Filled { costs: first.clone().remove_column(at), doubt: vec![0.0; models] };
            let by_boards = Kernel::of(&others, features.clone(), scales);
            complete(&mut costs, at, cells, (&by_boards, 0.0), None)?;
        }
    }
    Ok(Filled { costs, doubt })
}

/// Mean, and scales about it, of a board of which nothing is known but the traits of its models: the
/// traits must explain all of it.
fn alone(scales: Scales, cells: &[Option<f64>]) -> (f64, Scales) {
    let known = || cells.iter().flatten();
    let count = known().count().max(1) as f64;
    let mean = known().sum::<f64>() / count;
    let spread = known().map(|cost| (cost - mean) * (cost - mean)).sum::<f64>() / count;
    let kind = 0.1 + spread;
    let (linear, smooth) = (2.0 * spread, 0.1 * spread);
    (mean, Scales { level: spread, kind, linear, smooth, length: 1.0, ..scales })
}

/// Writes a board's column: what was measured, and for the rest what a kernel says about a mean.
fn complete(
    costs: &mut DMatrix<f64>,
    board: usize,
    cells: &[Option<f64>],
    (kernel, mean): (&Kernel, f64),
    mut doubt: Option<&mut Vec<f64>>,
) -> Result<(), CostError> {
    let mut known: Vec<(usize, f64)> =
        cells.iter().enumerate().filter_map(|(model, cell)| Some((model, (*cell)?))).collect();
    let missing = known.len() < cells.len();
    let step = known.len().div_ceil(LESSONS).max(1);
    for (model, cost) in &known {
        write(costs, *model, board, *cost);
    }
    known = known.into_iter().step_by(step).map(|(model, cost)| (model, cost - mean)).collect();
    if !missing {
        return Ok(());
    }
    let gaps = cells.iter().enumerate().filter(|(_, cell)| cell.is_none());
    let gaps: Vec<usize> = gaps.map(|(model, _)| model).collect();
    let posterior = Posterior::of(kernel, &Prior::from(kernel.scales), known)?;
    for (model, (beyond, variance)) in gaps.iter().zip(posterior.moments(kernel, &gaps)) {
        write(costs, *model, board, mean + beyond);
        if let Some(sum) = doubt.as_mut().and_then(|doubt| doubt.get_mut(*model)) {
            *sum += variance;
        }
    }
    Ok(())
}

fn write(costs: &mut DMatrix<f64>, model: usize, board: usize, cost: f64) {
    if let Some(cell) = costs.get_mut((model, board)) {
        *cell = cost;
    }
}
