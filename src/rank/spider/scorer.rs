//! A ranker's file at work.

use super::{HARDWARE, Hardware, Portrait, VIEWS, WIDTH};
use crate::engine::{self, Engine, EngineError, LoadOptions};
use crate::model::{Stage, Tensor};

/// Names of the inputs and the output of a ranker's file.
pub mod names {
    /// Portraits, models x [`WIDTH`](super::WIDTH).
    pub const PORTRAITS: &str = "portraits";
    /// Views of the scores, models x [`VIEWS`](super::VIEWS).
    pub const VIEWS: &str = "views";
    /// Prototypes, classes x the extractor's features.
    pub const CLASSES: &str = "classes";
    /// The board, 1 x [`HARDWARE`](super::HARDWARE); only of a ranker that knows boards.
    pub const HARDWARE: &str = "hardware";
    /// A score for each model, higher being better.
    pub const SCORES: &str = "scores";
}

/// What a ranker is asked: which of these models for this task?
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// The models.
    pub portraits: &'a [Portrait],
    /// What the samples' scores say of each.
    pub views: &'a [[f32; VIEWS]],
    /// A prototype for each class of the task, all of one length.
    pub classes: &'a [Vec<f32>],
    /// The board, for a ranker that knows boards; one that does not never looks at it.
    pub hardware: &'a Hardware,
}

/// A ranker.
#[derive(Debug, Clone, Copy)]
pub struct Scorer<'a> {
    model: &'a [u8],
    engine: &'a dyn Engine,
}

impl<'a> Scorer<'a> {
    /// From a validated ranker's file, run by the first engine of the house that can.
    ///
    /// # Errors
    /// [`EngineError`]: no engine runs it.
    pub fn new(model: &'a [u8], engines: &'a [Box<dyn Engine>]) -> Result<Self, EngineError> {
        Ok(Self { model, engine: engine::choose(engines, model)? })
    }

    /// A score for each model, higher being better. Only differences mean anything.
    ///
    /// # Errors
    /// [`EngineError`]: the question has no model or no class, does not fit the file, or the file failed
    /// on it.
    pub fn scores(&self, question: &Question<'_>) -> Result<Vec<f64>, EngineError> {
        let (models, classes) = (question.portraits.len(), question.classes.len());
        let features = question.classes.first().map_or(0, Vec::len);
        if models == 0 || features == 0 || question.views.len() != models {
            return Err(EngineError::new(Stage::Run, "a ranker needs models and classes"));
        }
        let inputs = [
            (names::PORTRAITS, [models, WIDTH], question.portraits.concat()),
            (names::VIEWS, [models, VIEWS], question.views.concat()),
            (names::CLASSES, [classes, features], question.classes.concat()),
            (names::HARDWARE, [1, HARDWARE], question.hardware.to_vec()),
        ];
        let options = LoadOptions {
            outputs: Some(vec![names::SCORES.to_owned()]),
            input_shapes: inputs
                .iter()
                .map(|(name, shape, _)| ((*name).to_owned(), shape.to_vec()))
                .collect(),
            threads: 1,
        };
        let mut session = self.engine.load(self.model, &options)?.optimise()?;
        let order: Vec<Tensor> = session
            .inputs()
            .iter()
            .filter_map(|wanted| inputs.iter().find(|(name, ..)| *name == wanted.name))
            .map(|(_, shape, values)| Tensor::from_f32(shape.to_vec(), values))
            .collect();
        let outputs = session.run(&order)?;
        let scores = outputs.first().and_then(Tensor::to_f32).unwrap_or_default();
        if scores.len() != models || scores.iter().any(|score| !score.is_finite()) {
            return Err(EngineError::new(Stage::Run, "the ranker gave no score for some model"));
        }
        Ok(scores.into_iter().map(f64::from).collect())
    }
}
