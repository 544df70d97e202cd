//! Decisions on the zoo: which network to recommend on a board that was left out, under limits
//! drawn from a committed seed.
//!
//! A problem is a board, limits on latency and size at drawn quantiles of the board, and a target
//! for latency below its limit. Some networks are measured first; then one is recommended.
//! The oracle knows every cost. Recommending nothing where something keeps the limits is a
//! violation. It is asked in two ways:
//!
//! - *unmeasured*: what was measured may not be recommended, by the oracle neither: can one
//!   recommend a network that never ran here?
//! - *as used*: what was measured may be recommended too, and the oracle picks among all.
//!
//! What breaking a limit costs, in accuracy points, is chosen for each device on the problems of
//! the other devices: the least with which those break few limits.

mod scene;

use std::collections::BTreeMap;
use std::path::Path;

use umbra::base::random::SplitMix64;

use crate::evaluate::EvaluateError;
use crate::prepared::Prepared;
use crate::progress::Progress;
use crate::score::{mean, median};
use crate::tables::{Board, Dataset, accuracies};

use scene::{Outcome, Record, Scene};

/// Problems: a multiple of the boards, and at least this many.
const PROBLEMS: usize = 500;
const SEED: u64 = 18_972;
/// Networks measured before the recommendation.
pub(crate) const MEASURED: [usize; 4] = [0, 3, 5, 10];
/// Each network predicted from all others of the board: what no choice of measurements exceeds.
pub(crate) const ALL_OTHERS: usize = usize::MAX;

/// Accuracy points that a broken limit may cost.
const PRICES: [f64; 14] =
    [0.0, 5.0, 10.0, 20.0, 40.0, 60.0, 80.0, 120.0, 160.0, 240.0, 320.0, 500.0, 800.0, 1500.0];
/// Violations that the choice of a price allows on the other devices' problems.
const ALLOWED: f64 = 0.015;

/// Ways to recommend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// Accuracy less the price of what may break a limit, clamps, weighted Copeland.
    Ours,
    /// The same where the measured may be recommended too, by the oracle as well.
    Used,
    /// The most accurate.
    Relevance,
    /// The most accurate of those with no more multiply-accumulates than the pool's largest
    /// network within the limit.
    MacsFilter,
    /// Copeland over accuracy and predicted latency, without limits.
    TwoLists,
    /// Accuracy less points for what is above the target, without limits.
    Scalarised,
}

impl Way {
    pub(crate) const ALL: [Self; 6] = [
        Self::Ours,
        Self::Used,
        Self::Relevance,
        Self::MacsFilter,
        Self::TwoLists,
        Self::Scalarised,
    ];

    /// Whether it weighs how likely a limit is broken.
    fn prices_risk(self) -> bool {
        matches!(self, Self::Ours | Self::Used)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "risk priced, Copeland",
            Self::Used => "the same, as used",
            Self::Relevance => "relevance alone",
            Self::MacsFilter => "MACs filter, accuracy",
            Self::TwoLists => "two-list Copeland",
            Self::Scalarised => "scalarisation",
        }
    }
}

/// How a way fared with a number of measurements.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fared {
    pub(crate) violations: f64,
    pub(crate) regret: f64,
    pub(crate) median: f64,
    /// Share of the problems where nothing more accurate would have kept the limits.
    pub(crate) best: f64,
    pub(crate) utility: f64,
}

/// All ways, by number of measurements.
#[derive(Debug, Clone, Default)]
pub(crate) struct Decisions {
    pub(crate) problems: usize,
    pub(crate) fared: BTreeMap<(usize, Way), Fared>,
}

