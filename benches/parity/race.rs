//! Blocks of inferences that take turns in one process.

use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use umbra::engine::{Engine, LoadOptions, Session};
use umbra::model::Tensor;

use super::Pace;
use super::figure::{median, ratios};
use super::subject::Subject;

/// Ratios of neighbouring blocks, and how far outputs agree.
#[derive(Debug)]
pub(crate) struct Race {
    /// One thread each.
    pub(crate) single: Vec<f64>,
    /// As many threads as there are cores; of the house as many as its engine takes.
    pub(crate) all: Option<Vec<f64>>,
    /// The engine takes one thread only.
    pub(crate) one_thread_only: bool,
    /// Against the float twin in the same engine, one thread each.
    pub(crate) twin: Option<Vec<f64>>,
    /// Share of output elements that are equal; of floats those within 1e-5 of the range.
    pub(crate) equal: f64,
}

/// Cores that this process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// So many of the inputs are timed, the first ones; some take longer than others.
const TIMED: usize = 2;
/// What is timed together lasts at least so long: the clock itself costs some of it.
const BATCH: Duration = Duration::from_micros(200);

/// What time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Time {
    /// Processor time of the whole process. With one thread it is what a clock on the wall
    /// would say if nothing else ran; other programs do not lengthen it by waiting.
    Processor,
    /// The clock on the wall; several threads have no other.
    Wall,
}

impl Time {
    /// Seconds that the work takes.
    fn took(self, work: impl FnOnce() -> Result<(), String>) -> Result<f64, String> {
        let (wall, processor) = (Instant::now(), ProcessTime::now());
        work()?;
        let took = match self {
            Self::Processor => processor.elapsed(),
            Self::Wall => wall.elapsed(),
        };
        Ok(took.as_secs_f64())
    }

    /// What a block comes to. Waiting for other programs only ever lengthens, and more often
    /// what takes long anyway: on the wall the fastest counts.
    fn of(self, times: &[f64]) -> f64 {
        match self {
            Self::Processor => median(times),
            Self::Wall => times.iter().copied().fold(f64::INFINITY, f64::min),
        }
    }
}

/// A session with its inputs.
struct Side {
    session: Box<dyn Session>,
    inputs: Vec<Vec<Tensor>>,
    /// Rounds over the inputs that are timed together.
    rounds: usize,
    /// Such batches in one block.
    batches: usize,
}

impl Side {
    fn new(engine: &dyn Engine, subject: &Subject, threads: u16) -> Result<Self, String> {
        let options = LoadOptions { input_shapes: subject.shapes(), outputs: None, threads };
        let loaded = engine.load(&subject.bytes, &options).and_then(|l| l.optimise());
        let session = loaded.map_err(|error| format!("{}: {error}", engine.name()))?;
        let inputs = subject.inputs(session.inputs());
        Ok(Self { session, inputs, rounds: 1, batches: 1 })
    }

    /// Every timed input once.
    fn round(&mut self) -> Result<(), String> {
        for input in self.inputs.iter().take(TIMED) {
            let outputs = self.session.run(input).map_err(|error| error.to_string())?;
            std::hint::black_box(outputs);
        }
        Ok(())
    }

    /// Seconds of one batch.
    fn batch(&mut self, time: Time) -> Result<f64, String> {
        let rounds = self.rounds;
        let took = time.took(|| (0..rounds).try_for_each(|_| self.round()))?;
        Ok(took / rounds as f64)
    }

    /// Batches that are long enough for the clock, and as many as fill a block.
    fn pace(&mut self, pace: Pace) -> Result<(), String> {
        self.round()?;
        let started = Instant::now();
        let mut rounds = 0_u32;
        while (rounds as usize) < pace.batches
            || (started.elapsed() < pace.block && rounds < 10_000)
        {
            self.round()?;
            rounds += 1;
        }
        let one = started.elapsed() / rounds;
        self.rounds = 1 + (BATCH.as_nanos() / one.as_nanos().max(1)) as usize;
        let batch = one * u32::try_from(self.rounds).unwrap_or(u32::MAX);
        self.batches = (pace.block.as_nanos() / batch.as_nanos().max(1)) as usize;
        self.batches = self.batches.max(pace.batches);
        Ok(())
    }

