//! One number of the policy that could be turned: a limit, a target, a weight.

use crate::rank::{Contest, Criterion, Row, SAME_COST, versus};
use crate::task::{Limits, Policy, Targets, Weights};

use super::Change;

/// Which number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Knob {
    /// A limit, by name.
    Limit(&'static str),
    /// The target of a cost, by name.
    Target(&'static str),
    /// The weight of a criterion.
    Weight(Criterion),
}

impl Knob {
    /// All of them, in a fixed order.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let limits = Limits::NAMES.iter().map(|name| Self::Limit(name));
        let targets = Targets::NAMES.iter().map(|name| Self::Target(name));
        limits.chain(targets).chain(Criterion::ALL.into_iter().map(Self::Weight))
    }

    /// Its value now.
    pub(super) fn get(self, policy: &Policy) -> Option<f64> {
        match self {
            Self::Limit(name) => policy.limits.get(name),
            Self::Target(name) => policy.targets.get(name),
            Self::Weight(criterion) => policy.weights.get(criterion.name()),
        }
    }

    /// The policy with another value.
    pub(super) fn turned(self, policy: &Policy, value: f64) -> Policy {
        let mut policy = policy.clone();
        match self {
            Self::Limit(name) => policy.limits.set(name, Some(value)),
            Self::Target(name) => policy.targets.set(name, Some(value)),
            Self::Weight(criterion) => policy.weights.set(criterion.name(), value),
        }
        policy
    }

    /// Where turning begins: the value now, or, where there is none, the value at which
    /// one would begin to matter.
    pub(super) fn start(self, rows: &[Row], policy: &Policy) -> Option<f64> {
        self.get(policy).or_else(|| {
            let contest = Contest::of(rows, policy);
            let feasible = contest.feasible.iter().filter_map(|at| rows.get(*at));
            let values = feasible.filter_map(|row| self.value(row));
            match self {
                Self::Limit("accuracy") | Self::Target(_) => values.min_by(f64::total_cmp),
                _ => values.max_by(f64::total_cmp),
            }
        })
    }

    /// What a change is measured against: the start, and for a weight at least the mean
    /// weight, so that doubling a tiny weight is a tiny change.
    pub(super) fn scale(self, start: f64, weights: &Weights) -> f64 {
        let mean = weights.sum() / Criterion::ALL.len() as f64;
        let least = if matches!(self, Self::Weight(_)) { mean } else { f64::MIN_POSITIVE };
        start.abs().max(least)
    }

    /// A row's own value on this scale.
    fn value(self, row: &Row) -> Option<f64> {
        match self {
            Self::Limit(name) => row.gates.get(name).copied(),
            Self::Target(name) => {
                let criterion = cost(name)?;
                row.measures.get(&criterion).map(|measure| in_toml_unit(criterion, measure.value))
            }
            Self::Weight(_) => None,
        }
    }

    /// Every value at which the outcome may change; between two of them it cannot.
    pub(super) fn breakpoints(self, rows: &[Row], policy: &Policy) -> Vec<f64> {
        let usable = rows.iter().filter(|row| row.usable);
        match self {
            Self::Limit(_) => usable.filter_map(|row| self.value(row)).collect(),
            Self::Target(name) => usable.flat_map(|row| clamp_points(row, name)).collect(),
            Self::Weight(criterion) => weight_points(rows, policy, criterion),
        }
    }

    /// The change, as data.
    pub(super) fn change(self, from: Option<f64>, to: f64) -> Change {
        match self {
            Self::Limit(name) => Change::Limit { name: name.to_owned(), from, to },
            Self::Target(name) => Change::Target { name: name.to_owned(), from, to },
            Self::Weight(criterion) => {
                let name = criterion.name().to_owned();
                Change::Weight { name, from: from.unwrap_or(0.0), to }
            }
        }
    }
}

fn cost(name: &str) -> Option<Criterion> {
    Criterion::ALL.into_iter().find(|criterion| criterion.name() == name)
}

/// From a criterion's own unit (microseconds, bytes, joules) to that of task.toml.
fn in_toml_unit(criterion: Criterion, value: f64) -> f64 {
    match criterion {
        Criterion::Latency => value / 1000.0,
        Criterion::Memory | Criterion::Storage => value / crate::task::MEGABYTE,
        Criterion::Energy => value * 1000.0,
        Criterion::Relevance | Criterion::Thermal => value,
    }
}

/// Where a target begins to clamp a row, or to make it tie with a better one.
fn clamp_points(row: &Row, name: &str) -> Vec<f64> {
    let Some(criterion) = cost(name) else { return Vec::new() };
    let Some(measure) = row.measures.get(&criterion) else { return Vec::new() };
    [measure.value, measure.low, measure.high, measure.value / (1.0 + SAME_COST)]
        .map(|value| in_toml_unit(criterion, value))
        .to_vec()
}

/// Where a duel is level, or two sums of margins are equal, as one weight changes.
///
/// Every margin is a line `rest + sign * weight`, and so is every sum of margins.
fn weight_points(rows: &[Row], policy: &Policy, criterion: Criterion) -> Vec<f64> {
    let contest = Contest::of(rows, policy);
    let now = policy.weights.get(criterion.name()).unwrap_or(0.0);
    let feasible: Vec<&Row> = contest.feasible.iter().filter_map(|at| rows.get(*at)).collect();
    let mut points = Vec::new();
    let mut sums: Vec<(f64, f64)> = Vec::new();
    for (row, margins) in feasible.iter().zip(&contest.scores.margins) {
        let mut sum = (0.0, 0.0);
        for (other, margin) in feasible.iter().zip(margins) {
            let sign = versus(policy, criterion, row, other).map_or(0.0, |sign| sign as i8 as f64);
            let rest = margin - sign * now;
            sum = (sum.0 + rest, sum.1 + sign);
            if sign > 0.0 {
                points.push(-rest);
            }
        }
        sums.push(sum);
    }
    for (at, (rest, slope)) in sums.iter().enumerate() {
        let others = sums.iter().skip(at + 1).filter(|(_, other)| slope != other);
        points.extend(others.map(|(other, steep)| (other - rest) / (slope - steep)));
    }
    points.retain(|point| *point >= 0.0);
    points
}
