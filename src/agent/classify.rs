//! The deployed model at work, in a worker, so that a bad one never takes the agent down.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{AgentError, World};
use crate::base::{Clock, Micros, SysRoot};
use crate::child::{
    Context, Ended, Frames, Job, Limits, Next, Watch, as_bytes, decode_frame, decode_payload,
    encode_payload,
};
use crate::deploy::{Installed, Store, plan_name};
use crate::engine::{Engine, Kept, Pipeline, PipelineSpec};
use crate::model::{Image, Rejection, Stage};

/// The kind of these jobs.
pub(super) const KIND: &str = "classify";
/// Wall clock of a job, and what each image adds.
const WALL: Duration = Duration::from_secs(60);
const PER_IMAGE: Duration = Duration::from_secs(5);
/// Kept forms from here on are too large for a frame.
const LARGEST: usize = 15 << 20;

/// What the model says of one image.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Classified {
    /// The label with the highest score.
    pub label: String,
    /// Its index.
    pub index: usize,
    /// Its share, 0 to 1: softmax of the scores, unless they are probabilities already.
    pub score: f64,
    /// Scores of all labels, as the model gave them.
    pub scores: Vec<f32>,
    /// Time of this inference.
    pub us: Micros,
}

#[derive(Serialize, Deserialize)]
struct Order<'a> {
    engine: String,
    #[serde(borrow, serialize_with = "as_bytes")]
    model: &'a [u8],
    spec: PipelineSpec,
    images: Vec<Image>,
    #[serde(borrow)]
    kept: Kept<'a>,
}

