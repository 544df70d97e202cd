//! A ranker's file at work.

use super::{CLASS, Class, HARDWARE, Hardware, Portrait, VIEWS, WIDTH};
use crate::engine::{self, Engine, EngineError, LoadOptions, Session};
use crate::model::{Stage, Tensor};

/// Names of the inputs and the output of a ranker's file.
pub mod names {
    /// Portraits, models x [`WIDTH`](super::WIDTH).
    pub const PORTRAITS: &str = "portraits";
    /// Views of the scores, models x [`VIEWS`](super::VIEWS).
    pub const VIEWS: &str = "views";
    /// Classes of the task, classes x [`CLASS`](super::CLASS).
    pub const CLASSES: &str = "classes";
    /// The board, 1 x [`HARDWARE`](super::HARDWARE); only of a ranker that knows boards.
    pub const HARDWARE: &str = "hardware";
    /// A score for each model, higher being better.
    pub const SCORES: &str = "scores";
}

/// What a ranker is asked: which of these models for this task?
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The models.
    pub portraits: &'a [Portrait],
    /// What the samples' scores say of each.
    pub views: &'a [[f32; VIEWS]],
    /// The classes of the task.
    pub classes: &'a [Class],
    /// The board, for a ranker that knows boards; one that does not never looks at it.
    pub hardware: &'a Hardware,
}

/// A ranker ready for questions of one size.
#[derive(Debug)]
pub struct Scorer {
    session: Box<dyn Session>,
    models: usize,
    classes: usize,
}

impl Scorer {
    /// Loads a validated ranker's file for so many models and classes, on the first engine of the
    /// house that runs it.
    ///
    /// # Errors
    /// [`EngineError`]: there is nothing to compare, or no engine runs the file.
    pub fn new(
        file: &[u8],
        engines: &[Box<dyn Engine>],
        models: usize,
        classes: usize,
    ) -> Result<Self, EngineError> {
        if models == 0 || classes == 0 {
            return Err(EngineError::new(Stage::Load, "a ranker needs models and classes"));
        }
        let sizes = [
            (names::PORTRAITS, [models, WIDTH]),
            (names::VIEWS, [models, VIEWS]),
            (names::CLASSES, [classes, CLASS]),
            (names::HARDWARE, [1, HARDWARE]),
        ];
        let options = LoadOptions {
            outputs: Some(vec![names::SCORES.to_owned()]),
            input_shapes: sizes.map(|(name, size)| (name.to_owned(), size.to_vec())).to_vec(),
            threads: 1,
        };
        let session = engine::choose(engines, file)?.load(file, &options)?.optimise()?;
        Ok(Self { session, models, classes })
    }

    /// A score for each model, higher being better. Only differences mean anything.
    ///
    /// # Errors
    /// [`EngineError`]: the question is of another size, or the file failed on it.
    pub fn scores(&mut self, question: &Question<'_>) -> Result<Vec<f64>, EngineError> {
        let Question { portraits, views, classes, hardware } = question;
        let sizes = (portraits.len(), views.len(), classes.len());
        if sizes != (self.models, self.models, self.classes) {
            return Err(EngineError::new(Stage::Run, "a question of another size"));
        }
        let inputs: Vec<Tensor> = self
            .session
            .inputs()
            .iter()
            .filter_map(|wanted| match wanted.name.as_str() {
                names::PORTRAITS => Some(rows(portraits)),
                names::VIEWS => Some(rows(views)),
                names::CLASSES => Some(rows(classes)),
                names::HARDWARE => Some(rows(std::slice::from_ref(*hardware))),
                _ => None,
            })
            .collect();
        let outputs = self.session.run(&inputs)?;
        let scores = outputs.first().and_then(Tensor::to_f32).unwrap_or_default();
        if scores.len() != self.models || scores.iter().any(|score| !score.is_finite()) {
            return Err(EngineError::new(Stage::Run, "the ranker gave no score for some model"));
        }
        Ok(scores.into_iter().map(f64::from).collect())
    }
}

fn rows<const N: usize>(rows: &[[f32; N]]) -> Tensor {
    Tensor::from_f32(vec![rows.len(), N], rows.as_flattened())
}
