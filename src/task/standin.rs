//! Stand-in until the room is built: a candidate on the task's samples.

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use super::evidence::wilson;
use super::{Estimate, Evidence, Sample, Task, Undefined};
use crate::base::Clock;
use crate::child::{
    Context, Ended, Frames, Job, Limits, Next, Watch, decode_frame, decode_payload, encode_payload,
};
use crate::engine::{Engine, Pipeline, PipelineSpec};
use crate::model::{Candidate, Head, Rejection, Stage};

type Matrix = nalgebra::DMatrix<f64>;

#[derive(Serialize, Deserialize)]
struct Order {
    model: Vec<u8>,
    spec: PipelineSpec,
    samples: Vec<Sample>,
    labels: Vec<String>,
}

type Answer = (f64, Head, Option<Estimate>);

/// A candidate on the task's samples.
///
/// # Errors
/// Why it shows nothing.
pub fn observe(
    task: &Task,
    candidate: &Candidate,
    _engine: &str,
    ctx: Context<'_>,
    wall: Duration,
) -> Result<Evidence, Rejection> {
    let fell = |reason: &str| Rejection {
        stage: Stage::Observe,
        reason: reason.to_owned(),
        help: None,
    };
    let spec = PipelineSpec {
        preprocess: candidate.preprocess(),
        output: candidate.output_for_features().ok_or_else(|| fell("no features"))?,
        head: None,
        threads: 1,
    };
    let samples = task.samples.clone();
    let order = Order { model: candidate.read()?, spec, samples, labels: task.labels.clone() };
    let limits = Limits { address_space: None, wall, cpus: Vec::new() };
    let job = Job { kind: "observe".to_owned(), payload: encode_payload(&order), limits };
    let mut answer: Option<Answer> = None;
    let ended = ctx.spawn.run(&job, ctx.clock, ctx.stop, &mut |watch| {
        if let Watch::Frame(frame) = watch {
            answer = decode_frame(frame);
        }
        Next::Continue
    });
    let (accuracy, head, logme) = match (ended, answer) {
        (Ended::Finished, Some(answer)) => answer,
        (ended, _) => return Err(fell(&format!("{ended:?}"))),
    };
    let head_accuracy = Estimate { value: accuracy, low: accuracy - 0.05, high: accuracy + 0.05 };
    Ok(Evidence {
        id: candidate.id.clone(),
        sha256: candidate.sha256,
        task: task.digest,
        own_accuracy: None,
        head_accuracy: Some(head_accuracy),
        head: Some(head),
        logme,
        undefined: None,
        forward: None,
    })
}

/// The worker's side.
///
/// # Errors
/// What went wrong.
pub fn work(
    payload: &[u8],
    engines: &[Box<dyn Engine>],
    _clock: &dyn Clock,
    frames: &mut Frames,
    score: &dyn Fn(&Matrix, &[u32]) -> Result<Estimate, Undefined>,
) -> Result<(), String> {
    let order: Order = decode_payload(payload).ok_or("no order")?;
    let engine = engines.first().ok_or("no engine")?;
    let loaded = Pipeline::load(&**engine, &order.model, &order.spec);
    let mut pipeline =
        loaded.and_then(|loaded| loaded.optimise()).map_err(|error| error.to_string())?;
    let rows: Result<Vec<Vec<f32>>, _> =
        order.samples.iter().map(|sample| pipeline.infer(&sample.image)).collect();
    let rows = rows.map_err(|error| error.to_string())?;
    let size = rows.first().map_or(0, Vec::len);
    let labels: Vec<u32> = order.samples.iter().map(|sample| sample.label).collect();
    let head = Head {
        features: size,
        weights: (0..order.labels.len())
            .flat_map(|label| (0..size).map(move |at| f32::from(u8::from(at == label))))
            .collect(),
        bias: vec![0.0; order.labels.len()],
        labels: order.labels,
    };
    let best = |row: &Vec<f32>| {
        row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(at, _)| at as u32)
    };
    let right = rows.iter().zip(&labels).filter(|(row, label)| best(row) == **label).count();
    let all: Vec<f64> = rows.iter().flatten().map(|value| f64::from(*value)).collect();
    let logme = score(&Matrix::from_row_slice(rows.len(), size, &all), &labels).ok();
    let answer: Answer = (right as f64 / rows.len().max(1) as f64, head, logme);
    frames.send(&answer).map_err(|error| error.to_string())
}
