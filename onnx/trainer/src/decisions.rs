//! Decisions on the zoo: which network to recommend on a board that was left out, under limits
//! drawn from a committed seed, before the recommended one was ever measured there.
//!
//! A problem is a board, limits on latency and size at drawn quantiles of the board, and a target
//! for latency below its limit. Some other networks are measured first, each the one that says
//! most of the network that would be recommended so far; they are neither recommended nor the
//! oracle's, and all ways know them. The oracle knows every cost. Recommending nothing where
//! something keeps the limits is a violation.
//!
//! How many standard deviations a prediction must stay below a limit is chosen for each device
//! on the problems of the other devices: the fewest with which those break few limits.

use std::collections::BTreeMap;
use std::path::Path;

use umbra::base::random::SplitMix64;
use umbra::rank::copeland::{Rule, elect};
use umbra::rank::cost::{Anchor, Guess};

use crate::evaluate::EvaluateError;
use crate::progress::Progress;
use crate::ranks::Prepared;
use crate::score::mean;
use crate::tables::{Board, Dataset, accuracies};

/// Problems: a multiple of the boards, and at least this many.
const PROBLEMS: usize = 500;
const SEED: u64 = 18_972;
/// Networks measured before the recommendation.
pub(crate) const MEASURED: [usize; 4] = [0, 3, 5, 10];
/// Accuracy points that twice the target costs.
const POINTS_PER_DOUBLING: f64 = 5.0;
/// Weights of relevance, latency and storage: the agent's.
const WEIGHTS: [f64; 3] = [42.0, 19.0, 5.0];
/// Differences in accuracy points, and in logarithms of costs, that are ties.
const INDIFFERENCE: [f64; 3] = [0.0, 0.049, 0.049];

/// Margins that are tried, in standard deviations.
const MARGINS: [f64; 10] = [0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5];
/// Violations that the choice of a margin allows on the other devices' problems.
const ALLOWED: f64 = 0.015;

/// Ways to recommend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// Predicted limits, clamps, weighted Copeland.
    Ours,
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
    pub(crate) const ALL: [Self; 5] =
        [Self::Ours, Self::Relevance, Self::MacsFilter, Self::TwoLists, Self::Scalarised];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "limits, then Copeland",
            Self::Relevance => "relevance alone",
            Self::MacsFilter => "MACs filter, accuracy",
            Self::TwoLists => "two-list Copeland",
            Self::Scalarised => "scalarisation",
        }
    }
}

/// What came of one recommendation.
#[derive(Debug, Clone, Copy)]
struct Outcome {
    violation: bool,
    /// Accuracy points and utility below the oracle's; none where a limit was broken.
    regret: Option<(f64, f64)>,
}

/// How a way fared with a number of measurements.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fared {
    pub(crate) violations: f64,
    pub(crate) regret: f64,
    pub(crate) utility: f64,
}

/// All ways, by number of measurements.
#[derive(Debug, Clone, Default)]
pub(crate) struct Decisions {
    pub(crate) problems: usize,
    pub(crate) fared: BTreeMap<(usize, Way), Fared>,
}

/// What is asked on a board.
struct Problem {
    latency: f64,
    target: f64,
    bytes: f64,
}

/// One board, with what may be known of it.
struct Scene<'a> {
    train: &'a Dataset,
    prepared: &'a Prepared,
    /// Accuracy points on other boards, by model.
    accuracy: Vec<Option<f64>>,
    /// Accuracy on this very board's table, for the oracle.
    truth: Vec<Option<f64>>,
    bytes: Vec<f64>,
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
            let scene = Scene::of(train, &prepared, board, &published);
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

/// What came of one problem after some measurements: of the other ways, and of ours with each
/// margin.
struct Record {
    count: usize,
    others: Vec<(Way, Outcome)>,
    ours: Vec<Outcome>,
}

fn sum_up(found: &[(&str, Record)]) -> BTreeMap<(usize, Way), Fared> {
    let mut outcomes: BTreeMap<(usize, Way), Vec<Outcome>> = BTreeMap::new();
    let mut margins: BTreeMap<(&str, usize), usize> = BTreeMap::new();
    for (device, record) in found {
        let margin = *margins
            .entry((device, record.count))
            .or_insert_with(|| margin(found, device, record.count));
        let ours = record.ours.get(margin).map(|outcome| (Way::Ours, *outcome));
        for (way, outcome) in record.others.iter().copied().chain(ours) {
            outcomes.entry((record.count, way)).or_default().push(outcome);
        }
    }
    outcomes.into_iter().map(|(key, all)| (key, fared(&all))).collect()
}

/// The smallest margin with which few problems of the other devices break a limit.
fn margin(found: &[(&str, Record)], device: &str, count: usize) -> usize {
    let broken = |at: usize| {
        let others = found.iter().filter(|(other, r)| *other != device && r.count == count);
        let outcomes = others.filter_map(|(_, record)| record.ours.get(at));
        mean(outcomes.map(|outcome| f64::from(u8::from(outcome.violation))))
    };
    let all = 0..MARGINS.len();
    all.clone().find(|at| broken(*at) <= ALLOWED).unwrap_or(all.end - 1)
}

