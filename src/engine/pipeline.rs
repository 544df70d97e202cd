//! What is timed and what is deployed: preprocessing, session, head.

use serde::{Deserialize, Serialize};

use super::prepare::Preparation;
use super::{Engine, EngineError, Kept, LoadOptions, Loaded, Session, Stage, load_kept};
use crate::model::{Head, Image, Preprocess, Tensor};

/// Which output of a model, and what stands before and behind it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PipelineSpec {
    /// How an image becomes the input; none for models that read no image.
    pub preprocess: Option<Preprocess>,
    /// The one output in use; the graph is pruned to it.
    pub output: String,
    /// A linear head on that output.
    pub head: Option<Head>,
    /// Threads; 0 and 1 both mean one.
    pub threads: u16,
}

/// A pipeline whose model was read and not yet optimised.
#[derive(Debug)]
pub struct PipelineLoaded {
    loaded: Box<dyn Loaded>,
    spec: PipelineSpec,
}

/// A pipeline ready to run.
#[derive(Debug)]
pub struct Pipeline {
    session: Box<dyn Session>,
    preparation: Option<Preparation>,
    head: Option<Head>,
}

impl Pipeline {
    /// Reads a model for this use of it.
    ///
    /// # Errors
    /// [`EngineError`] of the engine, or the head's parts do not fit together.
    pub fn load(
        engine: &dyn Engine,
        model: &[u8],
        spec: &PipelineSpec,
    ) -> Result<PipelineLoaded, EngineError> {
        let loaded = engine.load(model, &spec.options()?)?;
        Ok(PipelineLoaded { loaded, spec: spec.clone() })
    }

    /// The same from what was kept of the model where that serves; the second is what to keep
    /// from now on, where that is new.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_kept(
        engine: &dyn Engine,
        model: &[u8],
        spec: &PipelineSpec,
        kept: Kept<'_>,
    ) -> Result<(PipelineLoaded, Option<Vec<u8>>), EngineError> {
        let (loaded, sealed) = load_kept(engine, model, &spec.options()?, kept)?;
        Ok((PipelineLoaded { loaded, spec: spec.clone() }, sealed))
    }

    /// The same for several outputs at once, each as the model gives it; a head is refused.
    ///
    /// # Errors
    /// [`EngineError`] of the engine.
    pub fn load_outputs(
        engine: &dyn Engine,
        model: &[u8],
        spec: &PipelineSpec,
        outputs: &[String],
    ) -> Result<PipelineLoaded, EngineError> {
        if spec.head.is_some() {
            return Err(EngineError::new(Stage::Load, "a head stands on one output"));
        }
        let options = LoadOptions {
            outputs: Some(outputs.to_vec()),
            threads: spec.threads,
            ..LoadOptions::default()
        };
        Ok(PipelineLoaded { loaded: engine.load(model, &options)?, spec: spec.clone() })
    }

    /// One inference on an image: the head's scores, or the output's values where there is
    /// no head. Integer outputs come as the numbers they are, not rescaled: the order of
    /// scores is the same, and a file may leave out the scale.
    ///
    /// # Errors
    /// [`EngineError`] of stage [`Stage::Run`]; the model reads no image, or failed on it.
    pub fn infer(&mut self, image: &Image) -> Result<Vec<f32>, EngineError> {
        let values = self.output(image)?;
        self.headed(values)
    }

    /// The output's values for an image, before any head: what the model itself says.
    ///
    /// # Errors
    /// As [`infer`](Self::infer).
    pub fn output(&mut self, image: &Image) -> Result<Vec<f32>, EngineError> {
        let input = self.prepared(image)?;
        self.output_raw(&[input])
    }

    /// The values of all outputs for an image, in the order asked for.
    ///
    /// # Errors
    /// As [`infer`](Self::infer).
    pub fn outputs(&mut self, image: &Image) -> Result<Vec<Vec<f32>>, EngineError> {
        let input = self.prepared(image)?;
        self.session.run(&[input])?.iter().map(numbers).collect()
    }

    fn prepared(&self, image: &Image) -> Result<Tensor, EngineError> {
        let preparation = self.preparation.as_ref().ok_or_else(|| {
            EngineError::new(Stage::Run, "the model reads no image")
                .help("give it a sidecar with [preprocess]")
        })?;
        preparation.tensor(image)
    }

    /// The same on tensors, in the order of the session's inputs.
    ///
    /// # Errors
    /// [`EngineError`] of stage [`Stage::Run`].
    pub fn infer_raw(&mut self, inputs: &[Tensor]) -> Result<Vec<f32>, EngineError> {
        let values = self.output_raw(inputs)?;
        self.headed(values)
    }

    fn output_raw(&mut self, inputs: &[Tensor]) -> Result<Vec<f32>, EngineError> {
        let outputs = self.session.run(inputs)?;
        let none = || EngineError::new(Stage::Run, "the model gave no output");
        numbers(outputs.first().ok_or_else(none)?)
    }

    fn headed(&self, values: Vec<f32>) -> Result<Vec<f32>, EngineError> {
        match &self.head {
            None => Ok(values),
            Some(head) => scores(head, &values),
        }
    }

    /// The session inside.
    #[must_use]
    pub fn session(&self) -> &dyn Session {
        self.session.as_ref()
    }

    /// The session inside, to run.
    pub fn session_mut(&mut self) -> &mut dyn Session {
        self.session.as_mut()
    }
}