    /// One block. Its first round is not counted: it finds the caches full of the other side's
    /// weights, and the other side's threads still spinning.
    fn block(&mut self, time: Time) -> Result<f64, String> {
        self.round()?;
        let times: Result<Vec<f64>, String> = (0..self.batches).map(|_| self.batch(time)).collect();
        Ok(time.of(&times?))
    }
}

/// Figures of blocks: one list per side.
fn blocks(sides: &mut [&mut Side], pace: Pace, time: Time) -> Result<Vec<Vec<f64>>, String> {
    sides.iter_mut().try_for_each(|side| side.pace(pace))?;
    let mut times = vec![Vec::new(); sides.len()];
    for block in 0..pace.blocks {
        // Whoever goes first changes every time.
        for step in 0..sides.len() {
            let at = (block + step) % sides.len();
            times[at].push(sides[at].block(time)?);
        }
    }
    Ok(times)
}

/// One model on both sides.
pub(crate) fn run(
    engine: &dyn Engine,
    reference: &dyn Engine,
    subject: &Subject,
    twin: Option<&Subject>,
    cores: u16,
    pace: Pace,
) -> Result<Race, String> {
    let mut theirs = Side::new(reference, subject, 1)?;
    let mut ours = Side::new(engine, subject, 1)?;
    let equal = equal(&mut ours, &mut theirs)?;
    let mut float = twin.map(|twin| Side::new(engine, twin, 1)).transpose()?;
    let mut sides = vec![&mut ours, &mut theirs];
    sides.extend(&mut float);
    let times = blocks(&mut sides, pace, Time::Processor)?;
    let single = ratios(&times[0], &times[1]);
    let twin = times.get(2).map(|float| ratios(&times[0], float));
    drop((theirs, float));
    let wide = (cores > 1).then(|| Side::new(engine, subject, cores));
    let one_thread_only = matches!(wide, Some(Err(_)));
    let mut ours = wide.and_then(Result::ok).unwrap_or(ours);
    let all = if cores > 1 {
        let mut theirs = Side::new(reference, subject, cores)?;
        let times = blocks(&mut [&mut ours, &mut theirs], pace, Time::Wall)?;
        Some(ratios(&times[0], &times[1]))
    } else {
        None
    };
    Ok(Race { single, all, one_thread_only, twin, equal })
}

/// Outputs of all golden inputs, element by element.
fn equal(ours: &mut Side, theirs: &mut Side) -> Result<f64, String> {
    let (mut same, mut total) = (0_usize, 0_usize);
    for case in 0..ours.inputs.len().min(theirs.inputs.len()) {
        let mine = ours.session.run(&ours.inputs[case]).map_err(|e| e.to_string())?;
        let other = theirs.session.run(&theirs.inputs[case]).map_err(|e| e.to_string())?;
        for (info, mine) in ours.session.outputs().iter().zip(&mine) {
            let at = theirs.session.outputs().iter().position(|out| out.name == info.name);
            let other = &other[at.ok_or("the engines give other outputs")?];
            let (a, b) = (mine.to_f32().unwrap_or_default(), other.to_f32().unwrap_or_default());
            if a.len() != b.len() {
                return Err(format!("output {} has {} and {}", info.name, a.len(), b.len()));
            }
            let step = if mine.dtype.is_integer() { 0.0 } else { range(&b) * 1e-5 };
            same += a.iter().zip(&b).filter(|(a, b)| (*a - *b).abs() <= step).count();
            total += a.len();
        }
    }
    Ok(same as f64 / total.max(1) as f64)
}

fn range(values: &[f32]) -> f32 {
    let ends = values.iter().fold((f32::MAX, f32::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
    (ends.1 - ends.0).max(f32::MIN_POSITIVE)
}
