//! What a ranker learns from: models, tasks, and how good each model really is on each task.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use umbra::engine;
use umbra::model::Work;
use umbra::model::npz::{NpzError, read_npz};
use umbra::rank::relevance::Kin;
use umbra::rank::spider::{HARDWARE, Hardware, VIEWS, Viewed, classes, groups, views};
use umbra::task::Targets;

use crate::table::{Table, TableError, number};
use crate::work;

/// Form and images a class of the scores that are learned from.
const FORM: &str = "int8";
const SHOTS: &str = "20";

/// Why there are no facts.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FactsError {
    /// A table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// One that is not there.
    #[error("{folder} has no {name}")]
    Missing {
        /// Where it was looked for.
        folder: PathBuf,
        /// What it is called.
        name: &'static str,
    },
    /// The archive of prototypes.
    #[error("{path}: {source}")]
    Tokens {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        source: NpzError,
    },
    /// The extractor.
    #[error(transparent)]
    Extractor(#[from] umbra::engine::EngineError),
    /// Too little in it.
    #[error("{0} holds no task that two models with portraits answer")]
    Empty(PathBuf),
}

/// One task.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    /// Its dataset.
    pub(crate) dataset: String,
    /// Places of its candidates among the models.
    pub(crate) candidates: Vec<usize>,
    /// Accuracy of each candidate, 0 to 1.
    pub(crate) truth: Vec<f64>,
    /// LogME, shrunk H-score and NCE of each.
    pub(crate) scores: Vec<[Option<f64>; 3]>,
    /// What the agent makes of them.
    pub(crate) views: Vec<[f32; VIEWS]>,
    /// Its classes.
    pub(crate) classes: Vec<Vec<f32>>,
    /// The board that it runs on; all 0 where no board is meant.
    pub(crate) hardware: Hardware,
    /// Latency (microseconds), memory and size (bytes) of each candidate there.
    pub(crate) costs: Vec<[f64; 3]>,
    /// What is good enough there.
    pub(crate) targets: Targets,
}

/// What a model costs whatever the board.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cost {
    /// Of its file.
    pub(crate) bytes: f64,
    /// Bytes of weights and activations.
    pub(crate) memory: f64,
    /// Its nodes.
    pub(crate) work: Vec<Work>,
}

/// All of it.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// Names of the models.
    pub(crate) models: Vec<String>,
    /// Portrait of each.
    pub(crate) portraits: Vec<Vec<f32>>,
    /// Costs of each.
    pub(crate) costs: Vec<Cost>,
    /// The tasks.
    pub(crate) tasks: Vec<Task>,
}

impl Facts {
    /// From `portraits`, `backbones`, `probe`, `scores` (tables) and `tokens.npz` of a folder.
    pub(crate) fn read(folder: &Path) -> Result<Self, FactsError> {
        let known = portraits(folder)?;
        let models: Vec<String> = known.keys().cloned().collect();
        let place: HashMap<&str, usize> = models.iter().map(String::as_str).zip(0..).collect();
        let kinds = kinds(folder)?;
        let prototypes = prototypes(folder)?;
        let groups = groups(&engine::available())?;
        let mut found: BTreeMap<String, Vec<Candidate>> = BTreeMap::new();
        let truths = truths(folder)?;
        for [model, task, form, shots, logme, hscore, nce] in table(folder, "scores")?.rows([
            "backbone",
            "task",
            "form",
            "shots",
            "logme",
            "hscore-shrunk",
            "nce",
        ])? {
            let truth = truths.get(&(model.to_owned(), task.to_owned()));
            let both = place.get(model).zip(truth).filter(|_| form == FORM && shots == SHOTS);
            let Some((model, truth)) = both else { continue };
            let scores = [logme, hscore, nce].map(number);
            let candidate = Candidate { model: *model, truth: *truth, scores };
            found.entry(task.to_owned()).or_default().push(candidate);
        }
        let shots: usize = SHOTS.parse().unwrap_or_default();
        let tasks: Vec<Task> = found
            .into_iter()
            .filter(|(_, candidates)| candidates.len() > 1)
            .filter_map(|(name, mut candidates)| {
                let found = classes(prototypes.get(&name)?, &groups);
                let classes = found.iter().map(|class| class.to_vec()).collect();
                candidates.sort_by_key(|candidate| candidate.model);
                Some(Task::of(&name, &candidates, classes, &models, &kinds, shots))
            })
            .collect();
        let (portraits, costs) = known.into_values().unzip();
        if tasks.is_empty() {
            return Err(FactsError::Empty(folder.to_owned()));
        }
        Ok(Self { models, portraits, costs, tasks })
    }

