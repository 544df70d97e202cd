//! How far any choice of anchors could go on a board, and what else bounds it.
//!
//! Each model is predicted from all other models of the board: no ten of them say more. Where
//! this is low, either the process is wrong about the board, or its figures are noise. For the
//! latter speak how well the same device agrees with itself under its most alike other runtime,
//! and how unsteady its runs were.

use umbra::rank::cost::{Anchor, CostError};

use crate::ranks::{Prepared, Protocol, Score, score, trim};
use crate::score::spearman;
use crate::tables::{Board, Dataset};

/// Models that others are predicted from, at most: more would say the same more slowly.
const MOST: usize = 300;

/// Bounds of a board.
#[derive(Debug, Clone)]
pub(crate) struct Ceiling {
    /// Of the process, each model predicted from all others.
    pub(crate) others: Score,
    /// Spearman with the other board of the device that agrees best; none if it has no other.
    pub(crate) sister: Option<f64>,
    /// Median over minimum of a run: what a tenth of its runs exceed.
    pub(crate) unsteady: Option<f64>,
}

impl Ceiling {
    pub(crate) fn of(
        train: &Dataset,
        prepared: &Prepared,
        board: &Board,
        protocol: Protocol,
    ) -> Result<Self, CostError> {
        let truth = train.column(board);
        let known = truth.iter().enumerate();
        let known = known.filter_map(|(model, cost)| Some(Anchor { model, cost: (*cost)? }));
        let known: Vec<Anchor> = known.collect();
        let step = known.len().div_ceil(MOST).max(1);
        let known: Vec<Anchor> = known.into_iter().step_by(step).collect();
        let guesses = prepared.process.predict_from_others(&known)?;
        let pair = |anchor: &Anchor| Some((anchor.cost, *guesses.get(anchor.model)?));
        let mut pairs: Vec<_> = known.iter().filter_map(pair).collect();
        if protocol.trimmed {
            trim(&mut pairs);
        }
        let sisters = train.boards.iter().filter(|other| other.device == board.device);
        let sisters = sisters.filter(|other| other.name != board.name);
        let sister = sisters.filter_map(|other| agreement(board, other)).max_by(f64::total_cmp);
        Ok(Self { others: score(&pairs), sister, unsteady: board.unsteady })
    }
}

/// Spearman over the models that two boards share.
fn agreement(board: &Board, other: &Board) -> Option<f64> {
    let shared = board.cells.iter().filter_map(|(model, cost)| {
        let theirs = other.cells.get(model)?;
        Some((*cost, *theirs))
    });
    let (ours, theirs): (Vec<f64>, Vec<f64>) = shared.unzip();
    // Half of the models at least, else it is no bound.
    if 2 * ours.len() < board.cells.len() { None } else { spearman(&ours, &theirs) }
}
