//! The two stages that take time: bench and observe, within the budget.

use std::time::Duration;

use super::AgentError;
use super::entry::{Entry, Setting};
use super::request::Budget;
use crate::base::{Event, Sink, Watts};
use crate::bench::{self, Plan, Trial, Verdict};
use crate::board::power::Meter;
use crate::child::Context;
use crate::deploy::Store;
use crate::model::{Candidate, Rejection, Stage};
use crate::task::{self, Evidence};

/// Idle power is measured for this long, or for a twentieth of the budget.
const IDLE: Duration = Duration::from_secs(2);
/// The usual wall clock of a candidate on the task's samples.
const OBSERVE: Duration = Duration::from_secs(120);
/// What to do where the budget was too short.
pub(super) const MORE: &str = "give it more time with --budget";

/// What measuring needs.
#[allow(missing_debug_implementations, reason = "a sink has no form of its own")]
pub(super) struct Measuring<'a> {
    pub(super) ctx: Context<'a>,
    pub(super) setting: Setting<'a>,
    pub(super) store: &'a Store<'a>,
    pub(super) plan: &'a Plan,
    pub(super) budget: Budget<'a>,
    pub(super) meters: &'a mut [Box<dyn Meter>],
    pub(super) idle: Option<Option<Watts>>,
}

impl Measuring<'_> {
    /// Measures those that want it, in this order.
    pub(super) fn bench(
        &mut self,
        entries: &mut [Entry],
        order: &[usize],
        sink: &mut dyn Sink,
    ) -> Result<(), AgentError> {
        let wanting =
            |at: &&usize| entries.get(**at).is_some_and(|entry| entry.wants_trial(&self.setting));
        let todo: Vec<usize> = order.iter().filter(wanting).copied().collect();
        if todo.is_empty() || self.budget.is_none() {
            return Ok(());
        }
        sink.event(Event::Stage("bench"));
        for (done, at) in todo.iter().enumerate() {
            let Some(entry) = entries.get_mut(*at) else { continue };
            let what = entry.candidate.id.clone();
            sink.event(Event::Step { stage: "bench", what: &what, done, total: todo.len() });
            let trial = self.trial(entry, todo.len() - done, sink);
            self.stopped()?;
            remember(self.store.save_trial(&trial));
            sink.event(Event::Result { what: &what, text: &result(&trial) });
            entry.trial = Some(trial);
            entry.reused = false;
        }
        Ok(())
    }

    fn trial(&mut self, entry: &Entry, waiting: usize, sink: &mut dyn Sink) -> Trial {
        let key = self.setting.key(entry);
        // A candidate that ran and has not seen the task is as good as none: half is kept.
        let budget = if entry.evidence.is_some() { self.budget } else { self.budget.first_half() };
        if budget.is_spent() {
            let now = self.ctx.clock.unix_seconds();
            return bench::skipped(&entry.candidate, key, "the budget was used up", now);
        }
        let idle = self.idle();
        let head_labels = self.setting.head_labels(entry);
        let plan = Plan { head_labels, ..budget.plan(self.plan, waiting) };
        bench::run(&plan, &entry.candidate, key, self.ctx, self.meters, idle, sink)
    }

    /// Measured once, before the first trial; without a meter it takes no time.
    pub(super) fn idle(&mut self) -> Option<Watts> {
        if self.idle.is_none() && !self.meters.is_empty() {
            let span = self.budget.left().map_or(IDLE, |left| IDLE.min(left / 20));
            self.idle = Some(bench::measure_idle(self.meters, self.ctx, span));
        }
        self.idle.flatten()
    }

    /// Shows the task's samples to those that run and have not seen them.
    pub(super) fn observe(
        &mut self,
        entries: &mut [Entry],
        order: &[usize],
        sink: &mut dyn Sink,
    ) -> Result<(), AgentError> {
        let wanting = |at: &&usize| entries.get(**at).is_some_and(Entry::wants_evidence);
        let todo: Vec<usize> = order.iter().filter(wanting).copied().collect();
        let total = todo.len();
        if total > 0 && !self.budget.is_none() {
            sink.event(Event::Stage("observe"));
        }
        for (done, at) in todo.into_iter().enumerate() {
            self.teach(entries, at, (done, total), sink)?;
        }
        entries.iter_mut().for_each(unfit);
        Ok(())
    }

    /// Shows the task's samples to one that runs.
    pub(super) fn teach(
        &self,
        entries: &mut [Entry],
        at: usize,
        (done, total): (usize, usize),
        sink: &mut dyn Sink,
    ) -> Result<(), AgentError> {
        let seen_before = self.seen_elsewhere(entries, at);
        let Some(entry) = entries.get_mut(at) else { return Ok(()) };
        if let Some(evidence) = seen_before {
            entry.evidence = Some(evidence);
            return Ok(());
        }
        if self.budget.is_none() {
            entry.fall(Verdict::Skipped, unseen("not shown the task yet", "umbra select"));
            return Ok(());
        }
        let what = entry.candidate.id.clone();
        sink.event(Event::Step { stage: "observe", what: &what, done, total });
        self.look(entry)?;
        sink.event(Event::Result { what: &what, text: &seen(entry) });
        Ok(())
    }

    /// What the same model showed on the same engine, with another number of threads.
    fn seen_elsewhere(&self, entries: &[Entry], at: usize) -> Option<Evidence> {
        let candidate = &entries.get(at)?.candidate;
        let pipeline = self.setting.pipeline(candidate);
        let same = |other: &&Entry| {
            other.candidate.sha256 == candidate.sha256
                && other.evidence.is_some()
                && self.setting.pipeline(&other.candidate) == pipeline
        };
        let evidence = entries.iter().find(same)?.evidence.clone()?;
        Some(Evidence { id: candidate.id.clone(), ..evidence })
    }

    fn look(&self, entry: &mut Entry) -> Result<(), AgentError> {
        if self.budget.is_spent() {
            let reason = "the budget was used up before it saw the task";
            entry.fall(Verdict::Skipped, unseen(reason, MORE));
            return Ok(());
        }
        match self.show(&entry.candidate)? {
            Ok(evidence) => entry.evidence = Some(evidence),
            // The clock that ended it was the budget's, not its own.
            Err(_) if self.budget.is_spent() => {
                let reason = "the budget was used up while it saw the task";
                entry.fall(Verdict::Skipped, unseen(reason, MORE));
            }
            Err(rejection) => entry.fall(Verdict::Rejected, rejection),
        }
        Ok(())
    }

    /// One candidate on the task's samples.
    pub(super) fn show(
        &self,
        candidate: &Candidate,
    ) -> Result<Result<Evidence, Rejection>, AgentError> {
        let wall = self.budget.wall(OBSERVE);
        let engine = &candidate.config.engine;
        let shown = task::observe(self.setting.task, candidate, engine, self.ctx, wall);
        self.stopped()?;
        Ok(shown.map(|evidence| {
            let pipeline = self.setting.pipeline(candidate);
            remember(self.store.save_evidence(&evidence, pipeline));
            self.setting.allowed(evidence)
        }))
    }

    pub(super) fn stopped(&self) -> Result<(), AgentError> {
        if self.ctx.stop.wanted() { Err(AgentError::Stopped) } else { Ok(()) }
    }
}

