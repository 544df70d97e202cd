//! The worker's side of an observation: run, reduce, answer.

use nalgebra::DMatrix;

use super::observe::{Answer, Observation, Scores};
use super::{Estimate, Evidence, Sample, Undefined, head, wilson};
use crate::base::{Clock, Micros};
use crate::child::{Frames, decode_payload};
use crate::engine::{Engine, Pipeline, PipelineSpec};
use crate::model::{Head, Preprocess, Rejection, Stage};

/// Features of one sample, at most: beyond, neither memory nor time on a board allow it.
const MOST_FEATURES: usize = 4096;

/// Scores features for labels, such as LogME: handed in from a higher floor.
pub type Score<'a> = &'a dyn Fn(&DMatrix<f64>, &[u32]) -> Result<Estimate, Undefined>;

/// Does an `observe` job: sends one answer.
///
/// # Errors
/// When the payload is no observation, or the parent is gone.
pub fn work(
    payload: &[u8],
    engines: &[Box<dyn Engine>],
    clock: &dyn Clock,
    frames: &mut Frames,
    score: Score<'_>,
) -> Result<(), String> {
    let observation: Observation =
        decode_payload(payload).ok_or("no observation in the payload")?;
    let answer = match gather(&observation, engines, clock, score) {
        Ok(evidence) => Answer::Evidence(Box::new(evidence)),
        Err(rejection) => Answer::Refused(rejection),
    };
    frames.send(&answer).map_err(|error| error.to_string())
}

fn gather(
    observation: &Observation,
    engines: &[Box<dyn Engine>],
    clock: &dyn Clock,
    score: Score<'_>,
) -> Result<Evidence, Rejection> {
    let mut engines = engines.iter().map(AsRef::as_ref);
    let engine = engines.find(|engine| engine.name() == observation.engine).ok_or_else(|| {
        refused(format!("no engine {} in this program", observation.engine), None)
    })?;
    let fed = |preprocess| Runner { observation, engine, clock, preprocess }.evidence(score);
    match observation.preprocess.as_slice() {
        [stated] => fed(stated),
        guesses => best_fed(guesses.iter().map(|guess| (guess, fed(guess)))),
    }
}

/// The evidence of the guess that serves best, the first of equals; what a wrong guess
/// does to a model (numbers out of range) is held against it only where all fail.
fn best_fed<'a>(
    tried: impl Iterator<Item = (&'a Preprocess, Result<Evidence, Rejection>)>,
) -> Result<Evidence, Rejection> {
    let accuracy =
        |evidence: &Evidence| evidence.accuracy().map_or(f64::NEG_INFINITY, |found| found.value);
    let mut best: Option<Evidence> = None;
    let mut failure = None;
    for (guess, shown) in tried {
        match shown {
            Ok(shown) if best.as_ref().is_none_or(|best| accuracy(&shown) > accuracy(best)) => {
                best = Some(Evidence { preprocess: Some(guess.clone()), ..shown });
            }
            Ok(_) => {}
            Err(rejection) => failure = failure.or(Some(rejection)),
        }
    }
    let none = || refused("it reads no image".to_owned(), None);
    best.ok_or_else(|| failure.unwrap_or_else(none))
}

/// The model's outputs on all samples.
struct Seen {
    features: DMatrix<f64>,
    forward: Option<Micros>,
}

/// What features are worth.
#[derive(Default)]
struct Shown {
    head_accuracy: Option<Estimate>,
    head: Option<Head>,
    logme: Option<Estimate>,
    undefined: Option<Undefined>,
    forward: Option<Micros>,
}

/// Scores, fits and validates; the first score that is not defined says why.
fn judge(seen: &Seen, observation: &Observation, score: Score<'_>) -> Shown {
    let labels: Vec<u32> = observation.samples.iter().map(|sample| sample.label).collect();
    let logme = score(&seen.features, &labels);
    let accuracy = head::cross_validate(&seen.features, &labels);
    let head = head::fit(&seen.features, &labels, &observation.labels);
    let reasons = [logme.as_ref().err(), accuracy.as_ref().err(), head.as_ref().err()];
    let undefined = reasons.into_iter().flatten().next().cloned();
    Shown {
        undefined,
        logme: logme.ok(),
        head_accuracy: accuracy.ok(),
        head: head.ok(),
        forward: seen.forward,
    }
}

struct Runner<'a> {
    observation: &'a Observation,
    engine: &'a dyn Engine,
    clock: &'a dyn Clock,
    preprocess: &'a Preprocess,
}

