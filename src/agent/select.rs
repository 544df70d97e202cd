//! The main job: probe, rank, measure within the budget, rank again, decide, deploy.

use std::path::Path;
use std::time::Duration;

use super::advice::Known;
use super::entry::{Entry, Setting, no_task};
use super::install::{Installation, install};
use super::measure::Measuring;
use super::request::Budget;
use super::{AgentError, Elapsed, Parts, Request, Selection, World};
use crate::base::{Clock, Digest, Event, Sink};
use crate::bench::{self, Plan, Trial, Verdict};
use crate::board::{self, Facts};
use crate::decide::{self, Incumbent};
use crate::deploy::{Active, Lock, Store};
use crate::model::{Candidate, Rejection, Stage};
use crate::rank::{self, Advice, Corrections, Ranking, Speeds};
use crate::task::{Evidence, Policy, Task};

/// Chooses, by measuring, which candidate serves the task best here, and puts it in place.
///
/// What the records know is not measured again, and where they know everything nothing is
/// started at all. The store's lock is held from before the first measurement to the end.
///
/// # Errors
/// [`AgentError`]; the running model is then the one that ran before.
pub fn select(
    world: &mut World,
    request: Request,
    sink: &mut dyn Sink,
) -> Result<Selection, AgentError> {
    run(world.parts(), request, sink)
}

/// The same in a world whose worker somebody else watches too.
pub(super) fn run(
    parts: Parts<'_>,
    request: Request,
    sink: &mut dyn Sink,
) -> Result<Selection, AgentError> {
    let Parts { ctx, fs, engines, meters } = parts;
    let mut laps = Laps::begin(ctx.clock);
    let (method, unmeasured, probes) = (request.method, request.unmeasured, request.probes);
    let Request { zoo, task, state, plan, budget, dry_run, fresh, head, .. } = request;
    let budget = Budget::begin(ctx.clock, budget);
    let store = Store::open(state.clone(), fs)?;
    sink.event(Event::Stage("probe"));
    let facts = board::probe(ctx.sys, &state);
    laps.note(|elapsed| &mut elapsed.probe);

    let setting = Setting { facts: &facts, engines, task: &task, head };
    let mut entries = entries(&setting, zoo, &store, fresh);
    let lock = lock(&store, &setting, &entries, dry_run, &budget)?;
    let active =
        if lock.is_some() { store.repair(ctx.clock.unix_seconds())? } else { store.active()? };
    laps.note(|elapsed| &mut elapsed.rank);

    let plan = &plan;
    let mut measuring = Measuring { ctx, setting, store: &store, plan, budget, meters, idle: None };
    let speeds = measuring.speeds(probes, &entries, fresh, sink)?;
    laps.note(|elapsed| &mut elapsed.bench);
    let order = first_order(&speeds, &facts, &task.policy, &entries);
    laps.note(|elapsed| &mut elapsed.rank);
    measure(&mut measuring, &mut entries, (&order, &speeds), &mut laps, sink)?;

    let reused = entries.iter().filter(|entry| entry.reused).count();
    let (candidates, trials, evidence) = results(&setting, entries, ctx.clock);
    let known = Known {
        task: &task,
        candidates: &candidates,
        evidence: &evidence,
        speeds: &speeds,
        engines,
    };
    let way = Way { advice: known.advice(method)?, corrections: known.corrections(method)? };
    let measured = ranked(&known, &facts, &trials, &way);
    laps.note(|elapsed| &mut elapsed.rank);
    let incumbent = incumbent(active.as_ref(), &task);
    let decision = decide::choose(&task.policy, &measured, incumbent.as_ref());
    // A look ahead is shown, and never chosen from.
    let ahead = || ranked(&known, &facts, &seen(&trials), &way);
    let ranking = if unmeasured { ahead() } else { measured };
    laps.note(|elapsed| &mut elapsed.decide);

    let mut selection = Selection {
        candidates,
        trials,
        evidence,
        speeds,
        ranking,
        incumbent,
        decision,
        deployment: None,
        reused,
        elapsed: Elapsed::default(),
        facts: facts.clone(),
        task: task.clone(),
    };
    if !dry_run {
        let address = active.map(|active| active.address);
        deploy(&Installation { ctx, store: &store, task: &task }, &mut selection, address, sink)?;
    }
    laps.note(|elapsed| &mut elapsed.deploy);
    selection.elapsed = laps.end();
    drop(lock);
    Ok(selection)
}

