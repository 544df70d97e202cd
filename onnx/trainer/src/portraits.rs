//! `portraits`: what the ranker knows of each model of a folder, as a table.

use std::path::PathBuf;

use clap::Args;
use umbra::engine::{self, Engine};
use umbra::model::{self, Candidate};
use umbra::rank::spider::{Portrait, portrait};
use umbra::task::behaviour::behaviour;

use crate::progress::Progress;
use crate::work;

/// Run the reference images through every model of a folder, and print the table of portraits.
#[derive(Debug, Args)]
pub(crate) struct Portraits {
    /// Folder of ONNX files with sidecars.
    folder: PathBuf,
}

/// Why there are no portraits.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PortraitError {
    /// The folder.
    #[error(transparent)]
    Zoo(#[from] model::ModelError),
    /// One model.
    #[error("{id}: {reason}")]
    Model {
        /// Which one.
        id: String,
        /// Why it has none.
        reason: String,
    },
}

impl Portraits {
    pub(crate) fn run(&self) -> Result<String, PortraitError> {
        table(&self.folder)
    }
}

/// A row for each model of a folder.
pub(crate) fn table(folder: &PathBuf) -> Result<String, PortraitError> {
    let candidates = model::open(std::slice::from_ref(folder))?;
    let engines = engine::available();
    let mut progress = Progress::new("portraits", candidates.len());
    let mut text = String::from("model,portrait,bytes,memory,work\n");
    for candidate in &candidates {
        let numbers = of(&engines, candidate)?.map(|number| number.to_string()).join(" ");
        let [bytes, memory] = [candidate.bytes, memory(candidate)];
        let work = candidate.card.as_ref().map(|card| work::text(&card.work)).unwrap_or_default();
        text += &format!("{},{numbers},{bytes},{memory},{work}\n", candidate.id);
        progress.step();
    }
    Ok(text)
}

fn of(engines: &[Box<dyn Engine>], candidate: &Candidate) -> Result<Portrait, PortraitError> {
    let refuse = |reason: String| PortraitError::Model { id: candidate.id.clone(), reason };
    let model = candidate.read().map_err(|rejection| refuse(rejection.reason))?;
    let engine = engine::choose(engines, &model).map_err(|error| refuse(error.to_string()))?;
    let preprocess =
        candidate.preprocess().ok_or_else(|| refuse("it reads no image".to_owned()))?;
    let none = || refuse("it gives no features".to_owned());
    let features = candidate.output_for_features().ok_or_else(none)?;
    let found = behaviour(engine, &model, &preprocess, &features);
    let found = found.map_err(|error| refuse(error.to_string()))?;
    portrait(candidate, &found).ok_or_else(none)
}

/// Bytes that it needs at least: weights and activations.
fn memory(candidate: &Candidate) -> u64 {
    let Some(card) = &candidate.card else { return 0 };
    let weights = card.weight_bytes.values().fold(0_u64, |sum, bytes| sum.saturating_add(*bytes));
    weights.saturating_add(card.peak_activation_bytes.unwrap_or(0))
}
