//! One board of the decisions: what is asked on it, what each way recommends, and what comes of it.

use std::collections::BTreeMap;

use umbra::base::random::SplitMix64;
use umbra::rank::copeland::{Rule, elect};
use umbra::rank::cost::{Anchor, Choice, Guess};

use super::{ALL_OTHERS, MEASURED, PRICES, Way};
use crate::evaluate::EvaluateError;
use crate::prepared::Prepared;
use crate::tables::{Board, Dataset};

/// Accuracy points that twice the target costs.
const POINTS_PER_DOUBLING: f64 = 5.0;
/// Weights of relevance, latency and storage: the agent's.
const WEIGHTS: [f64; 3] = [42.0, 19.0, 5.0];
/// Differences in accuracy points, and in logarithms of costs, that are ties.
const INDIFFERENCE: [f64; 3] = [0.0, 0.049, 0.049];
/// The price of a broken limit while it is decided what to measure: as much as there is to gain.
const WHILE_MEASURING: f64 = 100.0;

/// What came of one recommendation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outcome {
    pub(super) violation: bool,
    /// Accuracy points and utility below the oracle's; none where a limit was broken.
    pub(super) regret: Option<(f64, f64)>,
}

/// What came of one problem after some measurements.
pub(super) struct Record {
    pub(super) count: usize,
    pub(super) others: Vec<(Way, Outcome)>,
    /// Of the ways that price risk, by price.
    pub(super) priced: Vec<(Way, Vec<Outcome>)>,
}

/// What is asked on a board.
pub(super) struct Problem {
    latency: f64,
    target: f64,
    bytes: f64,
}

/// One board, with what may be known of it.
pub(super) struct Scene<'a> {
    train: &'a Dataset,
    prepared: &'a Prepared,
    /// Accuracy points on other boards, by model.
    accuracy: Vec<Option<f64>>,
    /// Accuracy on this very board's table, for the oracle.
    truth: Vec<Option<f64>>,
    bytes: Vec<f64>,
    /// Each network predicted from all others.
    from_others: Vec<Guess>,
}

impl<'a> Scene<'a> {
    pub(super) fn of(
        train: &'a Dataset,
        prepared: &'a Prepared,
        board: &Board,
        published: &BTreeMap<String, f64>,
    ) -> Result<Self, EvaluateError> {
        let width = |int8: bool| if int8 { 1.0 } else { 4.0 };
        let bytes = train
            .models
            .iter()
            .map(|model| model.params.unwrap_or(f64::NAN) * width(model.traits.int8))
            .collect();
        let accuracy = train.models.iter().map(|m| published.get(&m.name).copied()).collect();
        let truth = train.column(board);
        let known = truth.iter().enumerate();
        let known = known.filter_map(|(model, cost)| Some(Anchor { model, cost: (*cost)? }));
        let from_others = prepared.process.predict_from_others(&known.collect::<Vec<_>>())?;
        Ok(Self { train, prepared, accuracy, truth, bytes, from_others })
    }

    /// Networks that were measured on the board and have a published accuracy.
    fn networks(&self) -> Vec<usize> {
        let known = self.truth.iter().zip(&self.accuracy).enumerate();
        known
            .filter(|(_, (cost, accuracy))| cost.is_some() && accuracy.is_some())
            .map(|(at, _)| at)
            .collect()
    }