/// Measures what the records do not know, most promising first or as a budget allows.
fn measure(
    measuring: &mut Measuring<'_>,
    entries: &mut [Entry],
    (order, speeds): (&[usize], &Speeds),
    laps: &mut Laps<'_>,
    sink: &mut dyn Sink,
) -> Result<(), AgentError> {
    if measuring.budget.is_limited() {
        measuring.search(entries, speeds, sink)?;
    } else {
        measuring.bench(entries, order, sink)?;
    }
    laps.note(|elapsed| &mut elapsed.bench);
    measuring.observe(entries, order, sink)?;
    laps.note(|elapsed| &mut elapsed.observe);
    // Where the samples say that a head serves better than the model's own scores, or the
    // other way round, what would be deployed was not what was timed.
    measuring.bench(entries, order, sink)?;
    laps.note(|elapsed| &mut elapsed.bench);
    Ok(())
}

/// Nothing is measured and nothing written without the lock; a dry run that finds all it
/// wants in the records does neither.
fn lock(
    store: &Store<'_>,
    setting: &Setting<'_>,
    entries: &[Entry],
    dry_run: bool,
    budget: &Budget<'_>,
) -> Result<Option<Lock>, AgentError> {
    let wanting = entries.iter().any(|entry| entry.wants_trial(setting) || entry.wants_evidence());
    let needed = !dry_run || (wanting && !budget.is_spent());
    Ok(needed.then(|| store.lock("umbra select")).transpose()?)
}

fn entries(
    setting: &Setting<'_>,
    zoo: Vec<Candidate>,
    store: &Store<'_>,
    fresh: bool,
) -> Vec<Entry> {
    let shut_out = store.quarantined();
    zoo.into_iter().map(|candidate| setting.enter(candidate, store, &shut_out, fresh)).collect()
}

/// The order in which to measure: the most promising first, so that a short budget is
/// spent on them; then those of which nothing can be predicted.
fn first_order(speeds: &Speeds, facts: &Facts, policy: &Policy, entries: &[Entry]) -> Vec<usize> {
    if entries.iter().all(|entry| entry.trial.is_some() || entry.candidate.rejection.is_some()) {
        return (0..entries.len()).collect();
    }
    let candidates: Vec<Candidate> = entries.iter().map(|entry| entry.candidate.clone()).collect();
    let Ranking { mut order, .. } = rank::rank_at(speeds, facts, policy, &candidates, &[], &[]);
    order.extend((0..entries.len()).filter(|at| !order.contains(at)).collect::<Vec<_>>());
    order
}

/// Trials of what ran: without them, what was skipped stands by what is predicted of it.
fn seen(trials: &[Trial]) -> Vec<Trial> {
    trials.iter().filter(|trial| trial.verdict != Verdict::Skipped).cloned().collect()
}

/// What a way of ordering knows beside the records.
struct Way {
    advice: Option<Advice>,
    corrections: Option<Corrections>,
}

/// The order, by what the way knows.
fn ranked(known: &Known<'_>, facts: &Facts, trials: &[Trial], way: &Way) -> Ranking {
    let Known { task, candidates, evidence, speeds, .. } = *known;
    let policy = &task.policy;
    let ranking = match &way.corrections {
        Some(corrections) => {
            let means = (speeds, corrections);
            rank::rank_corrected(means, facts, policy, candidates, trials, evidence)
        }
        None => rank::rank_at(speeds, facts, policy, candidates, trials, evidence),
    };
    match &way.advice {
        Some(advice) => rank::advised(&ranking, advice),
        None => ranking,
    }
}

