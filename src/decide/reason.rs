//! Why, in one or two sentences that fit beside a serial console.

use std::cmp::Ordering;

use crate::base::units::significant;
use crate::rank::{Criterion, Ranking, Row, Violation, versus};

use super::choose::{Pick, running};
use super::words::{label, quantity, short};
use super::{Action, Incumbent};

const LONGEST: usize = 150;

/// The reason for a pick.
pub(super) fn reason(ranking: &Ranking, pick: Pick, incumbent: Option<&Incumbent>) -> String {
    let runs = running(&ranking.rows, incumbent).and_then(|at| ranking.rows.get(at));
    let chosen = pick.row.and_then(|at| ranking.rows.get(at));
    let text = match (pick.action, chosen) {
        (Action::Keep, Some(kept)) => kept_because(ranking, kept),
        (_, Some(chosen)) => chosen_because(ranking, chosen, runs),
        (action, None) => nothing_feasible(ranking, action),
    };
    fit(text)
}

fn chosen_because(ranking: &Ranking, chosen: &Row, runs: Option<&Row>) -> String {
    match runs {
        Some(runs) if runs.feasible() => {
            let beats = format!("Beats the running {}", short(&runs.id));
            format!("{beats}{}.", advantage(ranking, chosen, runs))
        }
        Some(runs) => {
            let broken = runs.violations.first().map(violation);
            let broken = broken.unwrap_or_else(|| "is not usable".to_owned());
            format!("The running {} {broken}. {}", short(&runs.id), best(ranking, chosen))
        }
        None => best(ranking, chosen),
    }
}

fn kept_because(ranking: &Ranking, kept: &Row) -> String {
    match ranking.order.first().and_then(|at| ranking.rows.get(*at)) {
        Some(first) if first.id != kept.id || first.config_id != kept.config_id => {
            let (first, kept) = (short(&first.id), short(&kept.id));
            format!("{first} leads, but does not beat the running {kept} beyond the noise.")
        }
        _ => format!("Already running. {}", best(ranking, kept)),
    }
}

/// Best of how many, and what decides against the strongest rival.
fn best(ranking: &Ranking, chosen: &Row) -> String {
    let rows = ranking.order.iter().filter_map(|at| ranking.rows.get(*at));
    let rival = rows.into_iter().find(|row| !std::ptr::eq(*row, chosen));
    let (feasible, all) = (ranking.order.len(), ranking.rows.len());
    match rival {
        None => format!("The only one of {all} within the limits."),
        Some(rival) => {
            let ahead = advantage(ranking, chosen, rival);
            format!("Best of {feasible} feasible; next is {}{ahead}.", short(&rival.id))
        }
    }
}

/// The weightiest criteria (two at most) in which one row is better than another.
fn advantage(ranking: &Ranking, better: &Row, worse: &Row) -> String {
    let weight = |criterion: Criterion| ranking.policy.weights.get(criterion.name()).unwrap_or(0.0);
    let mut ahead: Vec<Criterion> = Criterion::ALL
        .into_iter()
        .filter(|criterion| weight(*criterion) > 0.0)
        .filter(|criterion| {
            versus(&ranking.policy, *criterion, better, worse) == Some(Ordering::Greater)
        })
        .collect();
    ahead.sort_by(|a, b| weight(*b).total_cmp(&weight(*a)));
    let figures: Vec<String> = ahead
        .into_iter()
        .take(2)
        .filter_map(|criterion| {
            let (ours, theirs) = (quantity(better, criterion)?, quantity(worse, criterion)?);
            Some(format!("{} {ours} against {theirs}", label(better, criterion)))
        })
        .collect();
    if figures.is_empty() {
        return ", level within the noise".to_owned();
    }
    format!(": {}", figures.join(", "))
}

fn nothing_feasible(ranking: &Ranking, action: Action) -> String {
    let outcome =
        if action == Action::Fallback { "The running model stays" } else { "Nothing is deployed" };
    let excess = |violation: &Violation| {
        (violation.value - violation.bound).abs() / violation.bound.abs().max(f64::MIN_POSITIVE)
    };
    let worst = |row: &Row| row.violations.iter().map(excess).fold(0.0, f64::max);
    let usable = ranking.rows.iter().filter(|row| row.usable && !row.violations.is_empty());
    let nearest = usable.min_by(|a, b| worst(a).total_cmp(&worst(b)));
    let why = nearest.and_then(|row| {
        let broken = row.violations.iter().max_by(|a, b| excess(a).total_cmp(&excess(b)))?;
        Some(format!("None keeps the limits; nearest {} {}", short(&row.id), violation(broken)))
    });
    let all = ranking.rows.len();
    let why = why.unwrap_or_else(|| match all {
        1 => "The only candidate is not usable".to_owned(),
        _ => format!("None of {all} candidates is usable"),
    });
    format!("{why}. {outcome}.")
}

fn violation(violation: &Violation) -> String {
    let unit = match violation.limit.as_str() {
        "latency" => " ms",
        "energy" => " mJ",
        "accuracy" => "",
        _ => " MB",
    };
    let (value, bound) = (significant(violation.value), significant(violation.bound));
    format!("breaks the {} limit ({value} against {bound}{unit})", violation.limit)
}

fn fit(text: String) -> String {
    if text.chars().count() <= LONGEST {
        return text;
    }
    text.chars().take(LONGEST - 3).chain("...".chars()).collect()
}
