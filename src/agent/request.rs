//! What is asked of the main job.

use std::path::PathBuf;
use std::time::Duration;

use super::speed::Probes;
use crate::base::Clock;
use crate::bench::{Cool, Plan};
use crate::model::Candidate;
use crate::rank::Method;
use crate::task::Task;

/// What is asked of the main job.
#[derive(Debug, Clone)]
pub struct Request {
    /// Candidates, in zoo order.
    pub zoo: Vec<Candidate>,
    /// The task.
    pub task: Task,
    /// The state folder.
    pub state: PathBuf,
    /// How to measure one candidate; the budget may shorten it.
    pub plan: Plan,
    /// Wall clock for measuring all of them; `None` is no limit, zero measures nothing.
    pub budget: Option<Duration>,
    /// Decide, and do not deploy.
    pub dry_run: bool,
    /// Measure again what the records know.
    pub fresh: bool,
    /// Whether a head may be fitted on the task's samples; otherwise only models whose own
    /// labels are the task's can serve it.
    pub head: bool,
    /// How those within the limits are ordered.
    pub method: Method,
    /// Whether candidates that nobody measured are ordered too, by what is predicted of them. None
    /// of them is ever deployed that way: for a look ahead only.
    pub unmeasured: bool,
    /// Micro-models that tell how fast the board does what; with none, costs are predicted
    /// from the candidates that were measured alone.
    pub probes: Probes,
}

/// Warming up for a look: a third of a plan's time.
const WARM: Duration = Duration::from_millis(10);

/// The time that is left for measuring.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget<'c> {
    clock: &'c dyn Clock,
    total: Option<Duration>,
    until: Option<Duration>,
}

impl<'c> Budget<'c> {
    /// Begins now.
    pub(super) fn begin(clock: &'c dyn Clock, budget: Option<Duration>) -> Self {
        let until = budget.map(|budget| clock.now().saturating_add(budget));
        Self { clock, total: budget, until }
    }

    /// What is left; `None` where there is no limit.
    pub(super) fn left(&self) -> Option<Duration> {
        self.until.map(|until| until.saturating_sub(self.clock.now()))
    }

    /// The same, ending when half of it is used up.
    pub(super) fn first_half(self) -> Self {
        let half = self.total.map(|total| total / 2);
        let until = self.until.zip(half).map(|(until, half)| until.saturating_sub(half));
        Self { total: half, until, ..self }
    }

    /// Measuring was not asked for at all.
    pub(super) fn is_none(&self) -> bool {
        self.total == Some(Duration::ZERO)
    }

    /// There is a limit, and something may be measured.
    pub(super) fn is_limited(&self) -> bool {
        self.total.is_some_and(|total| !total.is_zero())
    }

    /// It is this long, however much of it is left.
    pub(super) fn is_whole(&self, length: Duration) -> bool {
        self.total == Some(length)
    }

    /// Nothing is left.
    pub(super) fn is_spent(&self) -> bool {
        self.left() == Some(Duration::ZERO)
    }

    /// The plan for one of `waiting` candidates: half of its share of what is left goes to
    /// steady running, the other half to loading and warming up; a quarter may go before that
    /// until the board is cool.
    pub(super) fn plan(&self, plan: &Plan, waiting: usize) -> Plan {
        let Some(left) = self.left() else { return plan.clone() };
        let share = left / u32::try_from(waiting.max(1)).unwrap_or(u32::MAX);
        let patience = plan.patience.min(share / 2);
        let max_time = plan.max_time.min(patience);
        let min_time = plan.min_time.min(max_time);
        let cool = Cool { wait: plan.cool.wait.min(share / 4), ..plan.cool };
        Plan { min_time, max_time, patience, wall: plan.wall.min(left), cool, ..plan.clone() }
    }

    /// The same, ending so much earlier.
    pub(super) fn less(self, reserve: Duration) -> Self {
        Self { until: self.until.map(|until| until.saturating_sub(reserve)), ..self }
    }

    /// The plan of a first or a closer look of so many samples.
    pub(super) fn look(&self, plan: &Plan, samples: u32) -> Plan {
        let glance = Plan {
            glance: Some(samples),
            min_time: Duration::ZERO,
            max_time: WARM * 3,
            ..plan.clone()
        };
        self.bounded(glance, 20)
    }

    /// The plan of a whole measurement: a quarter of what is left at most, unless it takes
    /// more to reach the least number of samples.
    pub(super) fn whole(&self, plan: &Plan) -> Plan {
        let left = self.left().unwrap_or(Duration::MAX);
        let max_time = plan.max_time.min((left / 4).max(plan.min_time));
        self.bounded(Plan { max_time, ..plan.clone() }, 4)
    }

    /// The same within what is left, of which one part may go before until the board is cool.
    fn bounded(&self, plan: Plan, part: u32) -> Plan {
        let Some(left) = self.left() else { return plan };
        let cool = Cool { wait: plan.cool.wait.min(left / part), ..plan.cool };
        let patience = plan.patience.min(left);
        Plan { wall: plan.wall.min(left), patience, cool, ..plan }
    }

    /// The wall clock of one more job.
    pub(super) fn wall(&self, usual: Duration) -> Duration {
        self.left().map_or(usual, |left| left.min(usual))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::FakeClock;

    #[test]
    fn a_budget_is_shared_and_runs_out() {
        let clock = FakeClock::default();
        let budget = Budget::begin(&clock, Some(Duration::from_secs(8)));
        let shared = budget.plan(&Plan::default(), 4);
        assert_eq!(shared.max_time, Duration::from_secs(1));
        assert_eq!(shared.patience, Duration::from_secs(1));
        assert_eq!(shared.cool.wait, Duration::from_millis(500));
        let alone = budget.plan(&Plan::default(), 1);
        let seconds = (alone.max_time.as_secs(), alone.patience.as_secs());
        assert_eq!(seconds, (3, 4), "a slow one may take all of its half");
        assert_eq!(shared.wall, Duration::from_secs(8));
        let look = budget.look(&Plan::default(), 5);
        assert_eq!((look.glance, look.min_samples, look.wall.as_secs()), (Some(5), 64, 8));
        assert_eq!(look.cool.wait, Duration::from_millis(400));
        let whole = budget.whole(&Plan::default());
        assert_eq!((whole.max_time.as_secs(), whole.patience.as_secs()), (2, 8));
        assert_eq!((whole.glance, whole.cool.wait.as_secs()), (None, 2));
        assert_eq!(budget.less(Duration::from_secs(3)).left(), Some(Duration::from_secs(5)));
        let half = budget.first_half();
        assert_eq!(half.left(), Some(Duration::from_secs(4)));
        clock.advance(Duration::from_secs(5));
        assert!(half.is_spent() && !budget.is_spent());
        clock.advance(Duration::from_secs(4));
        assert!(budget.is_spent());
        assert_eq!(budget.wall(Duration::from_secs(5)), Duration::ZERO);
        let endless = Budget::begin(&clock, None);
        assert_eq!(endless.plan(&Plan::default(), 4), Plan::default());
        assert!(!endless.is_spent());
        assert!(!budget.is_none() && !endless.is_none());
        assert!(Budget::begin(&clock, Some(Duration::ZERO)).is_none());
    }
}
