//! Tables of tasks: how good each model is on held-out images, what the scores say of it, and
//! the prototypes of the classes.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use umbra::model::npz::write_npz;
use umbra::model::{Candidate, Tensor, extractor};
use umbra::task::tokens::TaskTokens;

use super::{CollectError, Written, candidates, cell, table};
use crate::progress::note;
use crate::ranker::{FORM, SHOTS};

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Tables {
    /// By task and number of samples: of each model the accuracy and the three scores.
    figures: BTreeMap<(String, u64), Vec<[String; 5]>>,
    tokens: BTreeMap<String, TaskTokens>,
}

impl Tables {
    pub(super) fn is_empty(&self) -> bool {
        self.figures.is_empty()
    }

    /// A file of tokens; of the extractor that ships, or they would compare with nothing.
    pub(super) fn tokens(&mut self, path: &Path, found: TaskTokens) -> Result<(), CollectError> {
        found
            .made_by(extractor().sha256)
            .map_err(|source| CollectError::Tokens { path: path.to_owned(), source })?;
        self.tokens.insert(found.name.clone(), found);
        Ok(())
    }

    /// What `umbra eval` printed.
    pub(super) fn add(
        &mut self,
        zoo: &[Candidate],
        path: &Path,
        document: &Value,
    ) -> Result<(), CollectError> {
        let task = document.get("task").and_then(Value::as_str).unwrap_or_default();
        let samples = document.get("samples").and_then(Value::as_u64).unwrap_or(0);
        let rows = candidates(zoo, path, document)?;
        let figures = rows.into_iter().filter_map(|(model, row)| {
            let [truth, logme, hscore, nce] =
                ["/truth", "/logme", "/hscore", "/nce"].map(|key| cell(row, key));
            (!truth.is_empty()).then(|| [model.id.clone(), truth, logme, hscore, nce])
        });
        self.figures.insert((task.to_owned(), samples), figures.collect());
        Ok(())
    }

    /// The tables.
    pub(super) fn finish(self) -> Result<Vec<Written>, CollectError> {
        let (mut probe, mut scores, mut arrays) = (Vec::new(), Vec::new(), BTreeMap::new());
        for ((task, samples), rows) in &self.figures {
            let tokens =
                self.tokens.get(task).ok_or_else(|| CollectError::NoTokens(task.clone()))?;
            arrays.insert(task.clone(), prototypes(tokens));
            // A class may be a little short of the others.
            let shots = (*samples as f64 / tokens.classes.len().max(1) as f64).round();
            if !SHOTS.iter().any(|known| known.parse() == Ok(shots)) {
                note(&format!(
                    "{task}: {shots} samples a class are not learned from, only {SHOTS:?}"
                ));
            }
            for [model, truth, logme, hscore, nce] in rows {
                let place = [model, task, FORM].map(str::to_owned);
                probe.push([place.as_slice(), std::slice::from_ref(truth)].concat());
                let of_samples = [shots.to_string(), logme.clone(), hscore.clone(), nce.clone()];
                scores.push([place.as_slice(), &of_samples].concat());
            }
        }
        let columns = ["backbone", "task", "form", "shots", "logme", "hscore-shrunk", "nce"];
        Ok(vec![
            table("probe.csv", &["backbone", "task", "form", "accuracy"], &probe)?,
            table("scores.csv", &columns, &scores)?,
            ("tokens.npz", write_npz(&arrays)?, arrays.len()),
        ])
    }
}

/// A row for each class.
fn prototypes(tokens: &TaskTokens) -> Tensor {
    let values: Vec<f32> =
        tokens.classes.iter().flat_map(|class| class.prototype.iter().copied()).collect();
    Tensor::from_f32(vec![tokens.classes.len(), tokens.features as usize], &values)
}