/// One that runs and cannot answer the task's question must not win by being cheap.
pub(super) fn unfit(entry: &mut Entry) {
    let Some(evidence) = entry.evidence.as_ref().filter(|_| entry.runs()) else { return };
    if !evidence.serves() {
        let why = evidence.undefined.as_ref().map(ToString::to_string);
        let reason = why.unwrap_or_else(|| match &evidence.head {
            Some(_) => "too few samples to tell its accuracy".to_owned(),
            None => "its labels are not the task's".to_owned(),
        });
        let help = "give the task more samples, or allow a fitted head".to_owned();
        entry
            .fall(Verdict::Rejected, Rejection { stage: Stage::Observe, reason, help: Some(help) });
    }
}

/// A record that cannot be written costs time in the next run, and nothing in this one.
pub(super) fn remember(written: Result<(), crate::deploy::StoreError>) {
    if let Err(error) = written {
        log::warn!("a record is not kept: {error}");
    }
}

/// One that the task's samples were not shown to.
fn unseen(reason: &str, help: &str) -> Rejection {
    Rejection { stage: Stage::Observe, reason: reason.to_owned(), help: Some(help.to_owned()) }
}

/// What the samples said, for whoever watches.
fn seen(entry: &Entry) -> String {
    let fallen = || entry.trial.as_ref().and_then(|trial| trial.reason.clone());
    match entry.evidence.as_ref().and_then(Evidence::accuracy) {
        Some(accuracy) => format!("accuracy {:.1} %", accuracy.value * 100.0),
        None => fallen().unwrap_or_else(|| "no accuracy".to_owned()),
    }
}

pub(super) fn result(trial: &Trial) -> String {
    match (&trial.latency, &trial.reason) {
        (Some(latency), None) => format!("{:.3} ms", latency.p50.millis()),
        (_, Some(reason)) => reason.chars().take(59).collect(),
        (None, None) => format!("{:?}", trial.verdict).to_lowercase(),
    }
}
