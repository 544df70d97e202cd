//! Judging on the models that ship, which had no part in the study: as `umbra eval --json` measured them, one
//! file a dataset, by rankers that have seen neither them nor the dataset.

use std::path::{Path, PathBuf};

use serde_json::Value;
use umbra::model::{self, Candidate, ModelError};
use umbra::rank::relevance::Kin;
use umbra::rank::spider::{HARDWARE, Portrait, VIEWS, Viewed, portrait, stated, views};
use umbra::task::Targets;

use super::error::TrainError;
use super::facts::{Facts, Task};
use super::fit::{Recipe, fit, predict};
use super::judge::{Judged, agreement, mean, mean_rank, plain};

/// Why a file says nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShippedError {
    /// There are no models.
    #[error(transparent)]
    Zoo(#[from] ModelError),
    /// It cannot be read.
    #[error("{path}: {source}")]
    Open {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is not what `umbra eval --json` prints, of a dataset that is known.
    #[error("{path} is not `umbra eval --json` of a dataset of the facts, called DATASET-*.json")]
    Unknown {
        /// Which one.
        path: PathBuf,
    },
}

/// The models that ship, as facts without tasks.
pub(crate) fn models(zoo: &Path) -> Result<Facts, ShippedError> {
    let zoo = model::open(&[zoo.to_owned()])?;
    let known = zoo.iter().filter_map(|of| Some((of, portrait(of, &stated(of)?)?)));
    let (zoo, portraits): (Vec<&Candidate>, Vec<Portrait>) = known.unzip();
    Ok(Facts {
        models: zoo.iter().map(|of| of.id.clone()).collect(),
        portraits: portraits.iter().map(|portrait| portrait.to_vec()).collect(),
        kin: zoo.iter().map(|of| Kin::of(of)).collect(),
        costs: Vec::new(),
        tasks: Vec::new(),
        boards: Vec::new(),
    })
}

/// Judges ways on files; candidates that were trained on a file's own dataset take part or not.
pub(crate) fn judged(
    facts: &Facts,
    models: &Facts,
    files: &[PathBuf],
    recipe: &Recipe,
    everybody: bool,
) -> Result<Vec<Judged>, TrainError> {
    let mut shipped = models.clone();
    for path in files {
        let unknown = || ShippedError::Unknown { path: path.clone() };
        let task = task(facts, &shipped, path, everybody)?.ok_or_else(unknown)?;
        shipped.tasks.push(task);
    }
    let (mut seen, mut unseen) = (Vec::new(), Vec::new());
    for task in &shipped.tasks {
        let rest: Vec<&Task> =
            facts.tasks.iter().filter(|known| known.dataset != task.dataset).collect();
        let fitted = fit(facts, &rest, recipe, 0)?;
        for (judged, samples) in [(&mut seen, true), (&mut unseen, false)] {
            let scores = predict(&shipped, &[task], &fitted, samples)?.concat();
            judged.push(agreement(task, &scores));
        }
    }
    let logme = |task: &Task| -> Vec<f64> {
        task.scores.iter().map(|[logme, ..]| logme.unwrap_or(f64::MIN)).collect()
    };
    Ok(vec![
        plain(&shipped, "LogME", logme),
        plain(&shipped, "mean rank of the three", mean_rank),
        Judged { name: "Spider".to_owned(), datasets: in_order(&shipped, &seen) },
        Judged { name: "Spider; no sample seen".to_owned(), datasets: in_order(&shipped, &unseen) },
    ])
}

/// Figures of tasks as means of their datasets, in the order of these names.
fn in_order(facts: &Facts, figures: &[[f64; 3]]) -> Vec<[f64; 3]> {
    let of = |dataset: &String| -> Vec<[f64; 3]> {
        let own = facts.tasks.iter().zip(figures).filter(|(task, _)| task.dataset == *dataset);
        own.map(|(_, figures)| *figures).collect()
    };
    facts.datasets().iter().map(|dataset| mean(&of(dataset))).collect()
}

/// A file as a task: classes as the study knows the dataset, the rest as it was measured.
fn task(
    facts: &Facts,
    shipped: &Facts,
    path: &Path,
    everybody: bool,
) -> Result<Option<Task>, ShippedError> {
    let open = |source| ShippedError::Open { path: path.to_owned(), source };
    let text = std::fs::read_to_string(path).map_err(open)?;
    let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let dataset = name.split('-').next().unwrap_or_default();
    let known = facts.tasks.iter().filter(|task| task.dataset == dataset);
    let whole = known.max_by_key(|task| task.classes.len());
    let found: Option<Value> = serde_json::from_str(&text).ok();
    Ok(whole.zip(found).and_then(|(whole, found)| of(whole, &found, shipped, everybody)))
}

fn of(whole: &Task, found: &Value, shipped: &Facts, everybody: bool) -> Option<Task> {
    let samples = usize::try_from(found.get("samples")?.as_u64()?).ok()?;
    let mut task = Task {
        dataset: whole.dataset.clone(),
        candidates: Vec::new(),
        truth: Vec::new(),
        scores: Vec::new(),
        views: Vec::new(),
        classes: whole.classes.clone(),
        hardware: [0.0; HARDWARE],
        costs: Vec::new(),
        targets: Targets::default(),
    };
    let mut viewed = Vec::new();
    for (model, (id, kin)) in shipped.models.iter().zip(&shipped.kin).enumerate() {
        let of_id = |of: &&Value| of.get("id").and_then(Value::as_str) == Some(id.as_str());
        let measured = found.get("candidates")?.as_array()?.iter().find(of_id);
        let stranger = kin.source() != Some(task.dataset.as_str());
        let truth = measured.and_then(|of| of.get("truth")?.as_f64());
        let Some((of, truth)) = measured.zip(truth).filter(|_| stranger || everybody) else {
            continue;
        };
        let scores = ["logme", "hscore", "nce"].map(|score| of.get(score).and_then(Value::as_f64));
        task.candidates.push(model);
        task.truth.push(truth);
        task.scores.push(scores);
        viewed.push(Viewed { scores, kin: kin.clone() });
    }
    task.views = vec![views(&viewed, samples), vec![[0.0; VIEWS]; viewed.len()]];
    (viewed.len() > 1).then_some(task)
}
