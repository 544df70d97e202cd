//! Models that no board has measured: one family is left out of the pool and of the anchors,
//! the device as before, and the family's costs on the device are predicted from traits alone.

use std::collections::BTreeMap;

use umbra::base::random::SplitMix64;
use umbra::rank::cost::{Anchor, choose_anchors};

use crate::evaluate::EvaluateError;
use crate::predictors::{Method, predict};
use crate::prepared::Prepared;
use crate::progress::Progress;
use crate::ranks::{Score, average, score};
use crate::tables::{Board, Dataset};

/// Anchors of other families.
pub(crate) const ANCHORS: usize = 10;
/// Ways that know more of such a model than its place among measured ones.
pub(crate) const WAYS: [Method; 5] =
    [Method::Process, Method::Ridge, Method::Rates, Method::Both, Method::Macs];
/// Models of a family on a board, to speak of their order.
const LEAST: usize = 5;
const SEED: u64 = 314;

/// How a family was predicted, mean over boards and draws.
#[derive(Debug, Clone)]
pub(crate) struct OfFamily {
    pub(crate) family: String,
    /// By way; ranks within the family.
    pub(crate) scores: BTreeMap<Method, Score>,
}

/// Every family with enough models, on every board of `test`.
pub(crate) fn evaluate(
    train: &Dataset,
    test: &Dataset,
    draws: usize,
) -> Result<Vec<OfFamily>, EvaluateError> {
    let mut families: BTreeMap<&str, usize> = BTreeMap::new();
    for model in &train.models {
        *families.entry(&model.family).or_default() += 1;
    }
    families.retain(|_, count| *count >= LEAST);
    // With a single family nothing is left to learn from.
    if families.len() < 2 {
        return Ok(Vec::new());
    }
    let mut progress = Progress::new(test.name, families.len());
    let mut found = Vec::new();
    for family in families.keys() {
        found.extend(of_family(train, test, family, draws)?);
        progress.step();
    }
    Ok(found)
}

fn of_family(
    train: &Dataset,
    test: &Dataset,
    family: &str,
    draws: usize,
) -> Result<Option<OfFamily>, EvaluateError> {
    let mut without = train.clone();
    let belongs =
        |name: &str| train.models.iter().any(|model| model.name == name && model.family == family);
    for board in &mut without.boards {
        board.cells.retain(|name, _| !belongs(name));
    }
    without.boards.retain(|board| !board.cells.is_empty());
    let mut devices: BTreeMap<&str, Vec<&Board>> = BTreeMap::new();
    for board in &test.boards {
        devices.entry(&board.device).or_default().push(board);
    }
    let mut scores: BTreeMap<Method, Vec<Score>> = BTreeMap::new();
    for (device, boards) in devices {
        let prepared = Prepared::without(device, &without)?;
        for board in boards {
            of_board(train, &prepared, board, family, draws, &mut scores)?;
        }
    }
    let scores: BTreeMap<Method, Score> =
        scores.into_iter().map(|(way, all)| (way, average(&all))).collect();
    Ok((!scores.is_empty()).then(|| OfFamily { family: family.to_owned(), scores }))
}

fn of_board(
    train: &Dataset,
    prepared: &Prepared,
    board: &Board,
    family: &str,
    draws: usize,
    scores: &mut BTreeMap<Method, Vec<Score>>,
) -> Result<(), EvaluateError> {
    let truth = train.column(board);
    let known = |inside: bool| -> Vec<usize> {
        let models = train.models.iter().zip(&truth).enumerate();
        let fits = models.filter(|(_, (m, cell))| cell.is_some() && (m.family == family) == inside);
        fits.map(|(at, _)| at).collect()
    };
    let (own, others) = (known(true), known(false));
    if own.len() < LEAST || others.len() < ANCHORS {
        return Ok(());
    }
    let mut random = SplitMix64::new(SEED);
    let cost = |at: &usize| truth.get(*at).copied().flatten().unwrap_or(f64::NAN);
    for _ in 0..draws.min(10) {
        let drawn = choose_anchors(&prepared.pool, &others, ANCHORS, &mut random);
        let anchors: Vec<Anchor> =
            drawn.iter().map(|at| Anchor { model: *at, cost: cost(at) }).collect();
        for way in WAYS {
            let guesses = predict(train, prepared, way, &anchors)?;
            let pairs = own.iter().filter_map(|at| Some((cost(at), *guesses.get(*at)?)));
            let pairs: Vec<_> = pairs.collect();
            // A way that says nothing of the family has no row.
            if pairs.iter().any(|(_, guess)| guess.cost.is_finite()) {
                scores.entry(way).or_default().push(score(&pairs));
            }
        }
    }
    Ok(())
}