/// One trial per candidate, whatever became of it.
fn results(
    setting: &Setting<'_>,
    entries: Vec<Entry>,
    clock: &dyn Clock,
) -> (Vec<Candidate>, Vec<Trial>, Vec<Evidence>) {
    let (mut candidates, mut trials, mut evidence) = (Vec::new(), Vec::new(), Vec::new());
    for mut entry in entries {
        let trial = entry.trial.take().unwrap_or_else(|| {
            let (key, now) = (setting.key(&entry), clock.unix_seconds());
            match &entry.candidate.rejection {
                Some(rejection) => bench::rejected(&entry.candidate, key, rejection, now),
                None => bench::skipped(&entry.candidate, key, "not measured", now),
            }
        });
        trials.push(trial);
        evidence.extend(entry.evidence);
        candidates.push(entry.candidate);
    }
    (candidates, trials, evidence)
}

/// What runs now, if it was chosen for this task: a model that says other labels has no
/// claim to stay.
fn incumbent(active: Option<&Active>, task: &Task) -> Option<Incumbent> {
    let installed = &active?.installed;
    let same = installed.task == task.name && installed.labels.len() == task.labels.len();
    let same = same && task.labels.iter().all(|label| installed.labels.contains(label));
    same.then(|| Incumbent {
        id: installed.id.clone(),
        config_id: installed.config.id(),
        sha256: installed.sha256,
    })
}

fn deploy(
    installation: &Installation<'_>,
    selection: &mut Selection,
    active: Option<Digest>,
    sink: &mut dyn Sink,
) -> Result<(), AgentError> {
    if installation.ctx.stop.wanted() {
        return Err(AgentError::Stopped);
    }
    sink.event(Event::Stage("deploy"));
    selection.deployment = install(installation, selection, active)?;
    Ok(())
}

/// Measures candidates on their own, without a task: nothing is ranked or recorded. The
/// board is probed as [`select`] with this state folder would.
///
/// # Errors
/// [`AgentError::Stopped`].
pub fn bench(
    world: &mut World,
    candidates: Vec<Candidate>,
    plan: &Plan,
    state: &Path,
    sink: &mut dyn Sink,
) -> Result<Vec<(Candidate, Trial)>, AgentError> {
    let Parts { ctx, engines, meters, .. } = world.parts();
    let facts = board::probe(ctx.sys, state);
    let task = no_task();
    let setting = Setting { facts: &facts, engines, task: &task, head: false };
    let idle = bench::measure_idle(meters, ctx, Duration::from_secs(2));
    let mut trials = Vec::new();
    let total = candidates.len();
    for (done, candidate) in candidates.into_iter().enumerate() {
        sink.event(Event::Step { stage: "bench", what: &candidate.id, done, total });
        let entry = setting.alone(candidate);
        let key = setting.key(&entry);
        let candidate = &entry.candidate;
        let trial = match &candidate.rejection {
            Some(rejection) => bench::rejected(candidate, key, rejection, ctx.clock.unix_seconds()),
            None => bench::run(plan, candidate, key, ctx, meters, idle, sink),
        };
        trials.push((entry.candidate, trial));
        if ctx.stop.wanted() {
            return Err(AgentError::Stopped);
        }
    }
    Ok(trials)
}

/// What a candidate that cannot be used looks like to whoever asked for it.
pub(super) fn unusable(candidate: &Candidate, reason: &str, help: &str) -> AgentError {
    AgentError::Model {
        model: candidate.id.clone(),
        rejection: Rejection {
            stage: Stage::Observe,
            reason: reason.to_owned(),
            help: Some(help.to_owned()),
        },
    }
}

/// Where the time goes.
struct Laps<'c> {
    clock: &'c dyn Clock,
    begun: Duration,
    last: Duration,
    elapsed: Elapsed,
}

impl<'c> Laps<'c> {
    fn begin(clock: &'c dyn Clock) -> Self {
        let now = clock.now();
        Self { clock, begun: now, last: now, elapsed: Elapsed::default() }
    }

    /// Adds the time since the last note to a stage.
    fn note(&mut self, stage: fn(&mut Elapsed) -> &mut Duration) {
        let now = self.clock.now();
        *stage(&mut self.elapsed) += now.saturating_sub(self.last);
        self.last = now;
    }

    fn end(mut self) -> Elapsed {
        self.elapsed.total = self.last.saturating_sub(self.begun);
        self.elapsed
    }
}
