//! Models that no board has measured: one family is left out of the pool and of the anchors,
//! the device as before, and the family's costs on the device are predicted from traits alone.

use std::collections::BTreeMap;

use umbra::base::random::SplitMix64;
use umbra::rank::cost::{Anchor, CostError, LAMBDA, Pool, Process, choose_anchors, ridge};

use crate::progress::Progress;
use crate::ranks::Prepared;
use crate::score::{mean, spearman};
use crate::tables::{Board, Dataset};

/// Anchors of other families.
pub(crate) const ANCHORS: usize = 10;
/// Models of a family on a board, to speak of their order.
const LEAST: usize = 5;
const SEED: u64 = 314;

/// How a family was predicted, mean over boards and draws.
#[derive(Debug, Clone)]
pub(crate) struct OfFamily {
    pub(crate) family: String,
    /// Spearman within the family: the process, the ridge, multiply-accumulates.
    pub(crate) spearman: [f64; 3],
    /// Share within 25 per cent: the process, the ridge.
    pub(crate) within: [f64; 2],
}

/// Every family with enough models, on every board of `test`.
pub(crate) fn evaluate(
    train: &Dataset,
    test: &Dataset,
    draws: usize,
) -> Result<Vec<OfFamily>, CostError> {
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
) -> Result<Option<OfFamily>, CostError> {
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
    let mut scores = Vec::new();
    for (device, boards) in devices {
        let prepared = Prepared::without(device, &without)?;
        for board in boards {
            scores.extend(of_board(train, &prepared, board, family, draws)?);
        }
    }
    let of =
        |get: &dyn Fn(&Scored) -> f64| mean(scores.iter().map(get).filter(|value| !value.is_nan()));
    Ok((!scores.is_empty()).then(|| OfFamily {
        family: family.to_owned(),
        spearman: [of(&|s| s.0[0]), of(&|s| s.0[1]), of(&|s| s.0[2])],
        within: [of(&|s| s.1[0]), of(&|s| s.1[1])],
    }))
}

/// Spearman of three ways, and the shares within 25 per cent of two.
type Scored = ([f64; 3], [f64; 2]);

fn of_board(
    train: &Dataset,
    prepared: &Prepared,
    board: &Board,
    family: &str,
    draws: usize,
) -> Result<Vec<Scored>, CostError> {
    let truth = train.column(board);
    let known = |inside: bool| -> Vec<usize> {
        let models = train.models.iter().zip(&truth).enumerate();
        let fits = models.filter(|(_, (m, cell))| cell.is_some() && (m.family == family) == inside);
        fits.map(|(at, _)| at).collect()
    };
    let (own, others) = (known(true), known(false));
    if own.len() < LEAST || others.len() < ANCHORS {
        return Ok(Vec::new());
    }
    let mut random = SplitMix64::new(SEED);
    let cost = |at: &usize| truth.get(*at).copied().flatten().unwrap_or(f64::NAN);
    let measured: Vec<f64> = own.iter().map(cost).collect();
    let macs = |at: &usize| train.models.get(*at).and_then(|m| m.macs).unwrap_or(f64::NAN);
    let work: Vec<f64> = own.iter().map(macs).collect();
    let mut scored = Vec::new();
    for _ in 0..draws.min(10) {
        let drawn = choose_anchors(&prepared.pool, &others, ANCHORS, &mut random);
        let anchors: Vec<Anchor> =
            drawn.iter().map(|at| Anchor { model: *at, cost: cost(at) }).collect();
        let [process, ridge] = both(&prepared.process, &prepared.pool, prepared, &anchors)?;
        let pick = |guesses: &[f64]| -> Vec<f64> {
            own.iter().filter_map(|at| guesses.get(*at).copied()).collect()
        };
        let (process, ridge) = (pick(&process), pick(&ridge));
        // A model of which a way says nothing is not in its order.
        let order = |said: &[f64]| {
            let known = measured.iter().zip(said).filter(|(_, said)| said.is_finite());
            let (truth, said): (Vec<f64>, Vec<f64>) = known.map(|(a, b)| (*a, *b)).unzip();
            spearman(&truth, &said).unwrap_or(f64::NAN)
        };
        let within = |said: &[f64]| {
            let close = |(said, truth): (&f64, &f64)| (said / truth - 1.0).abs() <= 0.25;
            mean(said.iter().zip(&measured).map(|pair| f64::from(u8::from(close(pair)))))
        };
        scored.push((
            [order(&process), order(&ridge), order(&work)],
            [within(&process), within(&ridge)],
        ));
    }
    Ok(scored)
}

/// Costs by the process and by the ridge.
fn both(
    process: &Process,
    pool: &Pool,
    prepared: &Prepared,
    anchors: &[Anchor],
) -> Result<[Vec<f64>; 2], CostError> {
    let costs = |guesses: Vec<umbra::rank::cost::Guess>| guesses.iter().map(|g| g.cost).collect();
    let ridge = ridge(pool, &prepared.traits, anchors, LAMBDA)?;
    Ok([costs(process.predict(anchors)?), costs(ridge)])
}
