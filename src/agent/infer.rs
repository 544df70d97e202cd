//! Raw tensors through the engine, for those who check it from outside.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::classify::process;
use super::{AgentError, World};
use crate::child::{
    Ended, Frames, Job, Limits, Next, Watch, decode_frame, decode_payload, encode_payload,
};
use crate::engine::{self, Engine};
use crate::model::{Affinity, Rejection, Tensor};

/// The kind of these jobs.
pub(super) const KIND: &str = "infer";
const WALL: Duration = Duration::from_secs(600);

/// Tensors by name.
type Tensors = BTreeMap<String, Tensor>;

#[derive(Serialize, Deserialize)]
struct Order {
    model: Vec<u8>,
    inputs: Tensors,
}

/// One frame per output: a frame holds less than all of them may be.
#[derive(Serialize, Deserialize)]
enum Report {
    Output(String, Tensor),
    Failed(Rejection),
}

/// One inference in a worker, every output by name. Where no worker can be started (a
/// foreign binary without a launcher) it runs in this process: nothing is measured here.
///
/// # Errors
/// [`AgentError::NoEngine`]; [`AgentError::Model`] where the engine refused or failed.
pub fn infer(
    world: &World,
    name: &str,
    model: &[u8],
    inputs: &Tensors,
) -> Result<Tensors, AgentError> {
    if world.engines.is_empty() {
        return Err(AgentError::NoEngine);
    }
    let unusable = |rejection| AgentError::Model { model: name.to_owned(), rejection };
    let (mut outputs, mut failed) = (Tensors::new(), None);
    let order = Order { model: model.to_vec(), inputs: inputs.clone() };
    let limits = Limits::of(&Affinity::Any, WALL, &world.sys);
    let job = Job { kind: KIND.to_owned(), payload: encode_payload(&order), limits };
    let ended = world.spawn.run(&job, &*world.clock, &world.stop, &mut |watch| {
        if let Watch::Frame(frame) = watch {
            match decode_frame(frame) {
                Some(Report::Output(name, tensor)) => drop(outputs.insert(name, tensor)),
                Some(Report::Failed(rejection)) => failed = Some(rejection),
                None => return Next::Kill,
            }
        }
        Next::Continue
    });
    match (ended, failed) {
        (_, Some(rejection)) => Err(unusable(rejection)),
        (Ended::Finished, None) => Ok(outputs),
        (Ended::Stopped, None) => Err(AgentError::Stopped),
        (Ended::NotStarted(why), None) => {
            log::warn!("no worker could be started ({why}); {name} runs in this process");
            let engine = engine::choose(&world.engines, model);
            let outputs = engine.and_then(|engine| engine::infer(engine, model, inputs));
            outputs.map_err(|error| unusable(error.into()))
        }
        (ended, None) => Err(unusable(process(&ended))),
    }
}

/// The worker's side.
pub(super) fn work(
    payload: &[u8],
    engines: &[Box<dyn Engine>],
    frames: &mut Frames,
) -> Result<(), String> {
    let order: Order = decode_payload(payload).ok_or("the payload is no job to infer")?;
    let deaf = |error: std::io::Error| format!("nobody takes the result: {error}");
    let outputs = engine::choose(engines, &order.model)
        .and_then(|engine| engine::infer(engine, &order.model, &order.inputs));
    match outputs.map_err(Rejection::from) {
        Ok(outputs) => outputs
            .into_iter()
            .try_for_each(|(name, tensor)| frames.send(&Report::Output(name, tensor)))
            .map_err(deaf),
        Err(rejection) => frames.send(&Report::Failed(rejection)).map_err(deaf),
    }
}
