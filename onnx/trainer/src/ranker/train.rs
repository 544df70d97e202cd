//! The verb: what is trained, judged and written.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use prost::Message as _;
use serde_json::{Value, json};

use super::boards::on_boards;
use super::check::{SAME, difference};
use super::contest::on_unseen_boards;
use super::error::TrainError;
use super::facts::{Facts, Task};
use super::fit::{Recipe, Teacher, Uses, fit};
use super::judge::{Judged, Lead, lead, left_out, mean_rank, plain};
use super::{curve, export, fused, report, shipped};
use crate::progress::{Progress, note};
use crate::residual;

/// Boards that each task is learned on, and the seed that they are drawn from.
const BOARDS: (usize, u64) = (4, 1);

/// Train the rankers, and judge them on datasets left out in turn.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra-train train                       judge and write nothing
  umbra-train train --out onnx/ranker     judge, train on everything, write the files
  umbra-train train --facts onnx/zoo/lab/facts --facts mine --out .
                                          the same with measurements of your own
  umbra-train train --part residual --out onnx/ranker
                                          only what corrects predicted costs")]
pub(crate) struct Train {
    /// Folder of facts: portraits, backbones, probe, scores (tables) and tokens.npz, and boards.json
    /// where boards were measured (repeatable).
    #[arg(long, value_name = "DIR", default_value = "onnx/zoo/lab/facts")]
    facts: Vec<PathBuf>,
    /// Folder of tables of boards, which corrections of predicted costs are learned from.
    #[arg(long, value_name = "DIR", default_value_os_t = crate::folder())]
    tables: PathBuf,
    /// Only the rankers, or only what corrects predicted costs.
    #[arg(long, value_enum)]
    part: Option<Part>,
    /// Write the rankers, their figures and their learning curves into this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Judge on the models that ship, and do nothing else: `umbra eval --json` of datasets of the
    /// facts, called DATASET-*.json.
    #[arg(long, value_name = "JSON", num_args = 1..)]
    evaluated: Vec<PathBuf>,
    /// Folder of the models that ship.
    #[arg(long, value_name = "DIR", default_value = "onnx/zoo")]
    zoo: PathBuf,
    /// Networks that a score is the mean of while judging.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// Judge only forms whose name contains this.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Numbers of a token.
    #[arg(long, value_name = "N", default_value_t = 16)]
    token: usize,
    /// Passes over all tasks.
    #[arg(long, value_name = "N", default_value_t = 60)]
    passes: usize,
    /// Highest learning rate of Spider.
    #[arg(long, value_name = "RATE", default_value_t = 1e-3)]
    rate: f64,
    /// Weight decay.
    #[arg(long, value_name = "RATE", default_value_t = 0.1)]
    decay: f64,
    /// Deviation of noise on prototypes.
    #[arg(long, value_name = "DEVIATION", default_value_t = 0.0)]
    noise: f64,
    /// Share of portraits' numbers dropped in training.
    #[arg(long, value_name = "SHARE", default_value_t = 0.1, value_parser = share)]
    dropped: f64,
    /// One JSON document: a list of the figures of what was trained, as the files have them.
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

/// A share below one.
fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..1.0).contains(share));
    share.ok_or_else(|| "a share is at least 0 and less than 1".to_owned())
}

impl Train {
    pub(crate) fn run(&self) -> Result<String, TrainError> {
        if let Some(out) = &self.out {
            std::fs::create_dir_all(out)
                .map_err(|source| TrainError::Write { path: out.clone(), source })?;
        }
        let facts = || Facts::read(&self.facts);
        if !self.evaluated.is_empty() {
            return self.on_shipped(&facts()?);
        }
        let part = self.part.or_else(|| self.without_tables());
        let rankers =
            (part != Some(Part::Residual)).then(|| self.rankers(&facts()?)).transpose()?;
        let residual = (part != Some(Part::Rankers)).then(|| self.residual()).transpose()?;
        let both: Vec<(Value, String)> = rankers.into_iter().chain(residual).collect();
        let (figures, texts): (Vec<Value>, Vec<String>) = both.into_iter().unzip();
        Ok(if self.json { format!("{:#}\n", json!(figures)) } else { texts.join("\n") })
    }

    /// What is left to do where the tables of boards are not at hand.
    fn without_tables(&self) -> Option<Part> {
        (!self.tables.is_dir()).then(|| {
            let folder = self.tables.display();
            note(&format!("NOT RUN: no tables of boards at {folder}; shadow.onnx stays as it is"));
            Part::Rankers
        })
    }

    /// What corrects predicted costs: its figures, as one prints them too.
    fn residual(&self) -> Result<(Value, String), TrainError> {
        let found = residual::ship(&self.tables)?;
        if let Some(out) = &self.out {
            write(out, "shadow.onnx", &found.bytes)?;
            write(out, "shadow.json", format!("{:#}\n", found.figures).as_bytes())?;
        }
        Ok((found.figures, found.text))
    }