impl<'a> Scene<'a> {
    fn of(
        train: &'a Dataset,
        prepared: &'a Prepared,
        board: &Board,
        published: &BTreeMap<String, f64>,
    ) -> Self {
        let width = |int8: bool| if int8 { 1.0 } else { 4.0 };
        let bytes = train
            .models
            .iter()
            .map(|model| model.params.unwrap_or(f64::NAN) * width(model.traits.int8))
            .collect();
        let accuracy = train.models.iter().map(|m| published.get(&m.name).copied()).collect();
        Self { train, prepared, accuracy, truth: train.column(board), bytes }
    }

    /// Networks that were measured on the board and have a published accuracy.
    fn networks(&self) -> Vec<usize> {
        let known = self.truth.iter().zip(&self.accuracy).enumerate();
        known
            .filter(|(_, (cost, accuracy))| cost.is_some() && accuracy.is_some())
            .map(|(at, _)| at)
            .collect()
    }

    fn problem(&self, random: &mut SplitMix64) -> Problem {
        let mut quantile = |values: &mut Vec<f64>| {
            values.sort_by(f64::total_cmp);
            let share = 0.2 + 0.6 * random.unit();
            let place = share * (values.len().max(1) - 1) as f64;
            let at = |place: f64| values.get(place as usize).copied().unwrap_or(f64::NAN);
            at(place.floor()) + (at(place.ceil()) - at(place.floor())) * place.fract()
        };
        let mut costs: Vec<f64> = self.networks().iter().map(|at| self.cost(*at)).collect();
        let mut bytes: Vec<f64> = self.networks().iter().map(|at| self.bytes_of(*at)).collect();
        let latency = quantile(&mut costs);
        let bytes = quantile(&mut bytes);
        let target = latency * (0.3 + 0.6 * random.unit());
        Problem { latency, target, bytes }
    }

    fn cost(&self, at: usize) -> f64 {
        self.truth.get(at).copied().flatten().unwrap_or(f64::NAN)
    }

    fn bytes_of(&self, at: usize) -> f64 {
        self.bytes.get(at).copied().unwrap_or(f64::NAN)
    }

    fn points(&self, at: usize) -> f64 {
        self.accuracy.get(at).copied().flatten().unwrap_or(f64::NAN)
    }

    /// Lets every way recommend after each number of measurements.
    fn decide(&self, problem: &Problem) -> Result<Vec<Record>, EvaluateError> {
        let mut rest = self.networks();
        let mut anchors: Vec<Anchor> = Vec::new();
        let mut records = Vec::new();
        for count in MEASURED {
            while anchors.len() < count {
                let Some(next) = self.next(problem, &rest, &anchors)? else { break };
                rest.retain(|at| *at != next);
                anchors.push(Anchor { model: next, cost: self.cost(next) });
            }
            let guesses = self.prepared.process.predict(&anchors)?;
            let Some(oracle) = self.oracle(problem, &rest) else { continue };
            let outcome = |chosen| self.outcome(problem, chosen, oracle);
            let others = Way::ALL.into_iter().filter(|way| *way != Way::Ours);
            records.push(Record {
                count,
                others: others
                    .map(|way| (way, outcome(self.recommend(way, problem, &rest, &guesses))))
                    .collect(),
                ours: MARGINS
                    .map(|margin| outcome(self.ours(problem, &rest, &guesses, margin)))
                    .to_vec(),
            });
        }
        Ok(records)
    }

    /// What to measure next: what says most of the network that would be recommended.
    fn next(
        &self,
        problem: &Problem,
        rest: &[usize],
        anchors: &[Anchor],
    ) -> Result<Option<usize>, EvaluateError> {
        let process = &self.prepared.process;
        let guesses = process.predict(anchors)?;
        let Some(about) = self.ours(problem, rest, &guesses, 0.0) else { return Ok(None) };
        Ok(process.informative(anchors, about, rest)?)
    }

    fn keeps(&self, problem: &Problem, at: usize) -> bool {
        self.cost(at) <= problem.latency && self.bytes_of(at) <= problem.bytes
    }

    fn utility(&self, problem: &Problem, at: usize) -> f64 {
        self.points(at) - excess(self.cost(at), problem)
    }

    /// The most accurate of those that keep the limits, and the best utility; none if none does.
    fn oracle(&self, problem: &Problem, rest: &[usize]) -> Option<(f64, f64)> {
        let feasible = || rest.iter().filter(|at| self.keeps(problem, **at));
        let accuracy = feasible().map(|at| self.points(*at)).max_by(f64::total_cmp)?;
        let utility = feasible().map(|at| self.utility(problem, *at)).max_by(f64::total_cmp)?;
        Some((accuracy, utility))
    }

