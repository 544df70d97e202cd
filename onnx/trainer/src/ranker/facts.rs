//! What a ranker learns from: models, tasks, and how good each model really is on each task.

mod tables;

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use umbra::engine;
use umbra::model::Work;
use umbra::model::npz::NpzError;
use umbra::rank::cost::roofline::Rates;
use umbra::rank::relevance::Kin;
use umbra::rank::spider::{HARDWARE, Hardware, VIEWS, Viewed, classes, groups, views};
use umbra::task::Targets;

use crate::table::TableError;

pub(crate) use tables::{FORM, SPEEDS};

/// Images a class: those that are judged by, if a task has them, and others that are learned from too.
pub(crate) const SHOTS: [&str; 3] = ["20", "5", "50"];

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
    /// Speeds of boards.
    #[error("{path}: {source}")]
    Boards {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// Too little to learn from, and to leave a dataset out.
    #[error(
        "tasks of at least two datasets are needed, each answered by two models with portraits; {0} \
         found: --facts takes several folders, such as onnx/zoo/lab/facts and your own"
    )]
    TooFew(usize),
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
    /// Boards that were measured.
    pub(crate) boards: Vec<Rates>,
}

impl Facts {
    /// From `portraits`, `backbones`, `probe`, `scores` (tables), `tokens.npz` and, where there are
    /// any, `boards.json` of some folders.
    pub(crate) fn read(folders: &[PathBuf]) -> Result<Self, FactsError> {
        let known = tables::portraits(folders)?;
        let models: Vec<String> = known.keys().cloned().collect();
        let kin = tables::kin(folders, &models)?;
        let prototypes = tables::prototypes(folders)?;
        let groups = groups(&engine::available())?;
        let truths = tables::truths(folders)?;
        let tasks: Vec<Task> = tables::scores(folders, &models)?
            .into_iter()
            .filter_map(|(name, of)| {
                let found = classes(prototypes.get(&name)?, &groups);
                let classes = found.iter().map(|class| class.to_vec()).collect();
                let truth = |model: &String| truths.get(&(model.clone(), name.clone())).copied();
                let candidate = |(model, scores): (usize, Shown)| {
                    let truth = truth(models.get(model)?)?;
                    Some(Candidate { model, truth, scores })
                };
                let mut candidates: Vec<Candidate> = of.into_iter().filter_map(candidate).collect();
                let seen =
                    |shots: &&str| candidates.iter().any(|of| of.scores.contains_key(*shots));
                let judged = SHOTS.into_iter().find(seen)?;
                candidates.retain(|candidate| candidate.scores.contains_key(judged));
                (candidates.len() > 1).then(|| Task::of(&name, &candidates, judged, classes, &kin))
            })
            .collect();
        let (portraits, costs) = known.into_values().unzip();
        let boards = tables::boards(folders)?;
        let found = Self { models, portraits, kin, costs, tasks, boards };
        match found.datasets().len() {
            few @ (0 | 1) => Err(FactsError::TooFew(few)),
            _ => Ok(found),
        }
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
    /// `judged` are the images a class of the scores that it is judged by.
    fn of(
        name: &str,
        candidates: &[Candidate],
        judged: &str,
        classes: Vec<Vec<f32>>,
        kin: &[Kin],
    ) -> Self {
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
            scores: candidates.iter().map(|candidate| of(candidate, judged)).collect(),
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
