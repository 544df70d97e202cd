//! Ranks on boards that were left out: the whole device goes, and with it every row that a
//! choice could have been made on; what is known of it are the anchors drawn.

use std::collections::BTreeMap;

use umbra::base::random::SplitMix64;
use umbra::rank::cost::{Anchor, Guess, choose_anchors};

use crate::ceiling::Ceiling;
use crate::evaluate::EvaluateError;
use crate::predictors::{Method, predict};
use crate::prepared::Prepared;
use crate::progress::Progress;
use crate::score::{interval, mean, spearman, tau};
use crate::tables::{Board, Dataset};

/// Numbers of anchor rows.
pub(crate) const ANCHORS: [usize; 4] = [0, 3, 5, 10];
const SEED: u64 = 2412;
/// What is ranked, after how many measurements.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Protocol {
    /// Numbers of anchors.
    pub(crate) counts: &'static [usize],
    /// Only models between the tenth and the ninetieth percentile of the board's costs.
    pub(crate) trimmed: bool,
}

/// Ours.
pub(crate) const PROTOCOL: Protocol = Protocol { counts: &ANCHORS, trimmed: false };
/// HELP's: ten measurements to describe a board and ten to tune on, the middle of the range.
pub(crate) const HELP: Protocol = Protocol { counts: &[20], trimmed: true };

/// Means over the draws of one board.
#[derive(Debug, Clone, Default)]
pub(crate) struct Score {
    pub(crate) spearman: f64,
    pub(crate) tau: f64,
    /// Shares of predictions within 10 and 25 per cent.
    pub(crate) within: [f64; 2],
    /// Share of measurements inside the predicted interval.
    pub(crate) covered: f64,
}

/// Everything about one board: scores by number of anchors and method.
#[derive(Debug, Clone)]
pub(crate) struct OfBoard {
    pub(crate) board: String,
    pub(crate) device: String,
    pub(crate) scores: BTreeMap<(usize, Method), Score>,
    pub(crate) ceiling: Ceiling,
}

/// Ranks every board of `test` from the boards of `train` on other devices.
pub(crate) fn evaluate(
    train: &Dataset,
    test: &Dataset,
    draws: usize,
    protocol: Protocol,
) -> Result<Vec<OfBoard>, EvaluateError> {
    let mut by_device: BTreeMap<&str, Vec<&Board>> = BTreeMap::new();
    for board in &test.boards {
        by_device.entry(&board.device).or_default().push(board);
    }
    let mut progress = Progress::new(test.name, test.boards.len());
    let mut found = Vec::new();
    for (device, boards) in by_device {
        let prepared = Prepared::without(device, train)?.taught(device, train)?;
        if prepared.pool.boards() == 0 {
            continue;
        }
        for board in boards {
            found.push(of_board(train, &prepared, board, draws, protocol)?);
            progress.step();
        }
    }
    Ok(found)
}

fn of_board(
    train: &Dataset,
    prepared: &Prepared,
    board: &Board,
    draws: usize,
    protocol: Protocol,
) -> Result<OfBoard, EvaluateError> {
    let truth = train.column(board);
    let eligible: Vec<usize> =
        truth.iter().enumerate().filter_map(|(at, cell)| cell.map(|_| at)).collect();
    let mut sums: BTreeMap<(usize, Method), Vec<Score>> = BTreeMap::new();
    for count in protocol.counts.iter().copied() {
        // At least as many must be left to be ranked.
        if eligible.len() < 2 * count.max(4) {
            continue;
        }
        let mut random = SplitMix64::new(SEED ^ (count as u64) << 32);
        for _ in 0..if count == 0 { 1 } else { draws } {
            let drawn = choose_anchors(&prepared.pool, &eligible, count, &mut random);
            let anchors: Vec<Anchor> = drawn
                .iter()
                .filter_map(|model| Some(Anchor { model: *model, cost: (*truth.get(*model)?)? }))
                .collect();
            for method in Method::ALL {
                let guesses = predict(train, prepared, method, &anchors)?;
                let rest = eligible.iter().filter(|model| !drawn.contains(model));
                let pair = |model: &usize| Some(((*truth.get(*model)?)?, *guesses.get(*model)?));
                let mut pairs: Vec<_> = rest.filter_map(pair).collect();
                if protocol.trimmed {
                    trim(&mut pairs);
                }
                sums.entry((count, method)).or_default().push(score(&pairs));
            }
        }
    }
    let scores = sums.into_iter().map(|(key, all)| (key, average(&all))).collect();
    let ceiling = Ceiling::of(train, prepared, board, protocol)?;
    Ok(OfBoard { board: board.name.clone(), device: board.device.clone(), scores, ceiling })
}