/// Samples the problems and lets every way recommend.
pub(crate) fn evaluate(
    train: &Dataset,
    test: &Dataset,
    folder: &Path,
) -> Result<Decisions, EvaluateError> {
    let mut devices: BTreeMap<&str, Vec<&Board>> = BTreeMap::new();
    for board in &test.boards {
        devices.entry(&board.device).or_default().push(board);
    }
    let each = PROBLEMS.div_ceil(test.boards.len().max(1));
    let mut found: Vec<(&str, Record)> = Vec::new();
    let mut random = SplitMix64::new(SEED);
    let mut progress = Progress::new("decisions", test.boards.len());
    for (device, boards) in devices {
        let prepared = Prepared::without(device, train)?;
        let published = accuracies(folder, Some(device))?;
        for board in boards {
            let scene = Scene::of(train, &prepared, board, &published)?;
            for _ in 0..each {
                let problem = scene.problem(&mut random);
                let records = scene.decide(&problem)?;
                found.extend(records.into_iter().map(|record| (device, record)));
            }
            progress.step();
        }
    }
    Ok(Decisions { problems: each * test.boards.len(), fared: sum_up(&found) })
}

fn sum_up(found: &[(&str, Record)]) -> BTreeMap<(usize, Way), Fared> {
    let mut outcomes: BTreeMap<(usize, Way), Vec<Outcome>> = BTreeMap::new();
    let mut prices: BTreeMap<(&str, usize, Way), usize> = BTreeMap::new();
    for (device, record) in found {
        for (way, outcome) in &record.others {
            outcomes.entry((record.count, *way)).or_default().push(*outcome);
        }
        for (way, priced) in &record.priced {
            let price = *prices
                .entry((device, record.count, *way))
                .or_insert_with(|| price(found, device, record.count, *way));
            outcomes.entry((record.count, *way)).or_default().extend(priced.get(price));
        }
    }
    outcomes.into_iter().map(|(key, all)| (key, fared(&all))).collect()
}

/// The least price with which few problems of the other devices break a limit.
fn price(found: &[(&str, Record)], device: &str, count: usize, way: Way) -> usize {
    let broken = |at: usize| {
        let others = found.iter().filter(|(other, r)| *other != device && r.count == count);
        let priced = others.flat_map(|(_, record)| &record.priced).filter(|one| one.0 == way);
        let outcomes = priced.filter_map(|(_, outcomes)| outcomes.get(at));
        mean(outcomes.map(|outcome| f64::from(u8::from(outcome.violation))))
    };
    let all = 0..PRICES.len();
    all.clone().find(|at| broken(*at) <= ALLOWED).unwrap_or(all.end - 1)
}

fn fared(all: &[Outcome]) -> Fared {
    let regrets = || all.iter().filter_map(|outcome| outcome.regret);
    let share = |held: &dyn Fn(&Outcome) -> bool| {
        mean(all.iter().map(|outcome| f64::from(u8::from(held(outcome)))))
    };
    Fared {
        violations: share(&|outcome| outcome.violation),
        regret: mean(regrets().map(|regret| regret.0)),
        median: median(regrets().map(|regret| regret.0).collect()),
        best: share(&|outcome| outcome.regret.is_some_and(|regret| regret.0 <= 0.0)),
        utility: mean(regrets().map(|regret| regret.1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(broken_below: usize) -> Record {
        let outcome = |at: usize| match at < broken_below {
            true => Outcome { violation: true, regret: None },
            false => Outcome { violation: false, regret: Some((at as f64, 0.0)) },
        };
        let priced = vec![(Way::Ours, (0..PRICES.len()).map(outcome).collect())];
        Record { count: 3, others: Vec::new(), priced }
    }

    /// What the own device's problems break says nothing; the least price that serves is taken.
    #[test]
    fn the_price_is_chosen_on_other_devices() {
        let found = [("a", record(9)), ("b", record(4)), ("c", record(2))];
        assert_eq!(price(&found, "a", 3, Way::Ours), 4);
        assert_eq!(price(&found, "b", 3, Way::Ours), 9);
        let none_serves = [("a", record(0)), ("b", record(PRICES.len()))];
        assert_eq!(price(&none_serves, "a", 3, Way::Ours), PRICES.len() - 1);
    }

    #[test]
    fn a_broken_limit_has_no_regret_but_counts_as_not_the_best() {
        let kept = |points| Outcome { violation: false, regret: Some((points, 0.0)) };
        let broken = Outcome { violation: true, regret: None };
        let fared = fared(&[kept(0.0), kept(0.0), kept(3.0), broken]);
        assert_eq!((fared.violations, fared.best), (0.25, 0.5));
        assert_eq!((fared.regret, fared.median), (1.0, 0.0));
    }
}
