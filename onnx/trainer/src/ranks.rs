//! Ranks on boards that were left out: the whole device goes, and with it every row that a
//! choice could have been made on; what is known of it are the anchors drawn.

use std::collections::BTreeMap;

use umbra::base::random::SplitMix64;
use umbra::rank::cost::{
    Anchor, CostError, Guess, LAMBDA, Pool, Process, Traits, choose_anchors, ridge, tune,
};

use crate::ceiling::Ceiling;
use crate::evaluate::EvaluateError;
use crate::progress::Progress;
use crate::rates::{self, Bills, Lesson, Prior};
use crate::residual::{self, Corrector, Fitted};
use crate::score::{interval, mean, spearman, tau};
use crate::tables::{Board, Dataset};

/// Numbers of anchor rows.
pub(crate) const ANCHORS: [usize; 4] = [0, 3, 5, 10];
const SEED: u64 = 2412;
/// Groups of devices that scales are chosen on, at most.
const FOLDS: usize = 12;

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

/// Ways to predict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Method {
    Process,
    /// The process without its variants: every board about the mean, with one noise for all.
    OneProcess,
    Ridge,
    Rates,
    Corrected,
    Both,
    PoolMean,
    Proxy,
    Macs,
    Params,
}

impl Method {
    pub(crate) const ALL: [Self; 10] = [
        Self::Process,
        Self::OneProcess,
        Self::Ridge,
        Self::Rates,
        Self::Corrected,
        Self::Both,
        Self::PoolMean,
        Self::Proxy,
        Self::Macs,
        Self::Params,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::OneProcess => "one process",
            Self::Ridge => "ridge",
            Self::Rates => "rates",
            Self::Corrected => "rates, corrected",
            Self::Both => "process and rates",
            Self::PoolMean => "pool mean",
            Self::Proxy => "best proxy",
            Self::Macs => "MACs",
            Self::Params => "params",
        }
    }

    /// Whether it says how much, and not only in what order.
    pub(crate) fn predicts_figures(self) -> bool {
        matches!(
            self,
            Self::Process
                | Self::OneProcess
                | Self::Ridge
                | Self::Rates
                | Self::Corrected
                | Self::Both
        )
    }
}

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

/// A pool without one device, ready to predict.
pub(crate) struct Prepared {
    pub(crate) pool: Pool,
    pub(crate) traits: Vec<Traits>,
    pub(crate) process: Process,
    /// What rates are like; none where no model has nodes.
    pub(crate) rates: Option<Prior>,
    /// What was learned of their errors; none where no model has nodes, or nothing was to be.
    pub(crate) residual: Option<Fitted>,
    one_process: Process,
}

impl Prepared {
    /// From all boards that are not of the device.
    pub(crate) fn without(device: &str, train: &Dataset) -> Result<Self, CostError> {
        let others: Vec<&Board> = train.boards.iter().filter(|b| b.device != device).collect();
        let columns: Vec<_> = others.iter().map(|board| train.column(board)).collect();
        let pool = Pool::of(train.models.len(), &columns)?;
        let mut names: Vec<&str> = others.iter().map(|board| board.device.as_str()).collect();
        let all = names.clone();
        names.sort_unstable();
        names.dedup();
        // Of many devices some are left out together: the choice is as good, and quicker.
        let folds = if names.len() > FOLDS { FOLDS } else { names.len().max(1) };
        let fold = |name: &&str| names.binary_search(name).unwrap_or(0) % folds;
        let devices: Vec<usize> = all.iter().map(fold).collect();
        let traits: Vec<Traits> = train.models.iter().map(|model| model.traits.clone()).collect();
        let prior = tune(&pool, &traits, &devices)?;
        let one_process = Process::of(&pool, &traits, *prior.scales())?;
        let process = Process::of(&pool, &traits, prior)?;
        let rates = priors(train, &others)?;
        Ok(Self { pool, traits, process, one_process, rates, residual: None })
    }

    /// With what the same boards teach of the errors of rates.
    pub(crate) fn taught(self, device: &str, train: &Dataset) -> Result<Self, EvaluateError> {
        let others: Vec<&Board> = train.boards.iter().filter(|b| b.device != device).collect();
        let rows = residual::rows(train, &others, residual::kind(train))?;
        Ok(Self { residual: residual::teach(&rows)?, ..self })
    }

    /// What rates fitted to the anchors say of all models; no number where nodes are not known.
    fn by_rates(&self, anchors: &[Anchor]) -> Result<Vec<Guess>, CostError> {
        let models = self.pool.models();
        let Some(prior) = &self.rates else { return Ok(vec![UNKNOWN; models]) };
        Ok(prior.guesses(&prior.given(&logarithms(anchors))?, models))
    }

    /// The same, corrected by what was learned.
    fn corrected(&self, train: &Dataset, anchors: &[Anchor]) -> Result<Vec<Guess>, EvaluateError> {
        let (Some(prior), Some(residual)) = (&self.rates, &self.residual) else {
            return Ok(vec![UNKNOWN; self.pool.models()]);
        };
        // It was taught on boards of which something is known.
        if anchors.is_empty() {
            return Ok(self.by_rates(anchors)?);
        }
        let models = train.models.iter().map(|model| model.work.as_slice());
        let corrector = Corrector { residual, prior, cost: residual::kind(train) };
        corrector.guesses(models, &logarithms(anchors))
    }
}