/// Leaves the middle eight tenths.
pub(crate) fn trim(pairs: &mut Vec<(f64, Guess)>) {
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let tenth = pairs.len() / 10;
    pairs.truncate(pairs.len() - tenth);
    pairs.drain(..tenth);
}

pub(crate) fn score(pairs: &[(f64, Guess)]) -> Score {
    // A model of which a method says nothing is not in its score.
    let known: Vec<_> = pairs.iter().filter(|(_, guess)| guess.cost.is_finite()).collect();
    let truth: Vec<f64> = known.iter().map(|(truth, _)| *truth).collect();
    let said: Vec<f64> = known.iter().map(|(_, guess)| guess.cost).collect();
    let within = |reach: f64| {
        mean(known.iter().map(|(t, g)| f64::from(u8::from((g.cost / t - 1.0).abs() <= reach))))
    };
    let inside = |(truth, guess): &&(f64, Guess)| guess.low <= *truth && *truth <= guess.high;
    Score {
        spearman: spearman(&truth, &said).unwrap_or(f64::NAN),
        tau: tau(&truth, &said).unwrap_or(f64::NAN),
        within: [within(0.10), within(0.25)],
        covered: mean(known.iter().map(|pair| f64::from(u8::from(inside(pair))))),
    }
}

/// Means over the draws; an undefined score counts nothing.
pub(crate) fn average(all: &[Score]) -> Score {
    let of = |get: &dyn Fn(&Score) -> f64| mean(all.iter().map(get).filter(|v| !v.is_nan()));
    Score {
        spearman: of(&|score| score.spearman),
        tau: of(&|score| score.tau),
        within: [of(&|score| score.within[0]), of(&|score| score.within[1])],
        covered: of(&|score| score.covered),
    }
}

/// Mean over the boards, and the worst.
#[derive(Debug, Clone)]
pub(crate) struct Summary {
    pub(crate) spearman: f64,
    pub(crate) worst: f64,
    pub(crate) worst_board: String,
    pub(crate) tau: f64,
    pub(crate) within: [f64; 2],
    pub(crate) covered: f64,
    /// Spearman beyond the ridge's on the same draws, with its 95 % interval over devices.
    pub(crate) gain: (f64, f64, f64),
}

/// Sums up boards for a number of anchors and a method; none if no board has it.
pub(crate) fn summary(boards: &[OfBoard], count: usize, method: Method) -> Option<Summary> {
    sum_up(boards, |board| board.scores.get(&(count, method)), count)
}

/// The same for each model predicted from all others.
pub(crate) fn ceiling(boards: &[OfBoard]) -> Option<Summary> {
    sum_up(boards, |board| Some(&board.ceiling.others), usize::MAX)
}

fn sum_up<'a>(
    boards: &'a [OfBoard],
    score: impl Fn(&'a OfBoard) -> Option<&'a Score>,
    count: usize,
) -> Option<Summary> {
    let with: Vec<(&OfBoard, &Score)> = boards
        .iter()
        .filter_map(|board| Some((board, score(board)?)))
        .filter(|(_, score)| !score.spearman.is_nan())
        .collect();
    let worst = with.iter().min_by(|a, b| a.1.spearman.total_cmp(&b.1.spearman))?;
    let of = |get: &dyn Fn(&Score) -> f64| mean(with.iter().map(|(_, score)| get(score)));
    let mut gains: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (board, score) in &with {
        let ridge = board.scores.get(&(count, Method::Ridge));
        let gain = ridge.map(|ridge| score.spearman - ridge.spearman);
        if let Some(gain) = gain.filter(|gain| !gain.is_nan()) {
            gains.entry(&board.device).or_default().push(gain);
        }
    }
    let groups: Vec<Vec<f64>> = gains.into_values().collect();
    let (low, high) = interval(&groups, SEED);
    Some(Summary {
        spearman: of(&|score| score.spearman),
        worst: worst.1.spearman,
        worst_board: worst.0.board.clone(),
        tau: of(&|score| score.tau),
        within: [of(&|score| score.within[0]), of(&|score| score.within[1])],
        covered: of(&|score| score.covered),
        gain: (mean(groups.iter().flatten().copied()), low, high),
    })
}
