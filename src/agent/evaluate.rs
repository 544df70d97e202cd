//! How well each score would have ranked the candidates, on samples held out of everything.
//!
//! Every candidate sees the task as for a choice; then what would be deployed of it labels the
//! held-out samples, and that accuracy is the truth which the scores are judged by. Nothing is
//! timed, recorded or deployed.

use std::time::Duration;

use super::classify::{Classified, ask};
use super::entry::Setting;
use super::install::package;
use super::{AgentError, Parts, Request, World};
use crate::base::{Event, Sink};
use crate::board;
use crate::child::Context;
use crate::deploy::Store;
use crate::model::{Candidate, Image, Rejection, Stage};
use crate::rank::evaluate::Agreement;
use crate::rank::relevance::{Prior, Standing, View, fuse};
use crate::rank::{self, Criterion, Row};
use crate::task::{self, Estimate, Evidence, Sample, Scores, Task};

/// Wall clock of a candidate on the task's samples, and on a batch of those held out.
const OBSERVE: Duration = Duration::from_secs(600);
const BATCH_WALL: Duration = Duration::from_secs(600);
/// Bytes of images that go to a worker at once.
const BATCH: usize = 32_000_000;

/// What a comparison of scores with the truth found.
#[derive(Debug)]
pub struct Evaluation {
    /// Name of the task.
    pub task: String,
    /// Samples of the task that the scores saw.
    pub samples: usize,
    /// Held-out samples behind the truth.
    pub held_out: usize,
    /// What the prior is.
    pub prior: Option<Prior>,
    /// Why the standings are mean ranks and not fitted, where that is so.
    pub unfitted: Option<String>,
    /// Every candidate, in zoo order.
    pub candidates: Vec<Evaluated>,
    /// Every score against the truth, with the number of candidates that have both.
    pub agreements: Vec<(&'static str, usize, Agreement)>,
}

/// One candidate with its scores and the truth.
#[derive(Debug)]
pub struct Evaluated {
    /// Its id.
    pub id: String,
    /// Its multiply-accumulates, and its accuracy on its source: lists that never look.
    pub lists: [Option<f64>; 2],
    /// What the samples showed.
    pub evidence: Option<Evidence>,
    /// Where it stands in a ranking: by its prior, if that has one, and all scores.
    pub standing: Option<Standing>,
    /// The same by the scores alone, and with the multiply-accumulates for a prior.
    pub fused: [Option<Standing>; 2],
    /// Its relevance in a ranking.
    pub relevance: Option<f64>,
    /// Accuracy of what would be deployed, on the held-out samples.
    pub truth: Option<Estimate>,
    /// Why there is no truth.
    pub rejection: Option<Rejection>,
}

/// The scores that are judged, by name.
type Judge = fn(&Evaluated) -> Option<f64>;
const JUDGES: [(&str, Judge); 9] = [
    ("MACs alone", |of| of.lists[0]),
    ("source accuracy alone", |of| of.lists[1]),
    ("LogME", |of| of.score(View::LogMe)),
    ("H-score", |of| of.score(View::HScore)),
    ("NCE", |of| of.score(View::Nce)),
    ("accuracy on the samples", |of| of.evidence.as_ref()?.accuracy().map(|found| found.value)),
    ("mean rank of the scores", |of| of.fused[0].as_ref().map(|standing| standing.share.value)),
    ("mean rank with MACs", |of| of.fused[1].as_ref().map(|standing| standing.share.value)),
    ("relevance, as ranked", |of| of.relevance),
];

impl Evaluated {
    /// A score's value.
    #[must_use]
    pub fn score(&self, view: View) -> Option<f64> {
        view.scored(&self.evidence.as_ref()?.scores).map(|scored| scored.value)
    }
}

/// Judges every score of the candidates by their accuracy on held-out samples.
///
/// # Errors
/// [`AgentError::Stopped`], or the state folder cannot be read.
pub fn evaluate(
    world: &mut World,
    request: Request,
    held_out: &[Sample],
    sink: &mut dyn Sink,
) -> Result<Evaluation, AgentError> {
    let Parts { ctx, fs, engines, .. } = world.parts();
    let Request { zoo, task, state, head, fresh, .. } = request;
    let store = Store::open(state.clone(), fs)?;
    let facts = board::probe(ctx.sys, &state);
    let setting = Setting { facts: &facts, engines, task: &task, head };
    let shut_out = store.quarantined();
    let total = zoo.len();
    let (mut candidates, mut seen) = (Vec::new(), Vec::new());
    for (done, candidate) in zoo.into_iter().enumerate() {
        sink.event(Event::Step { stage: "evaluate", what: &candidate.id, done, total });
        let entry = setting.enter(candidate, &store, &shut_out, fresh);
        let found = see(&setting, &store, &entry.candidate, entry.evidence, held_out, ctx);
        if ctx.stop.wanted() {
            return Err(AgentError::Stopped);
        }
        candidates.push(entry.candidate);
        seen.push(found);
    }
    let evidence: Vec<Evidence> = seen.iter().filter_map(|seen| seen.evidence.clone()).collect();
    let ranking = rank::rank(&facts, &task.policy, &candidates, &[], &evidence);
    let rows = candidates.iter().zip(ranking.rows).zip(seen);
    let mut candidates: Vec<Evaluated> =
        rows.map(|((candidate, row), seen)| seen.placed(candidate, row)).collect();
    stand(&mut candidates);
    Ok(Evaluation {
        task: task.name,
        samples: task.samples.len(),
        held_out: held_out.len(),
        prior: ranking.prior,
        unfitted: ranking.unfitted,
        agreements: JUDGES.iter().map(|(name, judge)| judged(name, &candidates, *judge)).collect(),
        candidates,
    })
}

/// Where candidates would stand if nothing, or only their size, were expected of them.
fn stand(candidates: &mut [Evaluated]) {
    let shown = |of: &Evaluated| of.standing.is_some();
    let scores: Vec<Option<&Scores>> = candidates
        .iter()
        .map(|of| of.evidence.as_ref().filter(|_| shown(of)).map(|evidence| &evidence.scores))
        .collect();
    let alone = fuse(&vec![None; scores.len()], &scores, None);
    let macs: Vec<Option<f64>> = candidates.iter().map(|of| of.lists[0]).collect();
    let with_macs = fuse(&macs, &scores, None);
    for ((of, alone), with_macs) in candidates.iter_mut().zip(alone).zip(with_macs) {
        of.fused = [alone, with_macs];
    }
}

fn judged(
    name: &'static str,
    candidates: &[Evaluated],
    judge: Judge,
) -> (&'static str, usize, Agreement) {
    let both = |of: &Evaluated| Some((of.truth?.value, judge(of)?));
    let (truth, score): (Vec<f64>, Vec<f64>) = candidates.iter().filter_map(both).unzip();
    (name, truth.len(), Agreement::of(&truth, &score))
}

/// What one candidate showed, before it stands among others.
struct Seen {
    evidence: Option<Evidence>,
    truth: Result<Estimate, Rejection>,
}

impl Seen {
    fn placed(self, candidate: &Candidate, row: Row) -> Evaluated {
        let (truth, rejection) = match self.truth {
            Ok(truth) => (Some(truth), None),
            Err(rejection) => (None, Some(rejection)),
        };
        Evaluated {
            id: candidate.id.clone(),
            lists: [Prior::Macs, Prior::Source].map(|prior| prior.value(candidate)),
            evidence: self.evidence,
            relevance: row.measures.get(&Criterion::Relevance).map(|measure| measure.value),
            standing: row.standing,
            fused: [None, None],
            truth,
            rejection,
        }
    }
}

fn see(
    setting: &Setting<'_>,
    store: &Store<'_>,
    candidate: &Candidate,
    known: Option<Evidence>,
    held_out: &[Sample],
    ctx: Context<'_>,
) -> Seen {
    let out = |rejection: &Rejection| Seen { evidence: None, truth: Err(rejection.clone()) };
    if let Some(rejection) = &candidate.rejection {
        return out(rejection);
    }
    let engine = &candidate.config.engine;
    let shown =
        known.map_or_else(|| task::observe(setting.task, candidate, engine, ctx, OBSERVE), Ok);
    match shown.map(|evidence| setting.allowed(evidence)) {
        Ok(evidence) => Seen {
            truth: truth(setting.task, store, candidate, &evidence, held_out, ctx),
            evidence: Some(evidence),
        },
        Err(rejection) => out(&rejection),
    }
}

/// Accuracy of what would be deployed.
fn truth(
    task: &Task,
    store: &Store<'_>,
    candidate: &Candidate,
    evidence: &Evidence,
    held_out: &[Sample],
    ctx: Context<'_>,
) -> Result<Estimate, Rejection> {
    let package = package(candidate, task, Some(evidence)).map_err(rejection)?;
    let mut right = 0usize;
    for batch in batches(held_out) {
        let images: Vec<Image> = batch.iter().map(|sample| sample.image.clone()).collect();
        let said = ask(ctx, store, &package.installed, &package.model, &images, BATCH_WALL)
            .map_err(rejection)?;
        let is_right = |(said, sample): &(&Classified, &Sample)| {
            task.labels.get(sample.label as usize) == Some(&said.label)
        };
        right += said.iter().zip(batch).filter(is_right).count();
    }
    Ok(task::wilson(right as f64, held_out.len() as f64))
}

/// Why a candidate has no truth.
fn rejection(error: AgentError) -> Rejection {
    match error {
        AgentError::Model { rejection, .. } => rejection,
        other => Rejection { stage: Stage::Process, reason: other.to_string(), help: None },
    }
}

/// Samples in lots that a worker can be handed.
fn batches(samples: &[Sample]) -> impl Iterator<Item = &[Sample]> {
    let largest = samples.iter().map(|sample| sample.image.pixels.len()).max().unwrap_or(1);
    samples.chunks((BATCH / largest.max(1)).max(1))
}
