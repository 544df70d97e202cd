//! `score`: the ranking formulas on arrays of one's own.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::model::npz;
use crate::rank::copeland::copeland;
use crate::rank::evaluate::weighted_tau;
use crate::rank::relevance;
use crate::ui::arrays::Arrays;
use crate::ui::call::shown;
use crate::ui::show::score::{Order, Single, Tau};
use crate::ui::{Answer, Call, Failure};

/// Compute a ranking score from arrays in a file.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra score logme --in x.npz      features (N,D), labels (N)
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
    Tau,
    Copeland,
}

impl Score {
    pub(crate) fn run(self, _: &mut Call<'_>) -> Answer {
        let arrays = Arrays(npz::read_npz(&super::read(&self.input)?)?);
        match self.metric {
            Metric::Logme => relevance("logme", &arrays, relevance::logme),
            Metric::LogmeCompat => relevance("logme-compat", &arrays, relevance::logme_compat),
            Metric::Tau => tau(&arrays),
            Metric::Copeland => order(&arrays, self.top),
        }
    }
}

type Formula = fn(&nalgebra::DMatrix<f64>, &[u32]) -> Result<f64, crate::task::Undefined>;

fn relevance(metric: &'static str, arrays: &Arrays, formula: Formula) -> Answer {
    let (features, labels) = (arrays.matrix("features")?, arrays.labels("labels")?);
    if features.nrows() != labels.len() {
        return Err(Failure::input(format!(
            "features has {} rows, labels has {}",
            features.nrows(),
            labels.len()
        )));
    }
    shown(Single { metric, value: formula(&features, &labels) })
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
    shown(Order { found: copeland(&scores, &weights, &indifference), top })
}
