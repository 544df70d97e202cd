//! The prior by evidence: scales, and how likely each variant of a board is, under which the known
//! boards, each predicted from the others, would have been least surprising. The new board has
//! no part in it.

use nalgebra::DMatrix;

use super::account::Account;
use super::features::Features;
use super::fill::fill;
use super::kernel::{Covariance, Kernel, Parts, Scales};
use super::mixture::{Prior, Witness, learn, variants};
use super::pool::Pool;
use super::{CostError, Traits};

/// Models whose costs are weighed, at most.
const WITNESSES: usize = 80;

/// Scales from a small grid round the defaults, and under them the variants. `devices` says which
/// boards (columns) are the same hardware: these are left out together.
///
/// # Errors
/// [`CostError`] if there are not as many traits as models, or nothing to predict from.
pub fn tune(pool: &Pool, traits: &[Traits], devices: &[usize]) -> Result<Prior, CostError> {
    let models = pool.models();
    if traits.len() != models {
        return Err(CostError::Mismatch { what: "traits", found: traits.len(), models });
    }
    let features = Features::of(traits);
    let mut trials: Vec<(Scales, f64)> = grid().map(|scales| (scales, 0.0)).collect();
    let mut boards = Vec::new();
    for device in distinct(devices) {
        let same = |board: usize| devices.get(board) == Some(&device);
        let others = pool.only(|board| !same(board));
        if others.boards() == 0 {
            continue;
        }
        let filled = fill(&others, &features, Scales::default())?;
        let kernel = Kernel::of(&filled, features.clone(), Scales::default());
        let own = pool.only(same);
        // Boards of one device share a vote.
        let vote = 1.0 / own.boards() as f64;
        boards.extend(own.columns().iter().map(|cells| Board::of(&kernel, cells, vote)));
    }
    for board in &boards {
        for (scales, evidence) in &mut trials {
            *evidence += board.vote * board.evidence(scales)?;
        }
    }
    // Without a board that others can be asked about, all trials are as good.
    let trials = if boards.is_empty() { Vec::new() } else { trials };
    let best = trials.into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
    let scales = best.map_or_else(Scales::default, |(scales, _)| scales);
    let witnesses: Vec<Witness> = boards.into_iter().map(|board| board.witness(&scales)).collect();
    let mut variants = variants();
    learn(&mut variants, &witnesses)?;
    Ok(Prior { scales, variants })
}

/// A board of the pool as the other devices see it.
struct Board {
    parts: DMatrix<Parts>,
    beyond: DMatrix<f64>,
    vote: f64,
}

impl Board {
    fn of(kernel: &Kernel, cells: &[Option<f64>], vote: f64) -> Self {
        let known = witnesses(cells);
        let models: Vec<usize> = known.iter().map(|(model, _)| *model).collect();
        Self { parts: kernel.parts_between(&models, &models), beyond: kernel.beyond(&known), vote }
    }

    /// Of its costs about the mean of the others.
    fn evidence(&self, scales: &Scales) -> Result<f64, CostError> {
        let mut covariance = self.parts.map(|parts| parts.weighed(scales) + parts.common);
        let diagonal = covariance.iter_mut().step_by(self.parts.nrows() + 1);
        diagonal.for_each(|own| *own += scales.noise);
        let about_mean = self.beyond.columns(0, 1).into_owned();
        let account = Account::of(covariance, &about_mean)?;
        Ok(account.evidence().iter().sum())
    }

    fn witness(self, scales: &Scales) -> Witness {
        let covariance = Covariance::of(&self.parts, scales);
        Witness { covariance, beyond: self.beyond, vote: self.vote }
    }
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
