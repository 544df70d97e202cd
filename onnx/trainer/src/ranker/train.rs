//! The verb: what is trained, judged and written.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use prost::Message as _;
use serde_json::json;
use umbra::engine;
use umbra::rank::spider::{Question, Scorer};

use super::boards::on_boards;
use super::contest::on_unseen_boards;
use super::facts::{Facts, FactsError, Task};
use super::fit::{Fitted, Recipe, Teacher, Uses, fit, predict};
use super::judge::{Judged, left_out, mean_rank, plain};
use super::{curve, export, report};
use crate::progress::Progress;
use crate::residual;

/// Largest difference between a file and the network that was trained.
pub(crate) const SAME: f64 = 1e-5;
/// Boards that each task is learned on, and the seed that they are drawn from.
const BOARDS: (usize, u64) = (4, 1);

/// Train the rankers, and judge them on datasets left out in turn.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra-train train                       judge and write nothing
  umbra-train train --out onnx/ranker     judge, train on everything, write the files
  umbra-train train --facts mine --out .  the same from measurements of your own
  umbra-train train --part residual --out onnx/ranker
                                          only what corrects predicted costs")]
pub(crate) struct Train {
    /// Folder of facts: portraits, backbones, probe, scores (tables) and tokens.npz.
    #[arg(long, value_name = "DIR", default_value = "onnx/zoo/lab/facts")]
    facts: PathBuf,
    /// Folder of tables of boards, which corrections of predicted costs are learned from.
    #[arg(long, value_name = "DIR", default_value_os_t = crate::folder())]
    tables: PathBuf,
    /// Only the rankers, or only what corrects predicted costs.
    #[arg(long, value_enum)]
    part: Option<Part>,
    /// Write the rankers, their figures and their learning curves into this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Networks that a score is the mean of while judging.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seeds: u64,
    /// Judge only forms whose name contains this.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Numbers of a token.
    #[arg(long, value_name = "N", default_value_t = 16)]
    token: usize,
    /// Passes over all tasks.
    #[arg(long, value_name = "N", default_value_t = 80)]
    passes: usize,
    /// Highest learning rate.
    #[arg(long, value_name = "RATE", default_value_t = 4e-3)]
    rate: f64,
    /// Weight decay.
    #[arg(long, value_name = "RATE", default_value_t = 0.1)]
    decay: f64,
    /// Deviation of noise on prototypes.
    #[arg(long, value_name = "DEVIATION", default_value_t = 0.0)]
    noise: f64,
    /// Share of portraits' numbers dropped in training.
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    dropped: f64,
    /// One JSON document.
    #[arg(long)]
    json: bool,
}

/// What is trained apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// `spider.onnx` and `fusion.onnx`.
    Rankers,
    /// `shadow.onnx`.
    Residual,
}