impl PipelineSpec {
    /// How an engine loads the model for this.
    fn options(&self) -> Result<LoadOptions, EngineError> {
        self.head.as_ref().map_or(Ok(()), check_head)?;
        let outputs = Some(vec![self.output.clone()]);
        Ok(LoadOptions { outputs, threads: self.threads, ..LoadOptions::default() })
    }
}

impl PipelineLoaded {
    /// Optimises the model and fits the parts together.
    ///
    /// # Errors
    /// [`EngineError`] of the engine, or the preprocessing does not fit the input.
    pub fn optimise(self) -> Result<Pipeline, EngineError> {
        let Self { loaded, spec } = self;
        let session = loaded.optimise()?;
        let preparation = match (&spec.preprocess, session.inputs()) {
            (None, _) => None,
            (Some(preprocess), [input]) => Some(Preparation::new(preprocess, input)?),
            (Some(_), inputs) => {
                let reason = format!("an image goes to one input, the model has {}", inputs.len());
                return Err(EngineError::new(Stage::Load, reason));
            }
        };
        Ok(Pipeline { session, preparation, head: spec.head })
    }
}

fn numbers(output: &Tensor) -> Result<Vec<f32>, EngineError> {
    output.to_f32().ok_or_else(|| EngineError::new(Stage::Run, "the output holds no numbers"))
}

fn check_head(head: &Head) -> Result<(), EngineError> {
    let labels = head.labels.len();
    let fits =
        head.bias.len() == labels && head.features.checked_mul(labels) == Some(head.weights.len());
    if fits && labels > 0 && head.features > 0 {
        return Ok(());
    }
    let (weights, features) = (head.weights.len(), head.features);
    let reason = format!(
        "a head with {labels} labels, {features} features and {weights} weights does not fit together"
    );
    Err(EngineError::new(Stage::Load, reason).help("fit the head again"))
}

/// `W f + b`.
fn scores(head: &Head, features: &[f32]) -> Result<Vec<f32>, EngineError> {
    if features.len() != head.features {
        let reason =
            format!("the head takes {} features, the model gave {}", head.features, features.len());
        return Err(EngineError::new(Stage::Run, reason).help("fit the head again for this model"));
    }
    let rows = head.weights.chunks(head.features).zip(&head.bias);
    Ok(rows
        .map(|(row, bias)| row.iter().zip(features).map(|(w, f)| w * f).sum::<f32>() + bias)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        Head {
            labels: vec!["a".to_owned(), "b".to_owned()],
            features: 2,
            weights: vec![1.0, 2.0, 3.0, 4.0],
            bias: vec![0.5, -0.5],
        }
    }

    #[test]
    fn the_head_is_linear() {
        assert_eq!(scores(&head(), &[10.0, 100.0]).unwrap(), [210.5, 429.5]);
        assert!(scores(&head(), &[10.0]).is_err());
    }

    #[test]
    fn heads_that_do_not_fit_together_are_refused() {
        assert_eq!(check_head(&head()), Ok(()));
        assert!(check_head(&Head { features: 3, ..head() }).is_err());
        assert!(check_head(&Head { bias: vec![], ..head() }).is_err());
    }
}
