//! Floor 6: from measurements to an order. Pure: the same input gives the same
//! ranking on every target.
//!
//! [`rank`] turns facts, candidates, trials and evidence into rows of measures, then
//! orders them by the policy; it works with no trials and no evidence, on predictions
//! that say so (`predict`). [`rerank`] orders the same measures by another policy. Limits come
//! first, then costs are clamped at their targets, differences within the noise are
//! ties, and weighted Copeland orders the rest (docs/ranking.md).

mod compare;
mod contest;
pub mod copeland;
pub mod cost;
pub mod evaluate;
mod limits;
mod method;
mod predict;
mod ranking;
pub mod relevance;
mod rows;
pub mod spider;

pub(crate) use compare::SAME_COST;
pub(crate) use contest::{Contest, versus};
pub use method::{Advice, Method, advised};
pub use predict::{Corrections, Speeds};
pub use ranking::{Criterion, Measure, Ranking, Row, Violation};

use self::predict::Means;
use self::rows::Merge;
use crate::bench::Trial;
use crate::board::Facts;
use crate::model::Candidate;
use crate::task::{Evidence, Policy};

/// Orders candidates by what is known of them.
#[must_use]
pub fn rank(
    facts: &Facts,
    policy: &Policy,
    candidates: &[Candidate],
    trials: &[Trial],
    evidence: &[Evidence],
) -> Ranking {
    rank_at(&Speeds::new(), facts, policy, candidates, trials, evidence)
}

/// The same, where probes have shown how fast the board does what: costs that nobody measured
/// are then predicted in their unit.
#[must_use]
pub fn rank_at(
    speeds: &Speeds,
    facts: &Facts,
    policy: &Policy,
    candidates: &[Candidate],
    trials: &[Trial],
    evidence: &[Evidence],
) -> Ranking {
    let means = Means { speeds, corrections: &Corrections::new() };
    let (rows, merge) = rows::rows(means, facts, candidates, trials, evidence);
    ordered(rows, merge, policy, Method::default())
}

/// The same, with predictions from speeds corrected by what was learned on other boards.
#[must_use]
pub fn rank_corrected(
    (speeds, corrections): (&Speeds, &Corrections),
    facts: &Facts,
    policy: &Policy,
    candidates: &[Candidate],
    trials: &[Trial],
    evidence: &[Evidence],
) -> Ranking {
    let means = Means { speeds, corrections };
    let (rows, merge) = rows::rows(means, facts, candidates, trials, evidence);
    ordered(rows, merge, policy, Method::Corrected)
}

/// The same measures under another policy.
#[must_use]
pub fn rerank(ranking: &Ranking, policy: &Policy) -> Ranking {
    ordered(ranking.rows.clone(), Merge::of(ranking), policy, ranking.method)
}

fn ordered(mut rows: Vec<Row>, merge: Merge, policy: &Policy, method: Method) -> Ranking {
    for row in &mut rows {
        row.violations = limits::violations(&row.gates, &policy.limits);
        row.ranks.clear();
        (row.copeland, row.second_order, row.margin_sum) = (None, None, None);
    }
    let by = method.policy(policy);
    let contest = Contest::of(&rows, &by);
    let order: Vec<usize> = contest.order().collect();
    note_scores(&mut rows, &contest);
    note_ranks(&mut rows, &contest.feasible);
    Ranking {
        policy: policy.clone(),
        prior: merge.prior,
        unfitted: merge.unfitted,
        method,
        margins: margins(&contest, &order),
        pareto: pareto(&rows, &contest.feasible),
        indistinguishable: indistinguishable(&rows, &order, &by),
        rows,
        order,
    }
}

fn note_scores(rows: &mut [Row], contest: &Contest) {
    let scores = &contest.scores;
    for (place, at) in contest.feasible.iter().enumerate() {
        let Some(row) = rows.get_mut(*at) else { continue };
        row.copeland = scores.copeland.get(place).copied();
        row.second_order = scores.second_order.get(place).copied();
        row.margin_sum = scores.margin_sum.get(place).copied();
    }
}

fn note_ranks(rows: &mut [Row], feasible: &[usize]) {
    for criterion in Criterion::ALL {
        let ranks = copeland::competition_ranks(&column(rows, feasible, criterion));
        for (at, rank) in feasible.iter().zip(ranks) {
            if let (Some(row), Some(rank)) = (rows.get_mut(*at), rank) {
                row.ranks.insert(criterion, rank);
            }
        }
    }
}

/// A criterion's values, higher being better.
fn column(rows: &[Row], feasible: &[usize], criterion: Criterion) -> Vec<Option<f64>> {
    let sign = if criterion == Criterion::Relevance { 1.0 } else { -1.0 };
    let value = |at: &usize| Some(sign * rows.get(*at)?.measures.get(&criterion)?.value);
    feasible.iter().map(value).collect()
}

fn margins(contest: &Contest, order: &[usize]) -> Vec<Vec<f64>> {
    let margin = |i: usize, j: usize| contest.margin(i, j).unwrap_or(0.0);
    order.iter().map(|i| order.iter().map(|j| margin(*i, *j)).collect()).collect()
}

/// The front over the values as measured: a target says what is good enough, not what
/// is equal, and the front shows what there is to choose from.
fn pareto(rows: &[Row], feasible: &[usize]) -> Vec<String> {
    let scores: Vec<_> =
        Criterion::ALL.iter().map(|criterion| column(rows, feasible, *criterion)).collect();
    let front = copeland::pareto(&scores);
    front
        .iter()
        .filter_map(|place| rows.get(*feasible.get(*place)?))
        .map(|row| row.id.clone())
        .collect()
}

/// The others that tie with the first in every criterion.
fn indistinguishable(rows: &[Row], order: &[usize], policy: &Policy) -> Vec<String> {
    let Some((first, others)) = order.split_first() else { return Vec::new() };
    let Some(first) = rows.get(*first) else { return Vec::new() };
    let same = |row: &&Row| {
        Criterion::ALL
            .iter()
            .all(|criterion| versus(policy, *criterion, first, row).is_none_or(|sign| sign.is_eq()))
    };
    others.iter().filter_map(|at| rows.get(*at)).filter(same).map(|row| row.id.clone()).collect()
}
