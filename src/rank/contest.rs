//! The order of rows under a policy: who is within the limits, and who wins the duels
//! among those. Cheap enough to be asked again for every change of the policy.

use std::cmp::Ordering;

use super::compare::{compare, target};
use super::copeland::{Copeland, duel};
use super::limits::violations;
use super::{Criterion, Row};
use crate::task::Policy;

/// The outcome: rows in order, and their scores.
#[derive(Debug, Clone)]
pub(crate) struct Contest {
    /// Rows within the limits, in the order of the rows.
    pub(crate) feasible: Vec<usize>,
    /// Scores of the feasible, by their place in `feasible`.
    pub(crate) scores: Copeland,
}

impl Contest {
    /// Lets the usable rows that keep the limits compete.
    #[must_use]
    pub(crate) fn of(rows: &[Row], policy: &Policy) -> Self {
        let keeps = |row: &Row| row.usable && violations(&row.gates, &policy.limits).is_empty();
        let (feasible, entrants): (Vec<usize>, Vec<&Row>) =
            rows.iter().enumerate().filter(|(_, row)| keeps(row)).unzip();
        let weights =
            Criterion::ALL.map(|criterion| policy.weights.get(criterion.name()).unwrap_or(0.0));
        let sign = |criterion: usize, i: usize, j: usize| {
            let criterion = *Criterion::ALL.get(criterion)?;
            versus(policy, criterion, entrants.get(i)?, entrants.get(j)?)
        };
        let tie = |i: usize, j: usize| match (entrants.get(i), entrants.get(j)) {
            (Some(i), Some(j)) => faster_then_name(i, j),
            _ => i.cmp(&j),
        };
        let scores = duel(entrants.len(), &weights, &sign, &tie);
        Self { feasible, scores }
    }

    /// Rows within the limits, best first.
    pub(crate) fn order(&self) -> impl Iterator<Item = usize> + '_ {
        self.scores.order.iter().filter_map(|place| self.feasible.get(*place).copied())
    }

    /// By how much one row beats another, in weight units, if both are feasible.
    #[must_use]
    pub(crate) fn margin(&self, row: usize, other: usize) -> Option<f64> {
        let place = |row: usize| self.feasible.iter().position(|found| *found == row);
        self.scores.margins.get(place(row)?)?.get(place(other)?).copied()
    }
}

/// How two rows compare in one criterion under a policy; `None` is an abstention.
#[must_use]
pub(crate) fn versus(policy: &Policy, criterion: Criterion, i: &Row, j: &Row) -> Option<Ordering> {
    let target = target(&policy.targets, criterion);
    compare(criterion, target, i.measures.get(&criterion), j.measures.get(&criterion))
}

/// The last tie-breaks: lower latency, then name.
fn faster_then_name(i: &Row, j: &Row) -> Ordering {
    let latency = |row: &Row| row.measures.get(&Criterion::Latency).map(|measure| measure.value);
    let faster = match (latency(i), latency(j)) {
        (Some(i), Some(j)) => i.total_cmp(&j),
        (known, other) => other.is_some().cmp(&known.is_some()),
    };
    faster.then_with(|| (&i.id, &i.config_id).cmp(&(&j.id, &j.config_id)))
}