#[derive(Serialize, Deserialize)]
enum Report {
    /// What to keep of the model from now on; comes last, if at all.
    Keep(#[serde(serialize_with = "as_bytes")] Vec<u8>),
    Scores {
        scores: Vec<f32>,
        nanos: u64,
    },
    Failed(Rejection),
}

/// What the active model says of these images, in their order.
///
/// # Errors
/// [`AgentError::Store`] where nothing is deployed; [`AgentError::Model`] where the model
/// fails on one of them.
pub fn classify(
    world: &World,
    state: &std::path::Path,
    images: &[Image],
) -> Result<Vec<Classified>, AgentError> {
    let store = Store::open(state.to_owned(), &*world.fs)?;
    let (installed, model) = store.active_model()?;
    let wall = WALL + PER_IMAGE * u32::try_from(images.len()).unwrap_or(u32::MAX / 8);
    ask(world.context(), &store, &installed, &model, images, wall)
}

/// The same for any model; what its engine keeps of it goes to the store.
pub(super) fn ask(
    ctx: Context<'_>,
    store: &Store<'_>,
    installed: &Installed,
    model: &[u8],
    images: &[Image],
    wall: Duration,
) -> Result<Vec<Classified>, AgentError> {
    let mut said: Vec<(Vec<f32>, u64)> = Vec::new();
    let (mut failed, mut keep) = (None, None);
    let name = plan_name(installed.sha256, &installed.config.engine, &installed.output);
    let sealed = store.plan(name).unwrap_or_default();
    let kept = Kept { model: installed.sha256, sealed: &sealed };
    let job = job(ctx.sys, installed, model, images, wall, kept);
    let ended = ctx.spawn.run(&job, ctx.clock, ctx.stop, &mut |watch| {
        match watch {
            Watch::Frame(frame) => match decode_frame(frame) {
                Some(Report::Keep(sealed)) => keep = Some(sealed),
                Some(Report::Scores { scores, nanos }) => said.push((scores, nanos)),
                Some(Report::Failed(rejection)) => failed = Some(rejection),
                None => return Next::Kill,
            },
            Watch::Tick => {}
        }
        Next::Continue
    });
    if ended == Ended::Stopped || ctx.stop.wanted() {
        return Err(AgentError::Stopped);
    }
    if let Some(sealed) = keep.filter(|_| failed.is_none()) {
        // Costs time in the next start, and nothing in this one.
        let saved = store.save_plan(name, &sealed);
        saved.unwrap_or_else(|error| log::debug!("a plan is not kept: {error}"));
    }
    let unusable = |rejection| AgentError::Model { model: installed.id.clone(), rejection };
    match (ended, failed) {
        (_, Some(rejection)) => Err(unusable(rejection)),
        (Ended::Finished, None) if said.len() == images.len() => {
            let all = said.into_iter().map(|(scores, nanos)| answer(installed, scores, nanos));
            all.collect::<Result<_, _>>().map_err(unusable)
        }
        (ended, None) => Err(unusable(process(&ended))),
    }
}

fn job(
    sys: &SysRoot,
    installed: &Installed,
    model: &[u8],
    images: &[Image],
    wall: Duration,
    kept: Kept<'_>,
) -> Job {
    let spec = PipelineSpec {
        preprocess: installed.preprocess.clone(),
        output: installed.output.clone(),
        head: installed.head.clone(),
        threads: installed.config.threads,
    };
    let order = Order {
        engine: installed.config.engine.clone(),
        model,
        spec,
        images: images.to_vec(),
        kept,
    };
    let limits = Limits::of(&installed.config.affinity, wall, sys);
    Job { kind: KIND.to_owned(), payload: encode_payload(&order), limits }
}

fn answer(installed: &Installed, scores: Vec<f32>, nanos: u64) -> Result<Classified, Rejection> {
    let wrong = |reason: String| Rejection { stage: Stage::Run, reason, help: None };
    if let Some(score) = scores.iter().find(|score| !score.is_finite()) {
        return Err(wrong(format!("one of its scores is {score}")));
    }
    let best = scores.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    let (index, _) = best.ok_or_else(|| wrong("it gives no scores".to_owned()))?;
    if scores.len() != installed.labels.len() {
        let (scores, labels) = (scores.len(), installed.labels.len());
        return Err(wrong(format!("it gives {scores} scores for {labels} labels")));
    }
    let label = installed.labels.get(index).cloned().unwrap_or_default();
    let score = share(&scores, index);
    Ok(Classified { label, index, score, scores, us: Micros(nanos as f64 / 1000.0) })
}

/// Softmax, or the value itself where the values are probabilities.
fn share(scores: &[f32], index: usize) -> f64 {
    let all = || scores.iter().map(|score| f64::from(*score));
    let (sum, chosen) = (all().sum::<f64>(), all().nth(index).unwrap_or(f64::NEG_INFINITY));
    if all().all(|score| (0.0..=1.0).contains(&score)) && (sum - 1.0).abs() < 1e-3 {
        return chosen;
    }
    1.0 / all().map(|score| (score - chosen).exp()).sum::<f64>()
}

/// How a worker ended, as the reason why its model cannot be used.
pub(super) fn process(ended: &Ended) -> Rejection {
    let (reason, help) = ended.told("answering");
    Rejection { stage: Stage::Process, reason, help: Some(help.to_owned()) }
}

/// The worker's side.
pub(super) fn work(
    payload: &[u8],
    engines: &[Box<dyn Engine>],
    clock: &dyn Clock,
    frames: &mut Frames,
) -> Result<(), String> {
    let order: Order<'_> = decode_payload(payload).ok_or("the payload is no job to classify")?;
    let deaf = |error: std::io::Error| format!("nobody listens: {error}");
    let (mut pipeline, sealed) = match load(&order, engines) {
        Ok(loaded) => loaded,
        Err(rejection) => return frames.send(&Report::Failed(rejection)).map_err(deaf),
    };
    for image in &order.images {
        let begun = clock.now();
        let scores = pipeline.infer(image);
        let nanos = clock.now().saturating_sub(begun).as_nanos();
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
        let report = match scores {
            Ok(scores) => Report::Scores { scores, nanos },
            Err(error) => Report::Failed(error.into()),
        };
        frames.send(&report).map_err(deaf)?;
        if matches!(report, Report::Failed(_)) {
            return Ok(());
        }
    }
    // Last, so that nobody waits for it.
    match sealed {
        Some(sealed) if sealed.len() < LARGEST => frames.send(&Report::Keep(sealed)).map_err(deaf),
        _ => Ok(()),
    }
}

/// The pipeline, and what to keep of its model from now on.
fn load(
    order: &Order<'_>,
    engines: &[Box<dyn Engine>],
) -> Result<(Pipeline, Option<Vec<u8>>), Rejection> {
    let engine = engines.iter().find(|engine| engine.name() == order.engine);
    let engine = engine.ok_or_else(|| Rejection {
        stage: Stage::Load,
        reason: format!("no engine {} in this build", order.engine),
        help: Some("use a build with that engine".to_owned()),
    })?;
    let loaded = Pipeline::load_kept(&**engine, order.model, &order.spec, order.kept);
    let optimised = loaded.and_then(|(loaded, sealed)| Ok((loaded.optimise()?, sealed)));
    Ok(optimised?)
}
