//! From a decision to a deployment: the package, its last check in a worker, the store.
//!
//! Bench and observe have run the candidate's parts; what is deployed is their whole,
//! with the fitted head and the preprocessing, and it runs once in a worker before the
//! switch. That costs one start of a worker, and only where the model really changes.

use std::time::Duration;

use super::classify::ask;
use super::entry::Setting;
use super::measure::Measuring;
use super::request::Budget;
use super::select::unusable;
use super::{AgentError, Parts, Request, Selection, World};
use crate::base::{Digest, Sink};
use crate::bench;
use crate::board;
use crate::child::Context;
use crate::decide::Action;
use crate::deploy::{Deployment, Installed, Package, Store};
use crate::model::{Candidate, Image, model_name};
use crate::task::{Evidence, Task};

/// Samples that a new model must answer before it is put in place.
const PROOF: usize = 4;
/// Wall clock of that proof.
const WALL: Duration = Duration::from_secs(60);

/// What installing needs.
#[derive(Debug)]
pub(super) struct Installation<'a> {
    pub(super) ctx: Context<'a>,
    pub(super) store: &'a Store<'a>,
    pub(super) task: &'a Task,
}

/// Does what was decided; `active` is the address of what runs.
pub(super) fn install(
    installation: &Installation<'_>,
    selection: &Selection,
    active: Option<Digest>,
) -> Result<Option<Deployment>, AgentError> {
    let Installation { ctx, store, task } = installation;
    let (decision, now) = (&selection.decision, ctx.clock.unix_seconds());
    let chosen = decision.model.as_ref().and_then(|id| {
        let same = |candidate: &&Candidate| {
            candidate.id == *id && Some(candidate.config.id()) == decision.config_id
        };
        selection.candidates.iter().find(same)
    });
    let shown = |candidate: &Candidate| {
        selection
            .evidence
            .iter()
            .find(|shown| shown.id == candidate.id && shown.sha256 == candidate.sha256)
    };
    match (decision.action, chosen) {
        (Action::Deploy, Some(candidate)) => {
            let package = package(candidate, task, shown(candidate))?;
            installation.put(&package, &decision.reason).map(Some)
        }
        (Action::Keep, Some(candidate)) => {
            let refit = package(candidate, task, shown(candidate))?;
            if active == Some(store.address(&refit)?) {
                store.keep(&decision.reason, now)?;
                return Ok(None);
            }
            let reason = format!("refitted to the task's samples; {}", decision.reason);
            installation.put(&refit, &reason).map(Some)
        }
        (Action::Fallback, _) if active.is_some() => {
            store.keep(&decision.reason, now)?;
            Ok(None)
        }
        _ => Ok(None),
    }
}

impl Installation<'_> {
    /// Proves the package in a worker, then switches to it.
    fn put(&self, package: &Package, reason: &str) -> Result<Deployment, AgentError> {
        let images: Vec<Image> =
            self.task.samples.iter().take(PROOF).map(|sample| sample.image.clone()).collect();
        prove(self.ctx, self.store, package, &images)?;
        if self.ctx.stop.wanted() {
            return Err(AgentError::Stopped);
        }
        Ok(self.store.apply(package, reason, self.ctx.clock.unix_seconds())?)
    }
}

/// The package answers these images in a worker, with a label and a number.
pub(super) fn prove(
    ctx: Context<'_>,
    store: &Store<'_>,
    package: &Package,
    images: &[Image],
) -> Result<(), AgentError> {
    ask(ctx, store, &package.installed, &package.model, images, WALL).map(drop)
}

/// What would be stored: the model with what makes it answer the task's question.
pub(super) fn package(
    candidate: &Candidate,
    task: &Task,
    evidence: Option<&Evidence>,
) -> Result<Package, AgentError> {
    let more = "run `umbra select` with a larger budget";
    let evidence =
        evidence.ok_or_else(|| unusable(candidate, "it was not seen on the task", more))?;
    let own = evidence.uses_own_scores();
    let head = evidence.head.clone().filter(|_| !own);
    if head.is_none() && !own {
        return Err(unusable(candidate, "nothing turns its output into the task's labels", more));
    }
    let spec = bench::spec_for(candidate, head.clone(), None).ok_or_else(|| {
        unusable(candidate, "no output is known", "name its outputs in a sidecar")
    })?;
    let model = candidate
        .read()
        .map_err(|rejection| AgentError::Model { model: candidate.id.clone(), rejection })?;
    let source = candidate.manifest.as_ref().and_then(|manifest| manifest.source.as_ref());
    let own_labels = source.map(|source| source.labels.clone());
    let labels = match &head {
        Some(head) => head.labels.clone(),
        None => own_labels.unwrap_or_else(|| task.labels.clone()),
    };
    let installed = Installed {
        // The configuration is in the package; whether others stood beside it is not.
        id: model_name(&candidate.id).to_owned(),
        sha256: candidate.sha256,
        config: candidate.config.clone(),
        task: task.name.clone(),
        labels,
        output: spec.output,
        preprocess: evidence.preprocess.clone().or(spec.preprocess),
        manifest: candidate.manifest.clone(),
        head,
        accuracy: evidence.accuracy().map(|accuracy| accuracy.value),
    };
    Ok(Package { model, installed })
}

/// Puts one candidate in place by hand, whatever the ranking says of it.
///
/// # Errors
/// [`AgentError`]; the running model is then the one that ran before.
pub fn deploy(
    world: &mut World,
    request: Request,
    id: &str,
    _sink: &mut dyn Sink,
) -> Result<Deployment, AgentError> {
    let Parts { ctx, fs, engines, meters } = world.parts();
    let Request { zoo, task, state, plan, fresh, head, .. } = request;
    let candidate = zoo.into_iter().find(|candidate| candidate.id == id);
    let candidate = candidate.ok_or_else(|| AgentError::Unknown(id.to_owned()))?;
    let store = Store::open(state.clone(), fs)?;
    let lock = store.lock("umbra deploy")?;
    store.repair(ctx.clock.unix_seconds())?;
    let facts = board::probe(ctx.sys, &state);
    let setting = Setting { facts: &facts, engines, task: &task, head };
    let mut entry = setting.enter(candidate, &store, &store.quarantined(), fresh);
    if let Some(rejection) = entry.candidate.rejection {
        return Err(AgentError::Model { model: entry.candidate.id, rejection });
    }
    if entry.evidence.is_none() {
        let budget = Budget::begin(ctx.clock, None);
        let plan = &plan;
        let measuring = Measuring { ctx, setting, store: &store, plan, budget, meters, idle: None };
        let shown = measuring.show(&entry.candidate)?;
        let model = entry.candidate.id.clone();
        entry.evidence = Some(shown.map_err(|rejection| AgentError::Model { model, rejection })?);
    }
    let package = package(&entry.candidate, &task, entry.evidence.as_ref())?;
    let installation = Installation { ctx, store: &store, task: &task };
    let deployed = installation.put(&package, "deployed by hand")?;
    drop(lock);
    Ok(deployed)
}