impl Runner<'_> {
    /// All that the samples tell when they are fed in this way.
    fn evidence(&self, score: Score<'_>) -> Result<Evidence, Rejection> {
        let observation = self.observation;
        let own_accuracy =
            observation.scores.as_ref().map(|scores| self.own_accuracy(scores)).transpose()?;
        let shown = match &observation.features {
            Some(output) => self.features(output).map(|seen| judge(&seen, observation, score))?,
            None => Shown {
                undefined: Some(Undefined("it gives no features".to_owned())),
                ..Shown::default()
            },
        };
        Ok(Evidence {
            id: observation.id.clone(),
            sha256: observation.sha256,
            task: observation.task,
            own_accuracy,
            head_accuracy: shown.head_accuracy,
            head: shown.head,
            logme: shown.logme,
            preprocess: None,
            undefined: shown.undefined,
            forward: shown.forward,
        })
    }

    fn features(&self, output: &str) -> Result<Seen, Rejection> {
        let mut pipeline = self.pipeline(output)?;
        let started = self.clock.now();
        let mut values: Vec<f64> = Vec::new();
        let mut size = 0;
        for (at, sample) in self.observation.samples.iter().enumerate() {
            let row = self.run(&mut pipeline, at, sample)?;
            if at == 0 {
                size = row.len();
                self.check_size(size)?;
            }
            if row.len() != size {
                return Err(self.fault(at, &format!("{} features instead of {size}", row.len())));
            }
            values.extend(row.iter().map(|value| f64::from(*value)));
        }
        let count = self.observation.samples.len();
        let spent = self.clock.now().saturating_sub(started);
        let forward = (count > 0).then(|| Micros(Micros::from_duration(spent).0 / count as f64));
        Ok(Seen { features: DMatrix::from_row_slice(count, size, &values), forward })
    }

    fn own_accuracy(&self, scores: &Scores) -> Result<Estimate, Rejection> {
        let mut pipeline = self.pipeline(&scores.output)?;
        let mut right = 0usize;
        for (at, sample) in self.observation.samples.iter().enumerate() {
            let row = self.run(&mut pipeline, at, sample)?;
            if row.len() != scores.labels.len() {
                let labels = scores.labels.len();
                return Err(self.fault(at, &format!("{} scores for {labels} labels", row.len())));
            }
            right += usize::from(scores.labels.get(best(&row)) == Some(&sample.label));
        }
        Ok(wilson(right as f64, self.observation.samples.len() as f64))
    }

    fn pipeline(&self, output: &str) -> Result<Pipeline, Rejection> {
        let spec = PipelineSpec {
            preprocess: Some(self.preprocess.clone()),
            output: output.to_owned(),
            head: None,
            threads: self.observation.threads,
        };
        let loaded = Pipeline::load(self.engine, &self.observation.model, &spec);
        Ok(loaded.and_then(|loaded| loaded.optimise())?)
    }

    /// One sample through the model; what is not finite is refused by name.
    fn run(
        &self,
        pipeline: &mut Pipeline,
        at: usize,
        sample: &Sample,
    ) -> Result<Vec<f32>, Rejection> {
        let row = pipeline.infer(&sample.image)?;
        match row.iter().position(|value| !value.is_finite()) {
            Some(index) => Err(self.fault(at, &format!("output {index} is not finite"))),
            None => Ok(row),
        }
    }

    fn check_size(&self, size: usize) -> Result<(), Rejection> {
        if (1..=MOST_FEATURES).contains(&size) {
            return Ok(());
        }
        let reason = format!("{size} features; between 1 and {MOST_FEATURES} can be used");
        Err(refused(reason, Some("name an output after the pooling as `features` in its sidecar")))
    }

    fn fault(&self, at: usize, what: &str) -> Rejection {
        let label = self.observation.samples.get(at).map_or(0, |sample| sample.label as usize);
        let label = self.observation.labels.get(label).map_or("?", String::as_str);
        let id = &self.observation.id;
        refused(format!("{id}, sample {at} ({label}): {what}"), None)
    }
}

fn refused(reason: String, help: Option<&str>) -> Rejection {
    Rejection { stage: Stage::Observe, reason, help: help.map(str::to_owned) }
}

/// Index of the highest score; the first of equals.
fn best(scores: &[f32]) -> usize {
    let mut best = (0, f32::NEG_INFINITY);
    for (at, score) in scores.iter().enumerate() {
        if *score > best.1 {
            best = (at, *score);
        }
    }
    best.0
}