/// Why there is no ranker.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrainError {
    /// What it would learn from.
    #[error(transparent)]
    Facts(#[from] FactsError),
    /// Training.
    #[error("training failed: {0}")]
    Training(#[from] candle_core::Error),
    /// The engine refuses the file.
    #[error("the ranker that was written does not run: {0}")]
    Engine(#[from] umbra::engine::EngineError),
    /// The tables that corrections are learned from.
    #[error(transparent)]
    Table(#[from] crate::table::TableError),
    /// Their costs.
    #[error(transparent)]
    Cost(#[from] umbra::rank::cost::CostError),
    /// None of them is there.
    #[error("{0} holds no table of models with nodes; --part rankers does without")]
    Nothing(PathBuf),
    /// The file says something else than the network.
    #[error("{name} is off by {off:e} from the network that was trained")]
    Differs {
        /// Which file.
        name: &'static str,
        /// By how much.
        off: f64,
    },
    /// Writing.
    #[error("{path}: {source}")]
    Write {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

impl Train {
    pub(crate) fn run(&self) -> Result<String, TrainError> {
        let mut text = String::new();
        if self.part != Some(Part::Residual) {
            text += &self.rankers()?;
        }
        if self.part != Some(Part::Rankers) {
            text += &self.residual()?;
        }
        Ok(text)
    }

    /// What corrects predicted costs, and its figures.
    fn residual(&self) -> Result<String, TrainError> {
        let found = residual::ship(&self.tables)?;
        if let Some(out) = &self.out {
            write(out, "shadow.onnx", &found.bytes)?;
            write(out, "shadow.json", format!("{:#}\n", found.figures).as_bytes())?;
        }
        Ok(if self.json { format!("{:#}\n", found.figures) } else { found.text })
    }

    fn rankers(&self) -> Result<String, TrainError> {
        let facts = Facts::read(&self.facts)?;
        let tasks = self.judge(&facts)?;
        let boards = self.judge_on_boards(&facts)?;
        let names = facts.datasets();
        let figures = json!({
            "schema": 1, "models": facts.models.len(), "tasks": facts.tasks.len(),
            "token": self.token, "passes": self.passes, "rate": self.rate, "decay": self.decay,
            "noise": self.noise, "dropped": self.dropped, "seeds": self.seeds,
            "datasets_left_out": report::json(&tasks, &names),
            "datasets_left_out_on_unseen_boards": report::json(&boards, &names),
        });
        let figures = format!("{figures:#}\n");
        let mut text = report::table(&tasks, "regret@1, points");
        text += &format!("\n{}", report::table(&boards, "places lost, %"));
        if let Some(out) = &self.out {
            write(out, "metrics.json", figures.as_bytes())?;
            text += &self.write_rankers(&facts, out)?;
        }
        Ok(if self.json { figures } else { text })
    }

    /// Both rankers from everything.
    fn write_rankers(&self, facts: &Facts, out: &Path) -> Result<String, TrainError> {
        let boards = on_boards(facts, BOARDS.0, BOARDS.1);
        let mut text = String::from("\n");
        let mut curves = Vec::new();
        let both = [("spider.onnx", facts, SPIDER), ("fusion.onnx", &boards, FUSION)];
        for (name, facts, uses) in both {
            let tasks: Vec<&Task> = facts.tasks.iter().collect();
            let fitted = fit(facts, &tasks, &self.recipe(uses, Teacher::Truth), 0)?;
            let bytes = export::model(&fitted)?.encode_to_vec();
            let off = difference(facts, &fitted, &bytes)?;
            if off > SAME {
                return Err(TrainError::Differs { name, off });
            }
            write(out, name, &bytes)?;
            text += &format!("{name}: {} bytes, off by {off:.1e} at most\n", bytes.len());
            curves.push((name, fitted.curve));
        }
        let lines: Vec<(&str, &[f64])> =
            curves.iter().map(|(name, curve)| (*name, curve.as_slice())).collect();
        write(out, "curves.svg", curve::svg(&lines).as_bytes())?;
        Ok(text)
    }

    fn recipe(&self, uses: Uses, teacher: Teacher) -> Recipe {
        let Self { token, passes, rate, decay, noise, dropped, .. } = *self;
        Recipe { token, uses, passes, rate, decay, noise, dropped, teacher }
    }

    fn judge(&self, facts: &Facts) -> Result<Vec<Judged>, TrainError> {
        let score = |at: usize| {
            move |task: &Task| -> Vec<f64> {
                let of =
                    |scores: &[Option<f64>; 3]| scores.get(at).copied().flatten().unwrap_or(-1e9);
                task.scores.iter().map(of).collect()
            }
        };
        let mut all = vec![
            plain(facts, "LogME", score(0)),
            plain(facts, "shrunk H-score", score(1)),
            plain(facts, "NCE", score(2)),
            plain(facts, "mean rank of the three", mean_rank),
        ];
        let seeds: Vec<u64> = (0..self.seeds).collect();
        let wanted = |name: &str| self.only.as_ref().is_none_or(|only| name.contains(only));
        let forms: Vec<_> = FORMS.iter().filter(|(name, ..)| wanted(name)).collect();
        let mut progress = Progress::new("datasets left out", forms.len() * facts.datasets().len());
        for (name, uses, teacher) in forms {
            all.push(left_out(facts, name, &self.recipe(*uses, *teacher), &seeds, &mut progress)?);
        }
        Ok(all)
    }

    fn judge_on_boards(&self, facts: &Facts) -> Result<Vec<Judged>, TrainError> {
        let mut progress = Progress::new("datasets left out on boards", facts.datasets().len());
        let [spider, fusion] = [SPIDER, FUSION].map(|uses| self.recipe(uses, Teacher::Truth));
        Ok(on_unseen_boards(facts, &spider, &fusion, &mut progress)?)
    }
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), TrainError> {
    let path = folder.join(name);
    std::fs::write(&path, bytes).map_err(|source| TrainError::Write { path, source })
}

const fn uses(classes: bool, views: bool, learned: bool) -> Uses {
    Uses { classes, views, learned, hardware: false }
}

/// The forms that ship.
const SPIDER: Uses = uses(true, true, false);
const FUSION: Uses = Uses { hardware: true, ..SPIDER };

/// The forms that are compared.
const FORMS: [(&str, Uses, Teacher); 7] = [
    ("classes and views", SPIDER, Teacher::Truth),
    ("views", uses(false, true, false), Teacher::Truth),
    ("classes", uses(true, false, false), Teacher::Truth),
    ("portrait alone", uses(false, false, false), Teacher::Truth),
    ("classes and views, learned tokens", uses(true, true, true), Teacher::Truth),
    ("classes, taught by the scores", uses(true, false, false), Teacher::Scores),
    ("classes and views, taught by the scores", uses(true, true, false), Teacher::Scores),
];

/// Largest difference between the file's scores and the network's, over all tasks.
fn difference(facts: &Facts, fitted: &Fitted, file: &[u8]) -> Result<f64, TrainError> {
    let engines = engine::available();
    let mut most = 0.0_f64;
    for task in &facts.tasks {
        let expected = predict(facts, &[task], fitted)?;
        let portraits: Vec<_> = task
            .candidates
            .iter()
            .filter_map(|model| facts.portraits.get(*model)?.as_slice().try_into().ok())
            .collect();
        let classes = task.classes.iter().filter_map(|class| class.as_slice().try_into().ok());
        let classes: Vec<_> = classes.collect();
        let (views, classes, hardware) = (&task.views, &classes, &task.hardware);
        let mut scorer = Scorer::new(file, &engines, portraits.len(), classes.len())?;
        let found = scorer.scores(&Question { portraits: &portraits, views, classes, hardware })?;
        let pairs = found.iter().zip(expected.iter().flatten());
        most = pairs.map(|(found, expected)| (found - expected).abs()).fold(most, f64::max);
    }
    Ok(most)
}