/// The mean of two logarithms, each weighed by how sure it is; as sure as the surer of them.
fn both(a: &Guess, b: &Guess) -> Guess {
    let width = |guess: &Guess| (guess.high / guess.low).ln();
    let weight = |guess: &Guess| width(guess).powi(-2);
    let share = weight(a) / (weight(a) + weight(b));
    let cost = (share * a.cost.ln() + (1.0 - share) * b.cost.ln()).exp();
    let reach = (0.5 * width(a).min(width(b))).exp();
    Guess { cost, low: cost / reach, high: cost * reach }
}

/// Nothing is said of a model.
pub(crate) const UNKNOWN: Guess = Guess { cost: f64::NAN, low: f64::NAN, high: f64::NAN };

fn logarithms(anchors: &[Anchor]) -> Vec<(usize, f64)> {
    anchors.iter().map(|anchor| (anchor.model, anchor.cost.ln())).collect()
}

/// What rates are like on some boards.
pub(crate) fn priors(train: &Dataset, boards: &[&Board]) -> Result<Option<Prior>, CostError> {
    let Some(bills) = Bills::of(train.models.iter().map(|model| model.work.as_slice())) else {
        return Ok(None);
    };
    let lesson = |board: &&Board| {
        let cells = train.column(board).into_iter().enumerate();
        let device = boards.iter().position(|other| other.device == board.device).unwrap_or(0);
        let known = cells.filter_map(|(model, cost)| Some((model, cost?.ln()))).collect();
        Lesson { device, known }
    };
    rates::learn(&bills, &boards.iter().map(lesson).collect::<Vec<_>>())
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

/// What a method says of all models.
pub(crate) fn predict(
    train: &Dataset,
    prepared: &Prepared,
    method: Method,
    anchors: &[Anchor],
) -> Result<Vec<Guess>, EvaluateError> {
    let amount = |get: &dyn Fn(&crate::tables::Model) -> Option<f64>| {
        let plain = |cost: f64| Guess { cost, low: cost, high: cost };
        train.models.iter().map(|model| plain(get(model).unwrap_or(f64::NAN))).collect()
    };
    let (pool, traits) = (&prepared.pool, &prepared.traits);
    match method {
        Method::Process => Ok(prepared.process.predict(anchors)?),
        Method::OneProcess => Ok(prepared.one_process.predict(anchors)?),
        Method::Ridge => Ok(ridge(pool, traits, anchors, LAMBDA)?),
        Method::Rates => Ok(prepared.by_rates(anchors)?),
        Method::Corrected => prepared.corrected(train, anchors),
        Method::Both => {
            let process = prepared.process.predict(anchors)?;
            let rates = prepared.by_rates(anchors)?;
            Ok(process.iter().zip(&rates).map(|(a, b)| both(a, b)).collect())
        }
        Method::PoolMean => Ok(ridge(pool, traits, &[], LAMBDA)?),
        Method::Proxy => Ok(ridge(&proxy(pool, anchors), traits, &[], LAMBDA)?),
        Method::Macs => Ok(amount(&|model| model.macs)),
        Method::Params => Ok(amount(&|model| model.params)),
    }
}

/// The one board of the pool that orders the anchors best; without anchors the first.
fn proxy(pool: &Pool, anchors: &[Anchor]) -> Pool {
    let truth: Vec<f64> = anchors.iter().map(|anchor| anchor.cost).collect();
    let agreement = |board: usize| {
        let alone = ridge(&pool.only(|at| at == board), &[], &[], LAMBDA).unwrap_or_default();
        let said: Vec<f64> =
            anchors.iter().filter_map(|anchor| Some(alone.get(anchor.model)?.cost)).collect();
        spearman(&truth, &said).unwrap_or(-1.0)
    };
    let agreements = (0..pool.boards()).map(|board| (board, agreement(board)));
    let best =
        agreements.fold((0, f64::MIN), |best, next| if next.1 > best.1 { next } else { best });
    pool.only(|at| at == best.0)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_predictions_meet_nearer_to_the_surer_one() {
        let guess = |cost: f64, times: f64| Guess { cost, low: cost / times, high: cost * times };
        let found = both(&guess(100.0, 1.2), &guess(400.0, 1.2));
        assert!((found.cost - 200.0).abs() < 1e-9 && (found.high - 240.0).abs() < 1e-9);
        let found = both(&guess(100.0, 1.2), &guess(400.0, 1.2 * 1.2));
        assert!((found.cost - 100.0 * 4.0_f64.powf(0.2)).abs() < 1e-9, "{found:?}");
        assert!((found.low - found.cost / 1.2).abs() < 1e-9);
        assert!(both(&guess(100.0, 1.2), &UNKNOWN).cost.is_nan(), "one alone is not both");
    }
}
