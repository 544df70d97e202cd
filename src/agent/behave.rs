//! How a model behaves on the reference images, found in a worker: any file may be asked.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::classify::process;
use super::{AgentError, World};
use crate::child::{
    Ended, Frames, Job, Limits, Next, Watch, as_bytes, decode_frame, decode_payload, encode_payload,
};
use crate::engine::{self, Engine};
use crate::model::{Affinity, Candidate, Preprocess, Rejection, Stage};
use crate::task::behaviour::{Behaviour, behaviour, separation};

/// The kind of these jobs.
pub(super) const KIND: &str = "behave";
const WALL: Duration = Duration::from_secs(600);

#[derive(Serialize, Deserialize)]
struct Order<'a> {
    #[serde(borrow, serialize_with = "as_bytes")]
    model: &'a [u8],
    preprocess: Vec<Preprocess>,
    features: String,
}

/// The worker's answer.
type Report = Result<Behaviour, Rejection>;

/// Runs the reference images through a candidate. Where no sidecar says how images are fed, the
/// guess counts whose features tell the classes apart best.
///
/// # Errors
/// [`AgentError::Model`]: it cannot be used, reads no image, or gives no features.
pub fn behave(world: &World, candidate: &Candidate) -> Result<Behaviour, AgentError> {
    let refused = |rejection| AgentError::Model { model: candidate.id.clone(), rejection };
    let none = |reason: &str, help: &str| {
        refused(Rejection {
            stage: Stage::Observe,
            reason: reason.to_owned(),
            help: Some(help.to_owned()),
        })
    };
    // What is wrong with the file itself says more than what it therefore lacks.
    let model = candidate.read().map_err(refused)?;
    let preprocess = candidate.preprocesses();
    if preprocess.is_empty() {
        let help = "add [preprocess] to its sidecar if it does after all";
        return Err(none("it reads no image", help));
    }
    let features = candidate.output_for_features().ok_or_else(|| {
        none("it gives no features", "name its outputs under [outputs] in its sidecar")
    })?;
    let order = Order { model: &model, preprocess, features };
    let mut report: Option<Report> = None;
    let limits = Limits::of(&Affinity::Any, WALL, &world.sys);
    let job = Job { kind: KIND.to_owned(), payload: encode_payload(&order), limits };
    let ended = world.spawn.run(&job, &*world.clock, &world.stop, &mut |watch| {
        if let Watch::Frame(frame) = watch {
            report = decode_frame(frame);
        }
        Next::Continue
    });
    match (report, ended) {
        (Some(report), Ended::Finished) => report.map_err(refused),
        (_, Ended::Stopped) => Err(AgentError::Stopped),
        (_, ended) => Err(refused(process(&ended))),
    }
}

/// The worker's side.
pub(super) fn work(
    payload: &[u8],
    engines: &[Box<dyn Engine>],
    frames: &mut Frames,
) -> Result<(), String> {
    let order: Order<'_> = decode_payload(payload).ok_or("the payload is no job to behave")?;
    let report: Report = best(&order, engines).map_err(Rejection::from);
    frames.send(&report).map_err(|error| format!("nobody takes the result: {error}"))
}

fn best(order: &Order<'_>, engines: &[Box<dyn Engine>]) -> Result<Behaviour, engine::EngineError> {
    let engine = engine::choose(engines, order.model)?;
    let mut best: Result<Behaviour, engine::EngineError> =
        Err(engine::EngineError::new(Stage::Observe, "it reads no image"));
    for preprocess in &order.preprocess {
        let found = behaviour(engine, order.model, preprocess, &order.features);
        best = match (best, found) {
            (Ok(best), Ok(found)) if separation(&found) <= separation(&best) => Ok(best),
            (_, Ok(found)) => Ok(found),
            (Ok(best), Err(_)) => Ok(best),
            (Err(_), Err(error)) => Err(error),
        };
    }
    best
}
