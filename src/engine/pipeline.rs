//! Stand-in until the room is built: preprocessing, session, head.

use serde::{Deserialize, Serialize};

use super::{Engine, EngineError, LoadOptions, Loaded, Session};
use crate::model::{Dtype, Head, Image, Layout, Preprocess, Tensor};

/// What to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PipelineSpec {
    /// How an image becomes the input.
    pub preprocess: Option<Preprocess>,
    /// The output in use.
    pub output: String,
    /// What is applied to it.
    pub head: Option<Head>,
    /// Threads.
    pub threads: u16,
}

/// Read, not optimised.
#[derive(Debug)]
pub struct PipelineLoaded {
    loaded: Box<dyn Loaded>,
    spec: PipelineSpec,
}

/// Ready to run.
#[derive(Debug)]
pub struct Pipeline {
    session: Box<dyn Session>,
    spec: PipelineSpec,
}

impl PipelineLoaded {
    /// Optimises it.
    ///
    /// # Errors
    /// What the engine says.
    pub fn optimise(self) -> Result<Pipeline, EngineError> {
        Ok(Pipeline { session: self.loaded.optimise()?, spec: self.spec })
    }
}

impl Pipeline {
    /// Reads a model.
    ///
    /// # Errors
    /// What the engine says.
    pub fn load(
        engine: &dyn Engine,
        model: &[u8],
        spec: &PipelineSpec,
    ) -> Result<PipelineLoaded, EngineError> {
        let options = LoadOptions {
            outputs: Some(vec![spec.output.clone()]),
            threads: spec.threads,
            ..LoadOptions::default()
        };
        Ok(PipelineLoaded { loaded: engine.load(model, &options)?, spec: spec.clone() })
    }

    /// An image through it.
    ///
    /// # Errors
    /// What the engine says.
    pub fn infer(&mut self, image: &Image) -> Result<Vec<f32>, EngineError> {
        let Some(preprocess) = self.spec.preprocess.as_ref() else { return Ok(Vec::new()) };
        let tensor = tensor_of(image, preprocess);
        self.infer_raw(&[tensor])
    }

    /// Tensors through it.
    ///
    /// # Errors
    /// What the engine says.
    pub fn infer_raw(&mut self, inputs: &[Tensor]) -> Result<Vec<f32>, EngineError> {
        let outputs = self.session.run(inputs)?;
        let values = outputs.first().map(floats).unwrap_or_default();
        Ok(match &self.spec.head {
            None => values,
            Some(head) => head
                .weights
                .chunks(head.features.max(1))
                .zip(&head.bias)
                .map(|(row, bias)| row.iter().zip(&values).map(|(w, f)| w * f).sum::<f32>() + bias)
                .collect(),
        })
    }

    /// What runs.
    #[must_use]
    pub fn session(&self) -> &dyn Session {
        &*self.session
    }
}

fn floats(tensor: &Tensor) -> Vec<f32> {
    debug_assert_eq!(tensor.dtype, Dtype::Float32);
    tensor.data.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

fn tensor_of(image: &Image, spec: &Preprocess) -> Tensor {
    let (h, w, c) = (spec.height as usize, spec.width as usize, spec.channels as usize);
    let at = |y: usize, x: usize, k: usize| {
        let pixel = image.pixels.get((y * w + x) * c + k).copied().unwrap_or(0);
        let mean = spec.mean.get(k).copied().unwrap_or(0.0);
        (f32::from(pixel) - mean) / spec.std.get(k).copied().unwrap_or(1.0)
    };
    let mut values = Vec::with_capacity(h * w * c);
    match spec.layout {
        Layout::Nchw => {
            (0..c).for_each(|k| {
                (0..h).for_each(|y| (0..w).for_each(|x| values.push(at(y, x, k))));
            });
            Tensor::from_f32(vec![1, c, h, w], &values)
        }
        Layout::Nhwc => {
            (0..h).for_each(|y| {
                (0..w).for_each(|x| (0..c).for_each(|k| values.push(at(y, x, k))));
            });
            Tensor::from_f32(vec![1, h, w, c], &values)
        }
    }
}