    fn outcome(&self, problem: &Problem, chosen: Option<usize>, oracle: (f64, f64)) -> Outcome {
        let Some(chosen) = chosen.filter(|at| self.keeps(problem, *at)) else {
            return Outcome { violation: true, regret: None };
        };
        let regret = (oracle.0 - self.points(chosen), oracle.1 - self.utility(problem, chosen));
        Outcome { violation: false, regret: Some(regret) }
    }

    fn recommend(
        &self,
        way: Way,
        problem: &Problem,
        rest: &[usize],
        guesses: &[Guess],
    ) -> Option<usize> {
        let cost = |at: usize| guesses.get(at).map_or(f64::NAN, |guess| guess.cost);
        let small = |at: &&usize| self.bytes_of(**at) <= problem.bytes;
        let most = |score: &dyn Fn(usize) -> f64, among: &mut dyn Iterator<Item = &usize>| {
            among.copied().max_by(|a, b| score(*a).total_cmp(&score(*b)))
        };
        match way {
            Way::Ours => self.ours(problem, rest, guesses, 0.0),
            Way::Relevance => most(&|at| self.points(at), &mut rest.iter().filter(small)),
            Way::MacsFilter => {
                let within = |at: &&usize| small(at) && self.work(**at) <= self.budget(problem);
                most(&|at| self.points(at), &mut rest.iter().filter(within))
            }
            Way::TwoLists => {
                let lists = [1.0, -1.0].map(|sign| {
                    let score = |at: &usize| if sign > 0.0 { self.points(*at) } else { -cost(*at) };
                    rest.iter().map(score).collect::<Vec<f64>>()
                });
                let best = elect(&lists, &Rule::default(), Some(1)).standings.first()?.item;
                rest.get(best).copied()
            }
            Way::Scalarised => most(
                &|at| self.points(at) - excess(cost(at), problem),
                &mut rest.iter().filter(small),
            ),
        }
    }

    /// Limits on what is surely kept, costs cut at their targets, weighted Copeland; if nothing
    /// surely keeps them, what most likely does.
    fn ours(
        &self,
        problem: &Problem,
        rest: &[usize],
        guesses: &[Guess],
        margin: f64,
    ) -> Option<usize> {
        let guess = |at: usize| guesses.get(at).copied();
        // The logarithm's distance to the limit in standard deviations.
        let safety = |at: usize| {
            let guess = guess(at)?;
            let deviation = (guess.high / guess.cost).ln() / 1.96;
            Some((problem.latency / guess.cost).ln() / deviation.max(1e-9))
        };
        let small: Vec<usize> =
            rest.iter().copied().filter(|at| self.bytes_of(*at) <= problem.bytes).collect();
        let sure: Vec<usize> =
            small.iter().copied().filter(|at| safety(*at).is_some_and(|s| s >= margin)).collect();
        if sure.is_empty() {
            let likely = |at: &usize| safety(*at).unwrap_or(f64::MIN);
            return small.into_iter().max_by(|a, b| likely(a).total_cmp(&likely(b)));
        }
        let clamped =
            |at: &usize| -guess(*at).map_or(f64::NAN, |guess| guess.cost.max(problem.target)).ln();
        let columns = [
            sure.iter().map(|at| self.points(*at)).collect::<Vec<f64>>(),
            sure.iter().map(clamped).collect(),
            sure.iter().map(|at| -self.bytes_of(*at).max(problem.bytes / 2.0).ln()).collect(),
        ];
        let rule = Rule { weights: WEIGHTS.to_vec(), indifference: INDIFFERENCE.to_vec() };
        sure.get(elect(&columns, &rule, Some(1)).standings.first()?.item).copied()
    }

    fn work(&self, at: usize) -> f64 {
        self.train.models.get(at).and_then(|model| model.macs).unwrap_or(f64::NAN)
    }

    /// Multiply-accumulates of the largest network that takes the limit on the mean board of the
    /// pool.
    fn budget(&self, problem: &Problem) -> f64 {
        let mean = self.prepared.process.predict(&[]).unwrap_or_default();
        let within = mean.iter().enumerate().filter(|(_, guess)| guess.cost <= problem.latency);
        within.map(|(at, _)| self.work(at)).fold(0.0, f64::max)
    }
}

/// Points lost above the target.
fn excess(cost: f64, problem: &Problem) -> f64 {
    POINTS_PER_DOUBLING * (cost / problem.target).log2().max(0.0)
}

fn fared(all: &[Outcome]) -> Fared {
    let regrets = || all.iter().filter_map(|outcome| outcome.regret);
    Fared {
        violations: mean(all.iter().map(|outcome| f64::from(u8::from(outcome.violation)))),
        regret: mean(regrets().map(|regret| regret.0)),
        utility: mean(regrets().map(|regret| regret.1)),
    }
}
