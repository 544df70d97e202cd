//! The order of rows under a policy: who is within the limits, and who wins the duels
//! among those. Cheap enough to be asked again for every change of the policy.

use std::cmp::Ordering;

use super::compare::{compare, target, told_apart};
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
///
/// Where the noise does not tell two LogME scores apart, the accuracies may: with few
/// samples LogME's intervals are wide, and a model that is right on nine of ten samples
/// must not tie with one that guesses.
#[must_use]
pub(crate) fn versus(policy: &Policy, criterion: Criterion, i: &Row, j: &Row) -> Option<Ordering> {
    let target = target(&policy.targets, criterion);
    let found = compare(criterion, target, i.measures.get(&criterion), j.measures.get(&criterion))?;
    if criterion == Criterion::Relevance && found.is_eq() {
        return Some(i.accuracy.zip(j.accuracy).map_or(found, |(i, j)| told_apart(i, j)));
    }
    Some(found)
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::base::Digest;
    use crate::rank::Measure;
    use crate::task::Estimate;

    fn row(id: &str, logme: f64, accuracy: f64) -> Row {
        let relevance =
            Measure { value: logme, low: logme - 1.0, high: logme + 1.0, predicted: false };
        Row {
            id: id.to_owned(),
            config_id: String::new(),
            sha256: Digest::of(id.as_bytes()),
            usable: true,
            violations: Vec::new(),
            measures: BTreeMap::from([(Criterion::Relevance, relevance)]),
            predictions: BTreeMap::new(),
            gates: BTreeMap::new(),
            accuracy: Some(Estimate { value: accuracy, low: accuracy - 0.1, high: accuracy + 0.1 }),
            standing: None,
            ranks: BTreeMap::new(),
            copeland: None,
            second_order: None,
            margin_sum: None,
        }
    }

    #[test]
    fn accuracies_decide_where_logme_cannot_tell() {
        let duel = |a, b| versus(&Policy::default(), Criterion::Relevance, &a, &b);
        let sure = duel(row("a", 0.1, 0.875), row("b", 0.2, 0.25));
        assert_eq!(sure, Some(Ordering::Greater));
        let unsure = duel(row("a", 0.1, 0.52), row("b", 0.2, 0.5));
        assert_eq!(unsure, Some(Ordering::Equal));
        let clear = duel(row("a", 5.0, 0.5), row("b", 0.2, 0.9));
        assert_eq!(clear, Some(Ordering::Greater), "LogME speaks first");
    }
}