    /// Spider and Fusion: their figures, as one prints them too.
    fn rankers(&self, facts: &Facts) -> Result<(Value, String), TrainError> {
        let tasks = self.judge(facts)?;
        let leads = leads(&tasks);
        let boards = self.judge_on_boards(facts)?;
        let names = facts.datasets();
        let figures = json!({
            "schema": 1, "models": facts.models.len(), "tasks": facts.tasks.len(),
            "token": self.token, "passes": self.passes, "rate": self.rate, "decay": self.decay,
            "noise": self.noise, "dropped": self.dropped, "seeds": self.seeds,
            "datasets_left_out": report::json(&tasks, &names),
            "spider_leads": report::leads_json(&leads),
            "datasets_left_out_on_unseen_boards": report::json(&boards, &names),
        });
        let mut text = report::table(&tasks, "regret@1, points");
        text += &format!("\n{}", report::leads(FORMS[0].0, &leads));
        text += &format!("\n{}", report::table(&boards, "places lost, %"));
        if let Some(out) = &self.out {
            write(out, "metrics.json", format!("{figures:#}\n").as_bytes())?;
            text += &self.write_rankers(facts, out)?;
        }
        Ok((figures, text))
    }

    /// Ways on the models that ship: strangers to a dataset alone, and all of them.
    fn on_shipped(&self, facts: &Facts) -> Result<String, TrainError> {
        let recipe = self.recipe(SPIDER, Teacher::Truth, true);
        let models = shipped::models(&self.zoo)?;
        let mut text = String::new();
        for (who, everybody) in [("strangers only", false), ("all", true)] {
            let found = shipped::judged(facts, &models, &self.evaluated, &recipe, everybody)?;
            text += &format!("{who}:\n\n{}\n", report::table(&found, "regret@1, points"));
        }
        Ok(text)
    }

    /// Both rankers from everything.
    fn write_rankers(&self, facts: &Facts, out: &Path) -> Result<String, TrainError> {
        let boards = on_boards(facts, &facts.boards, BOARDS.0, BOARDS.1);
        let mut text = String::from("\n");
        let mut curves = Vec::new();
        let both = [("spider.onnx", facts, SPIDER), ("fusion.onnx", &boards, FUSION)];
        for (name, facts, uses) in both {
            let tasks: Vec<&Task> = facts.tasks.iter().collect();
            let fitted = fit(facts, &tasks, &self.recipe(uses, Teacher::Truth, true), 0)?;
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

    /// How a form is trained; a `deep` one has attention that learns.
    fn recipe(&self, uses: Uses, teacher: Teacher, deep: bool) -> Recipe {
        let Self { token, rate, decay, noise, dropped, .. } = *self;
        let rate = if uses.hardware || !uses.wide { FASTER * rate } else { rate };
        let passes = if deep { self.passes } else { 0 };
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
            fused::left_out(facts, FUSED[0], false)?,
            fused::left_out(facts, FUSED[1], true)?,
        ];
        let seeds: Vec<u64> = (0..self.seeds).collect();
        let wanted = |name: &str| self.only.as_ref().is_none_or(|only| name.contains(only));
        let forms: Vec<_> = FORMS.iter().filter(|(name, ..)| wanted(name)).collect();
        let mut progress = Progress::new("datasets left out", forms.len() * facts.datasets().len());
        for (name, uses, teacher, deep) in forms {
            let recipe = self.recipe(*uses, *teacher, *deep);
            let [seen, unseen] = left_out(facts, name, &recipe, &seeds, &mut progress)?;
            all.extend([Some(seen), (*uses == SPIDER).then_some(unseen)].into_iter().flatten());
        }
        Ok(all)
    }

    fn judge_on_boards(&self, facts: &Facts) -> Result<Vec<Judged>, TrainError> {
        let mut progress = Progress::new("datasets left out on boards", facts.datasets().len());
        let [spider, fusion] = [SPIDER, FUSION].map(|uses| self.recipe(uses, Teacher::Truth, true));
        Ok(on_unseen_boards(facts, &spider, &fusion, &mut progress)?)
    }
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), TrainError> {
    let path = folder.join(name);
    std::fs::write(&path, bytes).map_err(|source| TrainError::Write { path, source })
}

/// The forms that ship.
pub(super) const SPIDER: Uses =
    Uses { wide: true, classes: true, views: true, learned: false, hardware: false };
pub(super) const FUSION: Uses = Uses { hardware: true, ..SPIDER };
/// What the attention has everything to learn for, at so many times the rate: boards, or a score by itself.
const FASTER: f64 = 4.0;

/// The forms that are compared, the one that ships first; who teaches them, and whether attention learns.
const FORMS: [(&str, Uses, Teacher, bool); 6] = [
    ("Spider", SPIDER, Teacher::Truth, true),
    ("its wide part alone", SPIDER, Teacher::Truth, false),
    ("its attention alone", Uses { wide: false, ..SPIDER }, Teacher::Truth, true),
    ("Spider without classes", Uses { classes: false, ..SPIDER }, Teacher::Truth, true),
    ("Spider, learned tokens", Uses { learned: true, ..SPIDER }, Teacher::Truth, true),
    ("Spider, taught by the scores", SPIDER, Teacher::Scores, true),
];

/// The metrics that it is held against, fused.
const FUSED: [&str; 2] = ["the three, fused", "the three and a stated prior, fused"];

/// How far the form that ships is ahead of the others.
fn leads(all: &[Judged]) -> Vec<Lead> {
    let spider = all.iter().find(|judged| judged.name == FORMS[0].0);
    let others = all.iter().filter(|judged| judged.name != FORMS[0].0);
    spider.map(|spider| others.map(|other| lead(spider, other)).collect()).unwrap_or_default()
}
