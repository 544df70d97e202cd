//! `score`: the ranking formulas on arrays of one's own.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::model::npz;
use crate::rank::copeland::{Rule, elect};
use crate::rank::evaluate::weighted_tau;
use crate::rank::relevance;
use crate::task::{Estimate, Undefined};
use crate::ui::arrays::Arrays;
use crate::ui::call::shown;
use crate::ui::show::score::{Fits, Order, Scoring, Single, Tau};
use crate::ui::{Answer, Call, Failure};

/// Compute a ranking score from arrays in a file.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra score logme --in x.npz      features (N,D), labels (N); likewise
                                    logme-compat, hscore, hscore-shrunk, lfc,
                                    gbc, nleep, knn, head; energy without labels
  umbra score logme --in x.npz      targets (N) or (N,K) in place of labels;
                                    likewise head (R2, mean absolute error)
  umbra score unlabelled --in x.npz features (N,D), clusters (1)
  umbra score leep --in x.npz       probs or logits (N,Z), labels (N); likewise
                                    nce, pactran
  umbra score tau --in x.npz        truth (n), score (n)
  umbra score copeland --in x.npz   scores (k,m), higher is better, NaN
                                    abstains; weights (k), indifference (k)")]
pub struct Score {
    /// Which one.
    metric: Metric,
    /// The arrays.
    #[arg(long = "in", value_name = "NPZ")]
    input: PathBuf,
    /// Only the best N, with their indices (copeland).
    #[arg(long, value_name = "N")]
    top: Option<usize>,
}

/// The formulas of docs/ranking.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Metric {
    Logme,
    LogmeCompat,
    Leep,
    Nce,
    Nleep,
    Hscore,
    HscoreShrunk,
    Lfc,
    Gbc,
    Pactran,
    Energy,
    Unlabelled,
    Knn,
    Head,
    Tau,
    Copeland,
}

/// Fixed, so that equal arrays give an equal score.
const SEED: u64 = 0;
/// As in the source of the score.
const NEIGHBOURS: usize = 1;

impl Score {
    pub(crate) fn run(self, _: &mut Call<'_>) -> Answer {
        let arrays = Arrays(npz::read_npz(&super::read(&self.input)?)?);
        let exact = |value: Value| value.map(Scoring::from);
        let value = match self.metric {
            Metric::Tau => return tau(&arrays),
            Metric::Copeland => return order(&arrays, self.top),
            Metric::Energy => exact(relevance::energy(&arrays.matrix("features")?)),
            Metric::Unlabelled => unlabelled(&arrays)?.map(Scoring::from),
            Metric::Head if arrays.0.contains_key("targets") => return fits(&arrays),
            Metric::Head => head(&arrays)?.map(Scoring::from),
            Metric::Logme if arrays.0.contains_key("targets") => {
                let targets = arrays.columns("targets")?;
                exact(relevance::logme_targets(&arrays.matrix("features")?, &targets))
            }
            Metric::Leep | Metric::Nce | Metric::Pactran => exact(of_source(self.metric, &arrays)?),
            _ => exact(of_features(self.metric, &arrays)?),
        };
        let name = self.metric.to_possible_value();
        let metric = name.map(|value| value.get_name().to_owned()).unwrap_or_default();
        shown(Single { metric, value })
    }
}

type Value = Result<f64, Undefined>;

fn of_features(metric: Metric, arrays: &Arrays) -> Result<Value, Failure> {
    let (features, labels) = labelled("features", arrays)?;
    Ok(match metric {
        Metric::LogmeCompat => relevance::logme_compat(&features, &labels),
        Metric::Nleep => relevance::nleep(&features, &labels, SEED),
        Metric::Hscore => relevance::hscore(&features, &labels),
        Metric::HscoreShrunk => relevance::hscore_shrunk(&features, &labels),
        Metric::Lfc => relevance::lfc(&features, &labels),
        Metric::Gbc => relevance::gbc(&features, &labels),
        Metric::Knn => relevance::knn(&features, &labels, NEIGHBOURS),
        _ => relevance::logme(&features, &labels),
    })
}

type Interval = Result<Estimate, Undefined>;

/// Accuracy of a fitted head.
fn head(arrays: &Arrays) -> Result<Interval, Failure> {
    let (features, labels) = labelled("features", arrays)?;
    Ok(relevance::head_accuracy(&features, &labels))
}

/// How well a head explains real targets.
fn fits(arrays: &Arrays) -> Answer {
    let (features, targets) = (arrays.matrix("features")?, arrays.columns("targets")?);
    shown(Fits(relevance::head_targets(&features, &targets)))
}

/// As many clusters as there are classes, or ten.
fn unlabelled(arrays: &Arrays) -> Result<Interval, Failure> {
    let clusters = match arrays.optional_vector("clusters")?.as_deref() {
        None => 10,
        Some([count]) if count.fract() == 0.0 && (2.0..1e6).contains(count) => *count as usize,
        Some(_) => return Err(Failure::input("clusters must be one whole number from 2 on")),
    };
    Ok(relevance::unlabelled(&arrays.matrix("features")?, clusters, SEED))
}

/// Scores of a source head: of `probs`, or else of `logits`.
fn of_source(metric: Metric, arrays: &Arrays) -> Result<Value, Failure> {
    let is_probabilities = arrays.0.contains_key("probs");
    let (scores, labels) = labelled(if is_probabilities { "probs" } else { "logits" }, arrays)?;
    if metric == Metric::Nce {
        let source = relevance::most_probable(&scores);
        return Ok(source.and_then(|source| relevance::nce(&source, &labels)));
    }
    let score = if metric == Metric::Leep { relevance::leep } else { relevance::pactran };
    let probabilities = if is_probabilities { Ok(scores) } else { relevance::softmax(&scores) };
    Ok(probabilities.and_then(|probabilities| score(&probabilities, &labels)))
}

/// An array with a row for each sample, and as many labels.
fn labelled(name: &str, arrays: &Arrays) -> Result<(relevance::Matrix, Vec<u32>), Failure> {
    let (rows, labels) = (arrays.matrix(name)?, arrays.labels("labels")?);
    if rows.nrows() == labels.len() {
        return Ok((rows, labels));
    }
    let (rows, labels) = (rows.nrows(), labels.len());
    Err(Failure::input(format!("{name} has {rows} rows, labels has {labels}")))
}

fn tau(arrays: &Arrays) -> Answer {
    shown(Tau(weighted_tau(&arrays.vector("truth")?, &arrays.vector("score")?)))
}

fn order(arrays: &Arrays, top: Option<usize>) -> Answer {
    let scores = arrays.rows("scores")?;
    let per_row = |name, default: f64| -> Result<Vec<f64>, Failure> {
        let values = arrays.optional_vector(name)?.unwrap_or_else(|| vec![default; scores.len()]);
        if values.len() == scores.len()
            && values.iter().all(|value| value.is_finite() && *value >= 0.0)
        {
            return Ok(values);
        }
        Err(Failure::input(format!(
            "{name} must hold a number from 0 on for each of the {} criteria",
            scores.len()
        )))
    };
    let (weights, indifference) = (per_row("weights", 1.0)?, per_row("indifference", 0.0)?);
    let found = elect(&scores, &Rule { weights, indifference }, top);
    shown(Order { found, by_rank: top.is_some() })
}
