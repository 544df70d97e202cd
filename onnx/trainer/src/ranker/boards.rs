//! Tasks on boards: what a ranker that knows the board learns from.
//!
//! Beside boards that were measured, if the facts have any, boards are drawn, because nobody has
//! measured the study's models on many: speeds and overheads
//! between those of a small single-board computer and of a fast host, in the shapes that the
//! agent's probes give them. Costs are the agent's own prediction from them; the right order is the
//! agent's own rule (limits aside) on true accuracies and those costs. It is a world of our
//! making, and docs/ranker.md says so beside every figure.

use umbra::base::random::SplitMix64;
use umbra::base::{Bytes, Micros};
use umbra::model::Kind;
use umbra::rank::copeland::copeland;
use umbra::rank::cost::roofline::{Rate, Rates, latency};
use umbra::rank::spider::hardware;
use umbra::task::{Targets, Weights};

use super::facts::{Cost, Facts, Task};
use super::network::Normal;

/// Multiply-accumulates of a convolution in a microsecond, eight bits: slowest and fastest board.
const SPEED: (f64, f64) = (300.0, 60_000.0);
/// Bytes that move in a microsecond.
const MEMORY: (f64, f64) = (300.0, 20_000.0);
/// Microseconds of a node, and of an inference.
const NODE: (f64, f64) = (0.2, 8.0);
const INFERENCE: (f64, f64) = (0.5, 40.0);
/// Deviation of the logarithm of what one kind of work is worth on a board.
const APART: f64 = 0.5;
/// Share of the kinds of work that no probe has shown on a board.
const UNKNOWN: f64 = 0.1;
/// Differences that are none: accuracy, and the logarithm of a cost.
const SAME_ACCURACY: f64 = 0.01;
const SAME_COST: f64 = 0.05;

/// Every task on the measured boards and on some drawn from a seed; a task's truth is then the place
/// of each model in the right order, higher being better.
pub(crate) fn on_boards(facts: &Facts, measured: &[Rates], drawn: usize, seed: u64) -> Facts {
    let boards = measured.len() + drawn;
    let mut tasks = Vec::with_capacity(facts.tasks.len() * boards);
    for (number, task) in facts.tasks.iter().enumerate() {
        for board in 0..boards {
            let start = SplitMix64::new(seed ^ (number * boards + board) as u64).next_u64();
            let mut drawn = Board(Normal(SplitMix64::new(start)));
            let rates = measured.get(board).cloned().unwrap_or_else(|| drawn.rates());
            let costs: Vec<[f64; 3]> = task
                .candidates
                .iter()
                .map(|model| facts.costs.get(*model).map_or([1.0; 3], |cost| costs(&rates, cost)))
                .collect();
            let targets = drawn.targets(&costs);
            let truth = places(&task.truth, SAME_ACCURACY, &costs, &targets);
            let hardware = hardware(&drawn.shown(rates), &targets);
            tasks.push(Task { truth, hardware, costs, targets, ..task.clone() });
        }
    }
    Facts { tasks, ..facts.clone() }
}

/// Latency (microseconds), memory and size (bytes) of a model.
fn costs(rates: &Rates, cost: &Cost) -> [f64; 3] {
    [latency(rates, &cost.work).map_or(1.0, |micros| micros.0), cost.memory, cost.bytes]
}

/// Places in the order of weighted Copeland, as a share of all: the first gets 1.
pub(crate) fn places(
    relevance: &[f64],
    same: f64,
    costs: &[[f64; 3]],
    targets: &Targets,
) -> Vec<f64> {
    let Weights { relevance: of_relevance, latency, memory, storage, .. } = Weights::default();
    let target = [
        targets.latency.map_or(0.0, |micros| micros.0),
        targets.memory.map_or(0.0, |bytes| bytes.0 as f64),
        0.0,
    ];
    let mut scores = vec![relevance.iter().map(|value| Some(*value)).collect::<Vec<_>>()];
    for (at, target) in target.into_iter().enumerate() {
        let clamped = |cost: &[f64; 3]| Some(-cost.get(at)?.max(target).ln());
        scores.push(costs.iter().map(clamped).collect());
    }
    let weights = [of_relevance, latency, memory, storage];
    let found = copeland(&scores, &weights, &[same, SAME_COST, SAME_COST, SAME_COST]);
    let mut places = vec![0.0; relevance.len()];
    for (place, model) in found.order.iter().enumerate() {
        if let Some(value) = places.get_mut(*model) {
            *value = 1.0 - place as f64 / relevance.len() as f64;
        }
    }
    places
}

/// A board as it is drawn.
struct Board(Normal);

impl Board {
    fn between(&mut self, (low, high): (f64, f64)) -> f64 {
        low * (high / low).powf(self.0.0.unit())
    }

    fn rates(&mut self) -> Rates {
        let (speed, memory) = (self.between(SPEED), self.between(MEMORY));
        let overhead = self.between(NODE);
        let mut rates = Vec::new();
        for kind in Kind::ALL {
            for int8 in [false, true] {
                let mut apart = |scale: f64| (scale * self.0.draw()).exp();
                // Floating point costs four times the bytes and about as much the time.
                let number = if int8 { 1.0 } else { 0.3 };
                let per_micro = match kind {
                    Kind::Other => memory * apart(APART),
                    Kind::Depthwise => 0.2 * speed * number * apart(APART),
                    _ => speed * number * apart(APART),
                };
                let overhead = Micros(overhead * apart(APART));
                rates.push(Rate { kind, int8, overhead, per_micro });
            }
        }
        Rates { inference: Micros(self.between(INFERENCE)), memory, rates }
    }

    /// What probes have shown of them: some kinds are missing, as on a device. What moves memory
    /// is part of every probe.
    fn shown(&mut self, mut rates: Rates) -> Rates {
        rates.rates.retain(|rate| self.0.0.unit() >= UNKNOWN || rate.kind == Kind::Other);
        rates
    }

    /// Latency and memory that are good enough: none, or a quantile of the candidates' costs.
    fn targets(&mut self, costs: &[[f64; 3]]) -> Targets {
        let mut quantile = |at: usize| {
            let mut column: Vec<f64> =
                costs.iter().filter_map(|cost| cost.get(at).copied()).collect();
            column.sort_by(f64::total_cmp);
            let share = 0.1 + 0.6 * self.0.0.unit();
            let found = column.get((share * column.len() as f64) as usize).copied();
            found.filter(|_| self.0.0.unit() < 0.75)
        };
        Targets {
            latency: quantile(0).map(Micros),
            memory: quantile(1).map(|bytes| Bytes(bytes as u64)),
            ..Targets::default()
        }
    }
}
