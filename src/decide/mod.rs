//! Floor 7: from an order to a decision, with the reason and the smallest change
//! that would turn it. Pure.
//!
//! [`choose`] takes the first of the order, keeps what runs unless it is beaten beyond
//! the noise, says why in one or two sentences, and searches limits, targets and
//! weights for the smallest single change that would make it choose otherwise. [`look`] says
//! what is worth measuring next while that is not yet known.

mod choose;
mod decision;
mod flip;
mod knob;
pub mod look;
mod reason;
mod words;

pub use decision::{Action, Change, Decision, Flip, Incumbent};

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::rank::{Ranking, rerank};
use crate::task::Policy;

/// Decides what should run.
#[must_use]
pub fn choose(policy: &Policy, ranking: &Ranking, incumbent: Option<&Incumbent>) -> Decision {
    let ranking = if ranking.policy == *policy {
        Cow::Borrowed(ranking)
    } else {
        Cow::Owned(rerank(ranking, policy))
    };
    let running = choose::running(&ranking.rows, incumbent);
    let pick = choose::pick(&ranking.rows, policy, incumbent.is_some(), running);
    let chosen = pick.row.and_then(|at| ranking.rows.get(at));
    // Where nothing is feasible what runs stays, under its own name.
    let stays = incumbent.filter(|_| pick.action == Action::Fallback);
    Decision {
        action: pick.action,
        model: chosen.map(|row| row.id.clone()).or_else(|| stays.map(|kept| kept.id.clone())),
        config_id: chosen
            .map(|row| row.config_id.clone())
            .or_else(|| stays.map(|kept| kept.config_id.clone())),
        reason: reason::reason(&ranking, pick, incumbent),
        margins: pick.row.map(|row| margins(&ranking, row)).unwrap_or_default(),
        pareto: ranking.pareto.clone(),
        indistinguishable: ranking.indistinguishable.clone(),
        flip: flip::smallest(&ranking.rows, policy, incumbent.is_some(), running),
    }
}

/// The margins of a feasible row against every other.
fn margins(ranking: &Ranking, row: usize) -> BTreeMap<String, f64> {
    let Some(place) = ranking.order.iter().position(|at| *at == row) else {
        return BTreeMap::new();
    };
    let margins = ranking.margins.get(place).map(Vec::as_slice).unwrap_or_default();
    ranking
        .order
        .iter()
        .zip(margins)
        .filter(|(at, _)| **at != row)
        .filter_map(|(at, margin)| Some((ranking.rows.get(*at)?.id.clone(), *margin)))
        .collect()
}
