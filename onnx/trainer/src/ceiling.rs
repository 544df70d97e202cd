//! How far any choice of anchors could go on a board, and what else bounds it.
//!
//! Each model is predicted from all other models of the board: no ten of them say more. Where
//! this is low, either the process is wrong about the board, or its figures are. For the latter
//! speak how well the same device agrees with itself under its most alike other runtime, and
//! whether runs that were unsteady are predicted worse.

use umbra::rank::cost::{Anchor, CostError, Guess};

use crate::prepared::Prepared;
use crate::ranks::{Protocol, Score, score, trim};
use crate::score::{mean, spearman};
use crate::tables::{Board, Dataset};

/// Models that others are predicted from, at most: more would say the same more slowly.
const MOST: usize = 300;
/// Median over minimum of a steady run, at most.
const STEADY: f64 = 1.15;

/// Bounds of a board.
#[derive(Debug, Clone)]
pub(crate) struct Ceiling {
    /// Of the process, each model predicted from all others.
    pub(crate) others: Score,
    /// Share of these predictions that are off by more than half.
    pub(crate) far_off: f64,
    /// Their error (root of the mean square of the logarithm) for steady runs and for others;
    /// no number where there are none, or where the table does not tell them apart.
    pub(crate) steady: f64,
    pub(crate) unsteady: f64,
    /// Spearman with the other board of the device that agrees best; none if it has no other.
    pub(crate) sister: Option<f64>,
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
        let ratio = |at: usize| board.unsteady.get(&train.models.get(at)?.name).copied();
        let found = known.iter().filter_map(|anchor| {
            Some((anchor.cost, *guesses.get(anchor.model)?, ratio(anchor.model)))
        });
        let found: Vec<(f64, Guess, Option<f64>)> = found.collect();
        let error = |(cost, guess, _): &(f64, Guess, _)| (guess.cost / cost).ln();
        let of = |is: &dyn Fn(f64) -> bool| {
            let those = found.iter().filter(|one| one.2.is_some_and(is));
            mean(those.map(|one| error(one).powi(2))).sqrt()
        };
        let far = |one| f64::from(u8::from(error(one).abs() > 1.5f64.ln()));
        let mut pairs: Vec<_> = found.iter().map(|(cost, guess, _)| (*cost, *guess)).collect();
        if protocol.trimmed {
            trim(&mut pairs);
        }
        Ok(Self {
            others: score(&pairs),
            far_off: mean(found.iter().map(far)),
            steady: of(&|ratio| ratio <= STEADY),
            unsteady: of(&|ratio| ratio > STEADY),
            sister: sister(train, board),
        })
    }
}

/// Spearman with the most alike board of the same device.
fn sister(train: &Dataset, board: &Board) -> Option<f64> {
    let sisters = train.boards.iter().filter(|other| other.device == board.device);
    let sisters = sisters.filter(|other| other.name != board.name);
    sisters.filter_map(|other| agreement(board, other)).max_by(f64::total_cmp)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn board(name: &str, costs: [f64; 4]) -> Board {
        let cells = ["a", "b", "c", "d"].map(str::to_owned).into_iter().zip(costs).collect();
        let (name, device) = (name.to_owned(), "one".to_owned());
        Board { name, device, cells, unsteady: Default::default() }
    }

    #[test]
    fn the_best_of_the_same_device_is_its_own_bound() {
        let mut boards = vec![
            board("x", [1.0, 2.0, 3.0, 4.0]),
            board("y", [4.0, 3.0, 2.0, 1.0]),
            board("z", [2.0, 1.0, 3.0, 4.0]),
        ];
        boards.push(Board { device: "two".to_owned(), ..board("w", [1.0, 2.0, 3.0, 4.0]) });
        let train = Dataset { name: "made up", models: Vec::new(), boards };
        assert_eq!(sister(&train, &train.boards[0]), Some(0.8));
        assert_eq!(sister(&train, &train.boards[3]), None, "no other runtime");
    }
}
