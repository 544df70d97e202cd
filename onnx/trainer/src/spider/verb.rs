//! The verb: what is trained, judged and written.

use std::path::PathBuf;

use clap::Args;
use prost::Message as _;
use umbra::engine;
use umbra::rank::spider::{Question, Scorer};

use super::export;
use super::facts::{Facts, FactsError, Task};
use super::fit::{Fitted, Recipe, Teacher, Uses, fit, predict};
use super::judge::{Judged, left_out, mean_rank, plain};
use crate::progress::Progress;

/// Largest difference between the file and the network that was trained.
const SAME: f64 = 1e-5;

/// Train the ranker of models for a task, and judge it on datasets left out in turn.
#[derive(Debug, Args)]
pub(crate) struct Spider {
    /// Folder of facts: portraits, backbones, probe, scores (tables) and tokens.npz.
    #[arg(long, value_name = "DIR", default_value = "onnx/zoo/lab/facts")]
    facts: PathBuf,
    /// Write the ranker here, trained on everything.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Networks that a score is the mean of while judging.
    #[arg(long, value_name = "N", default_value_t = 2)]
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
    #[arg(long, value_name = "DEVIATION", default_value_t = 0.5)]
    noise: f64,
    /// Share of portraits' numbers dropped in training.
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    dropped: f64,
}

/// Why there is no ranker.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpiderError {
    /// What it would learn from.
    #[error(transparent)]
    Facts(#[from] FactsError),
    /// Training.
    #[error("training failed: {0}")]
    Training(#[from] candle_core::Error),
    /// The engine refuses the file.
    #[error("the ranker that was written does not run: {0}")]
    Engine(#[from] umbra::engine::EngineError),
    /// The file says something else than the network.
    #[error("the ranker's file is off by {0:e} from the network that was trained")]
    Differs(f64),
    /// Writing.
    #[error("{path}: {source}")]
    Write {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

impl Spider {
    pub(crate) fn run(&self) -> Result<String, SpiderError> {
        let facts = Facts::read(&self.facts)?;
        let mut text = table(&self.judge(&facts)?);
        if let Some(out) = &self.out {
            let tasks: Vec<&Task> = facts.tasks.iter().collect();
            let fitted = fit(&facts, &tasks, &self.recipe(FORMS[0].1, Teacher::Truth), 0)?;
            let bytes = export::model(&fitted)?.encode_to_vec();
            let off = difference(&facts, &fitted, &bytes)?;
            if off > SAME {
                return Err(SpiderError::Differs(off));
            }
            let failed = |source| SpiderError::Write { path: out.clone(), source };
            std::fs::write(out, &bytes).map_err(failed)?;
            text +=
                &format!("{}: {} bytes, off by {off:.1e} at most\n", out.display(), bytes.len());
        }
        Ok(text)
    }

    fn recipe(&self, uses: Uses, teacher: Teacher) -> Recipe {
        let Self { token, passes, rate, decay, noise, dropped, .. } = *self;
        Recipe { token, uses, passes, rate, decay, noise, dropped, teacher }
    }

    fn judge(&self, facts: &Facts) -> Result<Vec<Judged>, SpiderError> {
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
}

const fn uses(classes: bool, views: bool, learned: bool) -> Uses {
    Uses { classes, views, learned }
}

/// The forms that are compared, the one that ships first.
const FORMS: [(&str, Uses, Teacher); 7] = [
    ("classes and views", uses(true, true, false), Teacher::Truth),
    ("views", uses(false, true, false), Teacher::Truth),
    ("classes", uses(true, false, false), Teacher::Truth),
    ("portrait alone", uses(false, false, false), Teacher::Truth),
    ("classes and views, learned tokens", uses(true, true, true), Teacher::Truth),
    ("classes, taught by the scores", uses(true, false, false), Teacher::Scores),
    ("classes and views, taught by the scores", uses(true, true, false), Teacher::Scores),
];

/// Largest difference between the file's scores and the network's, over all tasks.
fn difference(facts: &Facts, fitted: &Fitted, file: &[u8]) -> Result<f64, SpiderError> {
    let engines = engine::available();
    let scorer = Scorer::new(file, &engines)?;
    let mut most = 0.0_f64;
    for task in &facts.tasks {
        let expected = predict(facts, &[task], fitted)?;
        let portraits: Vec<_> = task
            .candidates
            .iter()
            .filter_map(|model| facts.portraits.get(*model)?.as_slice().try_into().ok())
            .collect();
        let (views, classes) = (&task.views, &task.classes);
        let found = scorer.scores(&Question { portraits: &portraits, views, classes })?;
        let pairs = found.iter().zip(expected.iter().flatten());
        most = pairs.map(|(found, expected)| (found - expected).abs()).fold(most, f64::max);
    }
    Ok(most)
}

fn table(all: &[Judged]) -> String {
    let mut text = String::from(
        "| way | weighted tau | regret@1, points | best in top 3, % | worst dataset |\n|---|--:|--:|--:|--:|\n",
    );
    for judged in all {
        let [tau, regret, top] = judged.means();
        let worst = judged.datasets.iter().map(|row| row[0]).fold(f64::INFINITY, f64::min);
        text += &format!(
            "| {} | {tau:.3} | {regret:.2} | {:.0} | {worst:.3} |\n",
            judged.name,
            100.0 * top
        );
    }
    text
}
