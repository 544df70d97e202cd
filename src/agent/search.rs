//! How a budget is spent: look after look, each where it is expected to add most to the choice.
//!
//! Joins the rule of [`look`](crate::decide::look) with the stages that take time. Whoever is
//! in the running at the end was measured whole; who was not is passed over, and the trial
//! says after how many samples and for whom.

use std::collections::BTreeSet;
use std::time::Duration;

use super::AgentError;
use super::entry::Entry;
use super::measure::{MORE, Measuring, remember, result, unfit};
use super::prospect::{aim, is_fast, keeps_the_rest, look, merit, prospects};
use crate::base::{Event, Micros, Sink};
use crate::bench::{self, Plan, Trial, Verdict};
use crate::decide::look::{Next, Search};
use crate::rank::Speeds;

/// The search, and who was measured whole.
struct Course {
    search: Search,
    whole: BTreeSet<usize>,
}

impl Measuring<'_> {
    /// Measures within the budget.
    pub(super) fn search(
        &mut self,
        entries: &mut [Entry],
        speeds: &Speeds,
        sink: &mut dyn Sink,
    ) -> Result<(), AgentError> {
        let policy = &self.setting.task.policy;
        let least = self.plan.min_time * 4 / 3;
        let prospects = prospects(&self.setting, entries, speeds);
        let search = Search::new(aim(policy), &prospects, least);
        let mut course = Course { search, whole: BTreeSet::new() };
        self.recall(entries, &mut course, sink)?;
        if !entries.iter().any(|entry| entry.wants_trial(&self.setting)) {
            return Ok(());
        }
        sink.event(Event::Stage("bench"));
        while let Some(left) = self.budget.left().filter(|left| !left.is_zero()) {
            match course.search.next(left) {
                Next::Look(at, samples) => {
                    let budget = self.budget.less(course.search.reserved());
                    let plan = budget.look(self.plan, samples);
                    self.step(entries, at, &mut course, (plan, false), sink)?;
                }
                Next::Whole(at) => {
                    let plan = self.budget.whole(self.plan);
                    self.step(entries, at, &mut course, (plan, true), sink)?;
                }
                Next::Done => break,
            }
        }
        self.pass_over(entries, &course);
        Ok(())
    }

    /// Tells the search what the records know.
    fn recall(
        &mut self,
        entries: &mut [Entry],
        course: &mut Course,
        sink: &mut dyn Sink,
    ) -> Result<(), AgentError> {
        for at in 0..entries.len() {
            let Some(entry) = entries.get(at) else { continue };
            if entry.candidate.rejection.is_some() {
                course.search.lost(at);
            } else if entry.trial.is_some() {
                self.saw(entry, at, course, Duration::ZERO, true);
                self.learn(entries, at, course, sink)?;
            }
        }
        Ok(())
    }

    /// One look at a candidate, or its whole measurement; it is shown the task where it has
    /// not seen it.
    fn step(
        &mut self,
        entries: &mut [Entry],
        at: usize,
        course: &mut Course,
        (plan, whole): (Plan, bool),
        sink: &mut dyn Sink,
    ) -> Result<(), AgentError> {
        let total = entries.len();
        let done = entries.iter().filter(|entry| entry.trial.is_some()).count();
        let Some(entry) = entries.get_mut(at) else { return Ok(()) };
        let what = entry.candidate.id.clone();
        sink.event(Event::Step { stage: "bench", what: &what, done, total });
        let begun = self.ctx.clock.now();
        let plan = Plan { hopeless_above: course.search.hopeless_above(at), ..plan };
        let trial = self.measure(entry, &plan, sink);
        self.stopped()?;
        let took = self.ctx.clock.now().saturating_sub(begun);
        let cut_off = plan.wall < self.plan.wall && took >= plan.wall;
        let trial = if cut_off { unfinished(trial) } else { trial };
        remember(self.store.save_trial(&trial));
        sink.event(Event::Result { what: &what, text: &glimpse(&trial, whole) });
        // Waiting until the board is cool is not what the next look will cost.
        let cooled = trial.conditions.cooled.map_or(0.0, |pause| pause.seconds);
        let took = took.saturating_sub(Duration::try_from_secs_f64(cooled).unwrap_or_default());
        (entry.trial, entry.reused) = (Some(trial), false);
        self.saw(entry, at, course, took, whole && !is_cut(entry, &plan));
        self.learn(entries, at, course, sink)
    }

    fn measure(&mut self, entry: &Entry, plan: &Plan, sink: &mut dyn Sink) -> Trial {
        let idle = self.idle();
        let plan = Plan { head_labels: self.setting.head_labels(entry), ..plan.clone() };
        let key = self.setting.key(entry);
        bench::run(&plan, &entry.candidate, key, self.ctx, self.meters, idle, sink)
    }

    /// Tells the search what a trial saw.
    fn saw(&self, entry: &Entry, at: usize, course: &mut Course, took: Duration, whole: bool) {
        let Some(trial) = entry.trial.as_ref().filter(|_| entry.runs()) else {
            course.search.lost(at);
            return;
        };
        // A look that gave all the samples is no less than a whole measurement.
        let whole = whole || trial.verdict == Verdict::Valid;
        if whole {
            course.whole.insert(at);
        }
        let kept = whole.then(|| is_fast(&self.setting.task.policy, trial));
        match look(trial, took, kept) {
            Some(seen) => course.search.saw(at, &seen),
            None => course.search.lost(at),
        }
    }

    /// Shows one that runs the task where it has not seen it, leaving time to measure the best
    /// so far, and tells the search.
    fn learn(
        &mut self,
        entries: &mut [Entry],
        at: usize,
        course: &mut Course,
        sink: &mut dyn Sink,
    ) -> Result<(), AgentError> {
        let (begun, budget) = (self.ctx.clock.now(), self.budget);
        let is_new = entries.get(at).is_some_and(Entry::wants_evidence);
        if is_new {
            let done = entries.iter().filter(|entry| entry.evidence.is_some()).count();
            let reserved = course.search.reserved().max(course.search.reserved_for(at));
            self.budget = budget.less(reserved);
            let taught = self.teach(entries, at, (done, entries.len()), sink);
            self.budget = budget;
            taught?;
        }
        let took = if is_new { self.ctx.clock.now().saturating_sub(begun) } else { Duration::ZERO };
        let Some(entry) = entries.get_mut(at) else { return Ok(()) };
        unfit(entry);
        course.search.learned(at, merit(entry), took);
        let policy = &self.setting.task.policy;
        if !entry.runs() || entry.evidence.is_none() || !keeps_the_rest(policy, entry) {
            course.search.lost(at);
        }
        Ok(())
    }

    /// Only what was measured whole stays in the running.
    fn pass_over(&self, entries: &mut [Entry], course: &Course) {
        let leader = course.search.leader().filter(|at| course.whole.contains(at));
        let leader = leader.and_then(|at| Some(entries.get(at)?.candidate.id.clone()));
        let limit = self.setting.task.policy.limits.latency;
        for (at, entry) in entries.iter_mut().enumerate() {
            if entry.candidate.rejection.is_some() || course.whole.contains(&at) {
                continue;
            }
            let ahead = leader.as_deref().filter(|_| !course.search.may_win(at));
            match &mut entry.trial {
                Some(trial) if trial.verdict == Verdict::Suspect => pass(trial, ahead, limit),
                Some(_) => {}
                None => {
                    let over = limit.and_then(|limit| over(course.search.believed(at), limit));
                    entry.trial = Some(self.unseen(entry, ahead, over));
                }
            }
        }
    }

    /// The trial of one that was not looked at.
    fn unseen(&self, entry: &Entry, ahead: Option<&str>, over: Option<String>) -> Trial {
        let reason = match (over, ahead) {
            (Some(over), _) => format!("not looked at: {over}"),
            (None, Some(ahead)) => format!("not looked at: {ahead} is expected to be better"),
            (None, None) => "the budget was used up".to_owned(),
        };
        let (key, now) = (self.setting.key(entry), self.ctx.clock.unix_seconds());
        let trial = bench::skipped(&entry.candidate, key, &reason, now);
        Trial { advice: Some(MORE.to_owned()), ..trial }
    }
}

