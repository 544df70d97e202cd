//! The worker's side: load, optimise, check, warm up, run. It sends raw samples and
//! leaves every judgement to the parent.

use std::borrow::Cow;
use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::golden::{Expected, check};
use super::inputs::{Inputs, picture};
use super::steady::steady;
use super::{Plan, memory, queue, stats};
use crate::base::{Bytes, Clock, SysRoot};
use crate::child::{Confinement, Frames, ModelRef, decode_payload};
use crate::engine::{Engine, EngineError, Pipeline, PipelineSpec};
use crate::model::{Rejection, Stage};

/// Runs before steadiness is looked at.
const WARM_RUNS: usize = 6;
/// Two windows of the warm-up may differ by so much.
const WARM_DRIFT: f64 = 0.03;

/// What a worker is to measure.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct BenchJob<'a> {
    #[serde(borrow)]
    pub(super) model: ModelRef<&'a [u8]>,
    pub(super) engine: String,
    pub(super) spec: PipelineSpec,
    pub(super) plan: Plan,
    pub(super) goldens: Vec<Expected>,
}

/// What a worker says, in this order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Report {
    /// It has begun, confined like this.
    Began(Confinement),
    /// The graph was read, in so many nanoseconds.
    Loaded { nanos: u64 },
    /// It was optimised; convolutions on integers, and in floating point.
    Optimised { nanos: u64, convolutions: (u64, u64) },
    /// The first inference.
    First { nanos: u64 },
    /// So many golden vectors agree.
    Golden { checked: usize },
    /// Discarded inferences, and whether they had become steady.
    Warm { runs: usize, nanos: u64, steady: bool },
    /// From here on energy counts.
    SteadyBegin,
    /// Nanoseconds of one inference each.
    Block(Vec<u64>),
    /// Up to here.
    SteadyEnd,
    /// Share of the steady part that was spent waiting for a processor.
    Waited(Option<f64>),
    /// Memory of the worker when steady.
    Memory { peak: Option<Bytes>, private: Option<Bytes> },
    /// It fell out.
    Failed(Rejection),
}

/// Why a worker does not go on.
enum Halt {
    Rejected(Rejection),
    Deaf(io::Error),
}

impl From<Rejection> for Halt {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<EngineError> for Halt {
    fn from(error: EngineError) -> Self {
        Self::Rejected(error.into())
    }
}

impl From<io::Error> for Halt {
    fn from(error: io::Error) -> Self {
        Self::Deaf(error)
    }
}

/// Measures one candidate in this process; for jobs of kind `bench`.
///
/// # Errors
/// When the payload is no bench job or nobody listens. What is wrong with the
/// candidate is no error here but a report.
pub fn work(
    payload: &[u8],
    engines: &[Box<dyn Engine>],
    clock: &dyn Clock,
    frames: &mut Frames,
) -> Result<(), String> {
    let job: BenchJob<'_> = decode_payload(payload).ok_or("the payload is no bench job")?;
    let failed = match measure(&job, engines, clock, frames) {
        Err(Halt::Rejected(rejection)) => frames.send(&Report::Failed(rejection)),
        Err(Halt::Deaf(error)) => Err(error),
        Ok(()) => Ok(()),
    };
    failed.map_err(|error| format!("nobody listens: {error}"))
}

fn measure(
    job: &BenchJob<'_>,
    engines: &[Box<dyn Engine>],
    clock: &dyn Clock,
    frames: &mut Frames,
) -> Result<(), Halt> {
    frames.send(&Report::Began(frames.confinement()))?;
    let (engine, model) = (find(engines, &job.engine)?, bytes(&job.model)?);
    let (loaded, nanos) = timed(clock, || Pipeline::load(engine, &model, &job.spec));
    let loaded = loaded?;
    frames.send(&Report::Loaded { nanos })?;
    // What the engine keeps of the file is its own.
    drop(model);
    let (pipeline, nanos) = timed(clock, || loaded.optimise());
    let pipeline = pipeline?;
    let convolutions = pipeline.session().convolutions();
    frames.send(&Report::Optimised { nanos, convolutions })?;
    let inputs = Inputs::of(&job.spec, &pipeline)?;
    let mut subject = Subject { pipeline, inputs, clock, turn: 0 };
    subject.first(job, frames)?;
    subject.warm_up(&job.plan, frames)?;
    let sys = SysRoot::default();
    let (begun, waited) = (clock.now(), queue::waited(&sys));
    subject.steady(&job.plan, frames)?;
    let waited = queue::share(waited, queue::waited(&sys), clock.now().saturating_sub(begun));
    frames.send(&Report::Waited(waited))?;
    let (peak, private) = (memory::peak(&sys), memory::private(&sys));
    Ok(frames.send(&Report::Memory { peak, private })?)
}

fn find<'a>(engines: &'a [Box<dyn Engine>], name: &str) -> Result<&'a dyn Engine, Rejection> {
    let engine = engines.iter().find(|engine| engine.name() == name);
    engine.map(|engine| &**engine).ok_or_else(|| Rejection {
        stage: Stage::Load,
        reason: format!("this program has no engine {name:?}"),
        help: Some("Build it with the feature of that engine.".to_owned()),
    })
}

