//! The choice itself: first feasible of the order, unless what runs is as good.

use crate::model::model_name;
use crate::rank::{Contest, Row};
use crate::task::Policy;

use super::{Action, Incumbent};

/// What would be done, as an index into the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pick {
    /// What.
    pub(super) action: Action,
    /// The row chosen; `None` where nothing is feasible.
    pub(super) row: Option<usize>,
}

/// Where the running model stands among the rows, if it is one of them.
pub(super) fn running(rows: &[Row], incumbent: Option<&Incumbent>) -> Option<usize> {
    let incumbent = incumbent?;
    rows.iter().position(|row| {
        // The same model in the same configuration, whether or not others stand beside it.
        model_name(&row.id) == model_name(&incumbent.id)
            && row.config_id == incumbent.config_id
            && row.sha256 == incumbent.sha256
    })
}

/// Picks under a policy. The running model stays where it is feasible and the winner
/// does not beat it in their own duel: a switch costs something and noise is no reason.
pub(super) fn pick(rows: &[Row], policy: &Policy, runs: bool, incumbent: Option<usize>) -> Pick {
    let contest = Contest::of(rows, policy);
    let Some(first) = contest.order().next() else {
        let action = if runs { Action::Fallback } else { Action::None };
        return Pick { action, row: None };
    };
    let beaten = incumbent.and_then(|running| contest.margin(first, running));
    match (incumbent, beaten) {
        (Some(running), Some(margin)) if running == first || margin <= 0.0 => {
            Pick { action: Action::Keep, row: Some(running) }
        }
        _ => Pick { action: Action::Deploy, row: Some(first) },
    }
}
