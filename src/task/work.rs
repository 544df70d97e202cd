//! The worker's side of an observation: run, reduce, answer.

use nalgebra::DMatrix;

use super::head::{self, TargetFit};
use super::observe::{Answer, Observation};
use super::{Estimate, Evidence, Given, Sample, Score, Undefined, wilson};
use crate::base::{Clock, Micros};
use crate::child::{Frames, decode_payload};
use crate::engine::{Engine, Pipeline, PipelineSpec};
use crate::model::{Head, Preprocess, Rejection, Stage};

/// Features of one sample, at most: beyond, neither memory nor time on a board allow it.
const MOST_FEATURES: usize = 4096;

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
    let merit = |evidence: &Evidence| evidence.merit().unwrap_or(f64::NEG_INFINITY);
    let mut best: Option<Evidence> = None;
    let mut failure = None;
    for (guess, shown) in tried {
        match shown {
            Ok(shown) if best.as_ref().is_none_or(|best| merit(&shown) > merit(best)) => {
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
    features: Option<DMatrix<f64>>,
    /// The source class with the highest score, or why none is known.
    named: Result<Vec<u32>, Undefined>,
    forward: Option<Micros>,
}

/// What a head on the features is worth, and the head.
struct Headed {
    accuracy: Result<Estimate, Undefined>,
    fit: Result<TargetFit, Undefined>,
    head: Result<Head, Undefined>,
}

impl Headed {
    /// None at all, for one reason.
    fn none(why: Undefined) -> Self {
        Self { accuracy: Err(why.clone()), fit: Err(why.clone()), head: Err(why) }
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
        let labels: Vec<u32> = observation.samples.iter().map(|sample| sample.label).collect();
        let seen = self.seen()?;
        let features = seen.features.as_ref();
        let named = seen.named.as_deref();
        let targets = observation.targets.as_slice();
        let mut scores = score(&Given { features, named: named.ok(), labels: &labels, targets });
        if let Err(why) = named {
            scores.nce = Err(why.clone());
        }
        let features = || features.ok_or_else(|| Undefined("it gives no features".to_owned()));
        let Headed { accuracy: head_accuracy, fit, head } =
            features().map_or_else(Headed::none, |of| self.headed(of, &labels));
        let logme = scores.logme.as_ref().err();
        // The first that is not defined says why.
        let asked =
            if targets.is_empty() { head_accuracy.as_ref().err() } else { fit.as_ref().err() };
        let reasons = [logme, asked, head.as_ref().err()];
        let undefined = reasons.into_iter().flatten().next().cloned();
        Ok(Evidence {
            id: observation.id.clone(),
            sha256: observation.sha256,
            task: observation.task,
            own_accuracy: named.ok().and_then(|named| self.own_accuracy(named, &labels)),
            undefined,
            head_accuracy: head_accuracy.ok(),
            fit: fit.ok(),
            head: head.ok(),
            scores,
            preprocess: None,
            forward: seen.forward,
        })
    }

    /// The head that the task asks for, of labels or of a real target.
    fn headed(&self, features: &DMatrix<f64>, labels: &[u32]) -> Headed {
        let Observation { labels: names, targets, .. } = self.observation;
        if targets.is_empty() {
            return Headed {
                accuracy: head::cross_validate(features, labels),
                fit: Err(Undefined("labels, not real targets".to_owned())),
                head: head::fit(features, labels, names),
            };
        }
        let name = names.first().map_or("", String::as_str);
        Headed {
            accuracy: Err(Undefined("real targets, not labels".to_owned())),
            fit: head::cross_validate_target(features, targets),
            head: head::fit_target(features, targets, name),
        }
    }

    /// Every sample through the model once. Scores of labels that are not the task's are worth
    /// having and worth no candidate: where they fail, the features are taken alone.
    fn seen(&self) -> Result<Seen, Rejection> {
        let Observation { features, scores, own, .. } = self.observation;
        match (self.look(features.as_ref(), scores.as_ref()), features) {
            (Err(failed), Some(features)) if scores.is_some() && own.is_none() => {
                let why = format!("its own scores are of no use: {}", failed.reason);
                Ok(Seen { named: Err(Undefined(why)), ..self.look(Some(features), None)? })
            }
            (seen, _) => seen,
        }
    }

    fn look(&self, features: Option<&String>, scores: Option<&String>) -> Result<Seen, Rejection> {
        let outputs: Vec<String> = features.into_iter().chain(scores).cloned().collect();
        let mut pipeline = self.pipeline(&outputs)?;
        let (mut values, mut named) = (Vec::new(), Vec::new());
        let mut sizes = vec![0; outputs.len()];
        let started = self.clock.now();
        for (at, sample) in self.observation.samples.iter().enumerate() {
            let mut rows = self.run(&mut pipeline, at, sample, &mut sizes)?.into_iter();
            if features.is_some() {
                let row = rows.next().unwrap_or_default();
                self.check_size(row.len())?;
                values.extend(row.into_iter().map(f64::from));
            }
            if let Some(row) = rows.next() {
                self.check_own(at, row.len())?;
                named.push(u32::try_from(best(&row)).unwrap_or(u32::MAX));
            }
        }
        let count = self.observation.samples.len();
        let spent = self.clock.now().saturating_sub(started);
        let forward = (count > 0).then(|| Micros(Micros::from_duration(spent).0 / count as f64));
        let size = values.len() / count.max(1);
        let no_head = || Undefined("it has no scores of its own".to_owned());
        Ok(Seen {
            features: features.map(|_| DMatrix::from_row_slice(count, size, &values)),
            named: scores.map(|_| named).ok_or_else(no_head),
            forward,
        })
    }

    /// Accuracy of the classes it names, where they are the task's.
    fn own_accuracy(&self, named: &[u32], labels: &[u32]) -> Option<Estimate> {
        let own = self.observation.own.as_ref()?;
        let is_right = |(named, label): &(&u32, &u32)| {
            own.get(**named as usize).is_some_and(|own| own == *label)
        };
        let right = named.iter().zip(labels).filter(is_right).count();
        Some(wilson(right as f64, labels.len() as f64))
    }

    fn pipeline(&self, outputs: &[String]) -> Result<Pipeline, Rejection> {
        let spec = PipelineSpec {
            preprocess: Some(self.preprocess.clone()),
            output: outputs.first().cloned().unwrap_or_default(),
            head: None,
            threads: self.observation.threads,
        };
        let model = &self.observation.model;
        let loaded = Pipeline::load_outputs(self.engine, model, &spec, outputs);
        Ok(loaded.and_then(|loaded| loaded.optimise())?)
    }

    /// One sample through the model; what is not finite, or of another size than before, is
    /// refused by name.
    fn run(
        &self,
        pipeline: &mut Pipeline,
        at: usize,
        sample: &Sample,
        sizes: &mut [usize],
    ) -> Result<Vec<Vec<f32>>, Rejection> {
        let rows = pipeline.outputs(&sample.image)?;
        if rows.len() != sizes.len() {
            return Err(self.fault(at, &format!("{} outputs of {}", rows.len(), sizes.len())));
        }
        for (row, size) in rows.iter().zip(sizes) {
            if let Some(index) = row.iter().position(|value| !value.is_finite()) {
                return Err(self.fault(at, &format!("output {index} is not finite")));
            }
            if at > 0 && row.len() != *size {
                return Err(self.fault(at, &format!("{} values instead of {size}", row.len())));
            }
            *size = row.len();
        }
        Ok(rows)
    }

    fn check_own(&self, at: usize, scores: usize) -> Result<(), Rejection> {
        match &self.observation.own {
            Some(own) if own.len() != scores => {
                Err(self.fault(at, &format!("{scores} scores for {} labels", own.len())))
            }
            _ => Ok(()),
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
