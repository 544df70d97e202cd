//! From a task's samples to its tokens.

use super::{ClassToken, TaskTokens, TokenError};
use crate::engine::{self, Engine, Pipeline, PipelineSpec};
use crate::model::Candidate;
use crate::task::{Task, TaskKind};

/// The tokens of a task: every sample through the extractor once, in this process.
///
/// # Errors
/// [`TokenError`]: the extractor does not run here, or a class has no sample.
pub fn build(
    task: &Task,
    extractor: &Candidate,
    engines: &[Box<dyn Engine>],
) -> Result<TaskTokens, TokenError> {
    if task.kind() != TaskKind::Classification {
        return Err(TokenError::NoClasses);
    }
    let mut pipeline = pipeline(extractor, engines)?;
    let mut sums: Vec<Sum> = task.labels.iter().map(|_| Sum::default()).collect();
    for sample in &task.samples {
        let features = pipeline.output(&sample.image).map_err(failed)?;
        if let Some(sum) = sums.get_mut(sample.label as usize) {
            sum.add(&features);
        }
    }
    let classes: Vec<ClassToken> =
        task.labels.iter().zip(sums).map(|(name, sum)| sum.token(name)).collect();
    let features = classes.first().map_or(0, |class| class.prototype.len() as u32);
    let tokens = TaskTokens {
        kind: TaskKind::Classification,
        name: task.name.clone(),
        task: task.digest,
        extractor: extractor.sha256,
        features,
        classes,
    };
    tokens.check()?;
    Ok(tokens)
}

fn pipeline(extractor: &Candidate, engines: &[Box<dyn Engine>]) -> Result<Pipeline, TokenError> {
    let model = extractor.read().map_err(|rejection| TokenError::Extractor(rejection.reason))?;
    let none = || TokenError::Extractor("its sidecar names no features".to_owned());
    let spec = PipelineSpec {
        preprocess: extractor.preprocess(),
        output: extractor.output_for_features().ok_or_else(none)?,
        head: None,
        threads: 1,
    };
    let engine = engine::choose(engines, &model).map_err(failed)?;
    let loaded = Pipeline::load(engine, &model, &spec).map_err(failed)?;
    loaded.optimise().map_err(failed)
}

fn failed(error: engine::EngineError) -> TokenError {
    TokenError::Extractor(error.to_string())
}

/// The features of one class so far, each of length 1.
#[derive(Default)]
struct Sum {
    samples: u32,
    values: Vec<f64>,
}

impl Sum {
    /// Adds a feature vector; one of zeros stays one.
    fn add(&mut self, features: &[f32]) {
        let squares = features.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>();
        let scale = if squares > 0.0 { 1.0 / squares.sqrt() } else { 0.0 };
        self.values.resize(features.len(), 0.0);
        for (sum, value) in self.values.iter_mut().zip(features) {
            *sum += f64::from(*value) * scale;
        }
        self.samples += 1;
    }

    fn token(self, name: &str) -> ClassToken {
        let samples = f64::from(self.samples.max(1));
        let prototype = self.values.iter().map(|sum| (sum / samples) as f32).collect();
        ClassToken { name: name.to_owned(), samples: self.samples, prototype }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prototype_is_the_mean_of_unit_vectors() {
        let mut sum = Sum::default();
        sum.add(&[3.0, 0.0]);
        sum.add(&[0.0, 0.1]);
        sum.add(&[0.0, 0.0]);
        let token = sum.token("a");
        assert_eq!((token.samples, token.prototype.len()), (3, 2));
        assert!(token.prototype.iter().all(|value| (value - 1.0 / 3.0).abs() < 1e-6));
    }
}
