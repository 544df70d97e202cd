//! Scales by evidence: those under which the known boards, each predicted from the others,
//! would have been least surprising. The new board has no part in it.

use nalgebra::DMatrix;

use super::features::Features;
use super::fill::fill;
use super::pool::Pool;
use super::process::{Kernel, Scales};
use super::{CostError, Traits};

/// Models whose costs are weighed, at most.
const WITNESSES: usize = 80;

/// The best of a small grid round the defaults. `devices` says which boards (columns) are the
/// same hardware: these are left out together.
///
/// # Errors
/// [`CostError`] if there are not as many traits as models, or nothing to predict from.
pub fn tune(pool: &Pool, traits: &[Traits], devices: &[usize]) -> Result<Scales, CostError> {
    let models = pool.models();
    if traits.len() != models {
        return Err(CostError::Mismatch { what: "traits", found: traits.len(), models });
    }
    let features = Features::of(traits);
    let mut trials: Vec<(Scales, f64)> = grid().map(|scales| (scales, 0.0)).collect();
    for device in distinct(devices) {
        let same = |board: usize| devices.get(board) == Some(&device);
        let others = pool.only(|board| !same(board));
        if others.boards() == 0 {
            continue;
        }
        let filled = fill(&others, &features, Scales::default())?;
        let witnesses: Vec<_> = pool.only(same).columns().iter().map(|c| witnesses(c)).collect();
        let mut kernel = Kernel::of(&filled, features.clone(), Scales::default());
        for known in &witnesses {
            let at = |i: usize| known.get(i).map_or(0, |known| known.0);
            let parts =
                DMatrix::from_fn(known.len(), known.len(), |i, j| kernel.parts(at(i), at(j)));
            for (scales, evidence) in &mut trials {
                kernel.scales = *scales;
                let covariance = parts.map(|parts| parts.weighed(scales));
                let posterior = kernel.given_covariance(known, covariance)?;
                // Boards of one device share a vote.
                *evidence += posterior.evidence() / witnesses.len() as f64;
            }
        }
    }
    let best = trials.into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
    Ok(best.map_or_else(Scales::default, |(scales, _)| scales))
}

/// A board's measured models, thinned out.
fn witnesses(cells: &[Option<f64>]) -> Vec<(usize, f64)> {
    let known: Vec<(usize, f64)> =
        cells.iter().enumerate().filter_map(|(model, cell)| Some((model, (*cell)?))).collect();
    let step = known.len().div_ceil(WITNESSES).max(1);
    known.into_iter().step_by(step).collect()
}

fn distinct(devices: &[usize]) -> Vec<usize> {
    let mut found = devices.to_vec();
    found.sort_unstable();
    found.dedup();
    found
}

fn grid() -> impl Iterator<Item = Scales> {
    let base = Scales::default();
    let noise = [0.0001, 0.001, 0.003, 0.01, 0.03].into_iter();
    noise.flat_map(move |noise| {
        [0.003, 0.01, 0.03].into_iter().flat_map(move |smooth| {
            [0.004, 0.02, 0.1].into_iter().flat_map(move |linear| {
                [0.3, 1.0].into_iter().map(move |boards| Scales {
                    noise,
                    smooth,
                    linear,
                    boards,
                    ..base
                })
            })
        })
    })
}