    pub(super) fn problem(&self, random: &mut SplitMix64) -> Problem {
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

    /// Lets every way recommend after each number of measurements, and from all others.
    pub(super) fn decide(&self, problem: &Problem) -> Result<Vec<Record>, EvaluateError> {
        let networks = self.networks();
        let (mut anchors, mut used) = (Vec::new(), Vec::new());
        let mut records = Vec::new();
        for count in MEASURED {
            self.measure(problem, &mut anchors, count, false)?;
            self.measure(problem, &mut used, count, true)?;
            let mut record = Record { count, others: Vec::new(), priced: Vec::new() };
            let guesses = self.prepared.process.predict(&anchors)?;
            let rest = without(&networks, &anchors);
            if let Some(oracle) = self.oracle(problem, &rest) {
                let outcome = |chosen| self.outcome(problem, chosen, oracle);
                let others = Way::ALL.into_iter().filter(|way| !way.prices_risk());
                let said = |way| (way, outcome(self.recommend(way, problem, &rest, &guesses)));
                record.others.extend(others.map(said));
                let ours = self.priced(problem, &rest, &guesses, oracle);
                record.priced.push((Way::Ours, ours));
            }
            if let Some(oracle) = self.oracle(problem, &networks) {
                let guesses = self.known(&used, self.prepared.process.predict(&used)?);
                let ours = self.priced(problem, &networks, &guesses, oracle);
                record.priced.push((Way::Used, ours));
            }
            records.push(record);
        }
        if let Some(oracle) = self.oracle(problem, &networks) {
            let ours = self.priced(problem, &networks, &self.from_others, oracle);
            let priced = vec![(Way::Ours, ours)];
            records.push(Record { count: ALL_OTHERS, others: Vec::new(), priced });
        }
        Ok(records)
    }

    /// Measures until there are so many: what promises the best choice afterwards.
    fn measure(
        &self,
        problem: &Problem,
        anchors: &mut Vec<Anchor>,
        count: usize,
        used: bool,
    ) -> Result<(), EvaluateError> {
        while anchors.len() < count {
            let rest = without(&self.networks(), anchors);
            let mut choice = self.choice(problem, &rest, WHILE_MEASURING);
            choice.measured = used.then(|| {
                let kept = anchors.iter().map(|a| a.model).filter(|at| self.keeps(problem, *at));
                kept.map(|at| self.points(at)).fold(-WHILE_MEASURING, f64::max)
            });
            let next = choice.next(&self.prepared.process, anchors, &rest)?;
            let Some(model) = next else { break };
            anchors.push(Anchor { model, cost: self.cost(model) });
        }
        Ok(())
    }

    /// Of what is small enough.
    fn choice(&self, problem: &Problem, among: &[usize], price: f64) -> Choice {
        let mut worth = vec![None; self.bytes.len()];
        for at in among.iter().filter(|at| self.bytes_of(**at) <= problem.bytes) {
            if let Some(worth) = worth.get_mut(*at) {
                *worth = Some(self.points(*at));
            }
        }
        Choice { worth, limit: problem.latency, price, measured: None }
    }

    /// What was measured instead of what was predicted.
    fn known(&self, anchors: &[Anchor], mut guesses: Vec<Guess>) -> Vec<Guess> {
        for anchor in anchors {
            if let Some(guess) = guesses.get_mut(anchor.model) {
                *guess = Guess { cost: anchor.cost, low: anchor.cost, high: anchor.cost };
            }
        }
        guesses
    }

    /// What comes of ours with each price.
    fn priced(
        &self,
        problem: &Problem,
        among: &[usize],
        guesses: &[Guess],
        oracle: (f64, f64),
    ) -> Vec<Outcome> {
        let chosen = PRICES.map(|price| self.ours(problem, among, guesses, price));
        chosen.map(|chosen| self.outcome(problem, chosen, oracle)).to_vec()
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
            Way::Ours | Way::Used => None,
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

    /// Accuracy less the price of what may break the limit, costs cut at their targets, weighted
    /// Copeland.
    fn ours(
        &self,
        problem: &Problem,
        among: &[usize],
        guesses: &[Guess],
        price: f64,
    ) -> Option<usize> {
        let choice = self.choice(problem, among, price);
        let priced: Vec<(usize, f64, f64)> = among
            .iter()
            .filter_map(|at| {
                let guess = guesses.get(*at)?;
                Some((*at, choice.expected(*at, guess)?, guess.cost.max(problem.target).ln()))
            })
            .collect();
        let columns = [
            priced.iter().map(|(_, worth, _)| *worth).collect::<Vec<f64>>(),
            priced.iter().map(|(_, _, clamped)| -clamped).collect(),
            priced.iter().map(|one| -self.bytes_of(one.0).max(problem.bytes / 2.0).ln()).collect(),
        ];
        let rule = Rule { weights: WEIGHTS.to_vec(), indifference: INDIFFERENCE.to_vec() };
        let best = elect(&columns, &rule, Some(1)).standings.first()?.item;
        priced.get(best).map(|(at, ..)| *at)
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

/// Those that were not measured.
fn without(networks: &[usize], anchors: &[Anchor]) -> Vec<usize> {
    let measured = |at: &usize| anchors.iter().any(|anchor| anchor.model == *at);
    networks.iter().copied().filter(|at| !measured(at)).collect()
}