    /// Names of the datasets, sorted.
    pub(crate) fn datasets(&self) -> Vec<String> {
        let names: BTreeSet<&String> = self.tasks.iter().map(|task| &task.dataset).collect();
        names.into_iter().cloned().collect()
    }
}

/// One model on one task.
struct Candidate {
    model: usize,
    truth: f64,
    scores: [Option<f64>; 3],
}

impl Task {
    fn of(
        name: &str,
        candidates: &[Candidate],
        classes: Vec<Vec<f32>>,
        models: &[String],
        kinds: &HashMap<String, [String; 2]>,
        shots: usize,
    ) -> Self {
        let viewed: Vec<Viewed> = candidates
            .iter()
            .map(|candidate| {
                let kind = models.get(candidate.model).and_then(|model| kinds.get(model));
                Viewed {
                    scores: candidate.scores,
                    kin: Kin::named(
                        kind.map(|[_, source]| source.as_str()),
                        kind.map(|[family, _]| family.as_str()),
                    ),
                }
            })
            .collect();
        Self {
            dataset: name.split('/').next().unwrap_or(name).to_owned(),
            candidates: candidates.iter().map(|candidate| candidate.model).collect(),
            truth: candidates.iter().map(|candidate| candidate.truth).collect(),
            scores: candidates.iter().map(|candidate| candidate.scores).collect(),
            views: views(&viewed, shots * classes.len()),
            classes,
            hardware: [0.0; HARDWARE],
            costs: Vec::new(),
            targets: Targets::default(),
        }
    }

    /// Its models, best first; equals in the order of the models.
    pub(crate) fn best_first(&self, by: &[f64]) -> Vec<usize> {
        let mut order: Vec<(f64, usize)> =
            by.iter().copied().zip(self.candidates.iter().copied()).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        order.into_iter().map(|(_, model)| model).collect()
    }
}

fn table(folder: &Path, name: &'static str) -> Result<Table, FactsError> {
    Table::read(folder, name)?.ok_or(FactsError::Missing { folder: folder.to_owned(), name })
}

/// Portrait and costs of each model.
fn portraits(folder: &Path) -> Result<BTreeMap<String, (Vec<f32>, Cost)>, FactsError> {
    let table = table(folder, "portraits")?;
    let rows = table.rows(["model", "portrait", "bytes", "memory", "work"])?;
    let found = rows.map(|[model, portrait, bytes, memory, work]| {
        let portrait = portrait.split(' ').filter_map(|word| word.parse().ok()).collect();
        let [bytes, memory] = [bytes, memory].map(|cell| number(cell).unwrap_or_default());
        let work = work::nodes(work);
        (model.to_owned(), (portrait, Cost { bytes, memory, work }))
    });
    Ok(found.collect())
}

/// Family and source of each model.
fn kinds(folder: &Path) -> Result<HashMap<String, [String; 2]>, FactsError> {
    let table = table(folder, "backbones")?;
    let rows = table.rows(["backbone", "family", "source"])?;
    Ok(rows
        .map(|[model, family, source]| (model.to_owned(), [family, source].map(str::to_owned)))
        .collect())
}

fn truths(folder: &Path) -> Result<HashMap<(String, String), f64>, FactsError> {
    let table = table(folder, "probe")?;
    let rows = table.rows(["backbone", "task", "form", "accuracy"])?;
    let mine = rows.filter(|[_, _, form, _]| *form == FORM);
    Ok(mine
        .filter_map(|[model, task, _, accuracy]| {
            Some(((model.to_owned(), task.to_owned()), number(accuracy)?))
        })
        .collect())
}

fn prototypes(folder: &Path) -> Result<HashMap<String, Vec<Vec<f32>>>, FactsError> {
    let path = folder.join("tokens.npz");
    let bytes =
        std::fs::read(&path).map_err(|source| TableError::Open { path: path.clone(), source })?;
    let arrays = read_npz(&bytes).map_err(|source| FactsError::Tokens { path, source })?;
    let rows = arrays.into_iter().filter_map(|(name, array)| {
        let width = *array.shape.get(1)?;
        let values = array.to_f32()?;
        Some((name, values.chunks(width.max(1)).map(<[f32]>::to_vec).collect()))
    });
    Ok(rows.collect())
}