/// Says so where all that is believed of a latency lies beyond the limit.
fn over([low, high]: [Micros; 2], limit: Micros) -> Option<String> {
    let (low, high, limit) = (low.millis(), high.millis(), limit.millis());
    let text = format!("predicted {low:.3} to {high:.3} ms, the limit is {limit:.3} ms");
    (low > limit).then_some(text)
}

/// Passes over a candidate that had a few samples, for one that is ahead of it or because the
/// time was up. Over the limit it is out by itself.
fn pass(trial: &mut Trial, ahead: Option<&str>, limit: Option<Micros>) {
    let Some(latency) = trial.latency else { return };
    let samples = latency.samples;
    if let Some(limit) = limit.filter(|limit| latency.p50 > *limit) {
        let limit = limit.millis();
        trial.reason = Some(format!("over the limit of {limit:.3} ms after {samples} samples"));
        trial.advice = Some("raise the limit, or leave this model out".to_owned());
        return;
    }
    (trial.verdict, trial.stage) = (Verdict::Skipped, None);
    trial.reason = Some(match ahead {
        Some(ahead) => format!("behind {ahead} after {samples} samples"),
        None => format!("the budget was used up after {samples} samples"),
    });
    trial.advice = Some(MORE.to_owned());
}

/// The clock that ended the worker was the budget's: no fault of the candidate.
fn unfinished(trial: Trial) -> Trial {
    if trial.verdict != Verdict::Rejected {
        return trial;
    }
    let reason = Some("the budget was used up while it was measured".to_owned());
    let advice = Some(MORE.to_owned());
    Trial { verdict: Verdict::Skipped, stage: None, reason, advice, ..trial }
}

/// Ended because nothing more could be hoped for.
fn is_cut(entry: &Entry, plan: &Plan) -> bool {
    let latency = entry.trial.as_ref().and_then(|trial| trial.latency);
    let short = latency.filter(|latency| latency.samples < u64::from(plan.min_samples));
    short.zip(plan.hopeless_above).is_some_and(|(latency, bound)| latency.p50 > bound)
}

/// What a look saw, for whoever watches: the doubt that a few samples are is none here.
fn glimpse(trial: &Trial, whole: bool) -> String {
    match &trial.latency {
        Some(latency) if !whole => {
            format!("about {:.3} ms, {} samples", latency.p50.millis(), latency.samples)
        }
        _ => result(trial),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_wholly_over_the_limit_is_said_to_be_predicted_over_it() {
        let believed = [Micros(12_000.0), Micros(20_000.0)];
        let said = over(believed, Micros(10_000.0)).unwrap();
        assert_eq!(said, "predicted 12.000 to 20.000 ms, the limit is 10.000 ms");
        assert_eq!(over(believed, Micros(15_000.0)), None);
    }
}
