//! What a ranker learns from: models, tasks, and how good each model really is on each task.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use umbra::engine;
use umbra::model::npz::{NpzError, read_npz};
use umbra::model::{Kind, Work};
use umbra::rank::relevance::Kin;
use umbra::rank::spider::{HARDWARE, Hardware, VIEWS, Viewed, classes, groups, views};
use umbra::task::Targets;

use crate::table::{Table, TableError, number};

/// Form of the scores that are learned from.
const FORM: &str = "int8";
/// Images a class: those that are judged by, and others that are learned from too.
const SHOTS: [&str; 3] = ["20", "5", "50"];

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
    /// What the agent makes of them: first of those, then of fewer and of more samples, and last
    /// of none.
    pub(crate) views: Vec<Vec<[f32; VIEWS]>>,
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
    /// What each has in common with others.
    pub(crate) kin: Vec<Kin>,
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
        let kin = kin(folder, &models)?;
        let prototypes = prototypes(folder)?;
        let groups = groups(&engine::available())?;
        let truths = truths(folder)?;
        let tasks: Vec<Task> = scores(folder, &models)?
            .into_iter()
            .filter_map(|(name, of)| {
                let found = classes(prototypes.get(&name)?, &groups);
                let classes = found.iter().map(|class| class.to_vec()).collect();
                let truth = |model: &String| truths.get(&(model.clone(), name.clone())).copied();
                let candidate = |(model, scores): (usize, Shown)| {
                    let truth = truth(models.get(model)?)?;
                    scores.contains_key(SHOTS[0]).then_some(Candidate { model, truth, scores })
                };
                let candidates: Vec<Candidate> = of.into_iter().filter_map(candidate).collect();
                (candidates.len() > 1).then(|| Task::of(&name, &candidates, classes, &kin))
            })
            .collect();
        let (portraits, costs) = known.into_values().unzip();
        if tasks.is_empty() {
            return Err(FactsError::Empty(folder.to_owned()));
        }
        Ok(Self { models, portraits, kin, costs, tasks })
    }

    /// Names of the datasets, sorted.
    pub(crate) fn datasets(&self) -> Vec<String> {
        let names: BTreeSet<&String> = self.tasks.iter().map(|task| &task.dataset).collect();
        names.into_iter().cloned().collect()
    }
}

/// LogME, shrunk H-score and NCE, by images a class.
type Shown = HashMap<&'static str, [Option<f64>; 3]>;

/// One model on one task.
struct Candidate {
    model: usize,
    truth: f64,
    scores: Shown,
}

impl Task {
    fn of(name: &str, candidates: &[Candidate], classes: Vec<Vec<f32>>, kin: &[Kin]) -> Self {
        let of = |candidate: &Candidate, shots: &str| {
            candidate.scores.get(shots).copied().unwrap_or_default()
        };
        let seen = |shots: &str, samples: usize| {
            let viewed = |candidate: &Candidate| {
                let kin = kin.get(candidate.model).cloned();
                let kin = kin.unwrap_or_else(|| Kin::named(None, None));
                Viewed { scores: of(candidate, shots), kin }
            };
            views(&candidates.iter().map(viewed).collect::<Vec<_>>(), samples)
        };
        let scored = |shots: &&&str| {
            candidates.iter().any(|candidate| candidate.scores.contains_key(**shots))
        };
        let number = |shots: &str| shots.parse::<usize>().unwrap_or_default() * classes.len();
        let all = SHOTS.iter().filter(scored).map(|shots| seen(shots, number(shots)));
        Self {
            dataset: name.split('/').next().unwrap_or(name).to_owned(),
            candidates: candidates.iter().map(|candidate| candidate.model).collect(),
            truth: candidates.iter().map(|candidate| candidate.truth).collect(),
            scores: candidates.iter().map(|candidate| of(candidate, SHOTS[0])).collect(),
            views: all.chain([vec![[0.0; VIEWS]; candidates.len()]]).collect(),
            classes,
            hardware: [0.0; HARDWARE],
            costs: Vec::new(),
            targets: Targets::default(),
        }
    }

    /// Views of the samples that are judged by.
    pub(crate) fn seen(&self) -> &[[f32; VIEWS]] {
        self.views.first().map_or(&[], Vec::as_slice)
    }

    /// Views of a task that no candidate has seen a sample of.
    pub(crate) fn unseen(&self) -> &[[f32; VIEWS]] {
        self.views.last().map_or(&[], Vec::as_slice)
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
        let work = work.split(' ').filter_map(node).collect();
        (model.to_owned(), (portrait, Cost { bytes, memory, work }))
    });
    Ok(found.collect())
}

/// A node, written as `kind:int8:operations:bytes`.
fn node(text: &str) -> Option<Work> {
    let mut parts = text.split(':');
    let name = parts.next()?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name)?;
    let mut amount = || parts.next()?.parse::<u64>().ok();
    Some(Work { kind, int8: amount()? == 1, ops: amount()?, bytes: amount()? })
}

/// What each model has in common with others: its source and its family.
fn kin(folder: &Path, models: &[String]) -> Result<Vec<Kin>, FactsError> {
    let table = table(folder, "backbones")?;
    let rows = table.rows(["backbone", "family", "source"])?;
    let known: HashMap<&str, Kin> = rows
        .map(|[model, family, source]| (model, Kin::named(Some(source), Some(family))))
        .collect();
    let of = |model: &String| known.get(model.as_str()).cloned();
    Ok(models.iter().map(|model| of(model).unwrap_or_else(|| Kin::named(None, None))).collect())
}

/// Scores of each task and model.
fn scores(
    folder: &Path,
    models: &[String],
) -> Result<BTreeMap<String, BTreeMap<usize, Shown>>, FactsError> {
    let place: HashMap<&str, usize> = models.iter().map(String::as_str).zip(0..).collect();
    let mut found: BTreeMap<String, BTreeMap<usize, Shown>> = BTreeMap::new();
    let columns = ["backbone", "task", "form", "shots", "logme", "hscore-shrunk", "nce"];
    for [model, task, form, shots, logme, hscore, nce] in table(folder, "scores")?.rows(columns)? {
        let shots = SHOTS.into_iter().find(|known| *known == shots && form == FORM);
        let Some((model, shots)) = place.get(model).zip(shots) else { continue };
        let of_task = found.entry(task.to_owned()).or_default();
        of_task.entry(*model).or_default().insert(shots, [logme, hscore, nce].map(number));
    }
    Ok(found)
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