fn bytes<'a>(model: &ModelRef<&'a [u8]>) -> Result<Cow<'a, [u8]>, Rejection> {
    match model {
        ModelRef::Bytes(bytes) => Ok(Cow::Borrowed(bytes)),
        ModelRef::File(path) => std::fs::read(path).map(Cow::Owned).map_err(|error| Rejection {
            stage: Stage::Read,
            reason: format!("{}: {error}", path.display()),
            help: None,
        }),
    }
}

/// A pipeline that is being timed.
struct Subject<'a> {
    pipeline: Pipeline,
    inputs: Inputs,
    clock: &'a dyn Clock,
    turn: usize,
}

impl Subject<'_> {
    /// One inference on the next input: nanoseconds. What comes out must be numbers.
    fn run(&mut self) -> Result<u64, Halt> {
        let (outputs, nanos) = self.infer()?;
        finite(&outputs?, Stage::Run)?;
        Ok(nanos)
    }

    /// The clock is read around the pipeline and nothing else: the input is chosen before.
    fn infer(&mut self) -> Result<(Result<Vec<f32>, EngineError>, u64), Rejection> {
        let input = self.inputs.get(self.turn)?;
        self.turn += 1;
        Ok(timed(self.clock, || input.feed(&mut self.pipeline)))
    }

    /// The very first inference, then the golden vectors: of the model itself, not of what
    /// a head makes of it.
    fn first(&mut self, job: &BenchJob<'_>, frames: &mut Frames) -> Result<(), Halt> {
        let (outputs, nanos) = self.infer()?;
        let outputs = outputs.map_err(|error| EngineError { stage: Stage::First, ..error })?;
        finite(&outputs, Stage::First)?;
        frames.send(&Report::First { nanos })?;
        for expected in &job.goldens {
            if let Some(picture) = picture(&job.spec, expected.seed) {
                let values = self.pipeline.output(&picture);
                let values = values.map_err(|error| EngineError { stage: Stage::Golden, ..error });
                check(expected, &values?)?;
            }
        }
        Ok(frames.send(&Report::Golden { checked: job.goldens.len() })?)
    }

    /// Runs until two neighbouring windows agree, and the clocks have had time to rise.
    fn warm_up(&mut self, plan: &Plan, frames: &mut Frames) -> Result<(), Halt> {
        let (least, most) = (plan.min_time / 3, plan.max_time / 3);
        let started = self.clock.now();
        let (mut runs, mut look_at, mut steady) = (Vec::new(), WARM_RUNS, false);
        let mut spent = Duration::ZERO;
        while spent < most && !(steady && spent >= least) {
            runs.push(self.run()?);
            if runs.len() >= look_at {
                steady = is_steady(&runs);
                look_at += 1 + look_at / 4;
            }
            spent = self.clock.now().saturating_sub(started);
        }
        let (runs, nanos) = (runs.len(), spent.as_nanos() as u64);
        Ok(frames.send(&Report::Warm { runs, nanos, steady })?)
    }

    /// Runs until enough is known, or the plan's bounds are reached.
    fn steady(&mut self, plan: &Plan, frames: &mut Frames) -> Result<(), Halt> {
        frames.send(&Report::SteadyBegin)?;
        let clock = self.clock;
        let send = |block: &[u64]| Ok(frames.send(&Report::Block(block.to_vec()))?);
        steady(plan, clock, || self.run(), send)?;
        Ok(frames.send(&Report::SteadyEnd)?)
    }
}

fn timed<T>(clock: &dyn Clock, work: impl FnOnce() -> T) -> (T, u64) {
    let before = clock.now();
    let done = work();
    (done, clock.now().saturating_sub(before).as_nanos() as u64)
}

fn finite(outputs: &[f32], stage: Stage) -> Result<(), Rejection> {
    let Some(at) = outputs.iter().position(|value| !value.is_finite()) else { return Ok(()) };
    let value = outputs.get(at).copied().unwrap_or(f32::NAN);
    let reason = format!("output {at} of {} is {value}", outputs.len());
    let help = "The model does not survive its quantisation or the engine: export it again.";
    Err(Rejection { stage, reason, help: Some(help.to_owned()) })
}

/// Whether the last quarter runs like the quarter before it.
fn is_steady(runs: &[u64]) -> bool {
    let window = (runs.len() / 4).max(WARM_RUNS / 2);
    let last = runs.len().saturating_sub(window);
    let before = runs.get(last.saturating_sub(window)..last).and_then(stats::median);
    let after = runs.get(last..).and_then(stats::median);
    before.zip(after).is_some_and(|(before, after)| (after - before).abs() <= WARM_DRIFT * before)
}
