//! Judging: each dataset is ranked by what was learned from the others.

use umbra::rank::evaluate::{mean_ranks, regret_at_1, top_recall, weighted_tau};

use super::facts::{Facts, Task};
use super::fit::{Recipe, fit, predict};
use crate::progress::Progress;

/// How good one way is.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    /// What it is called.
    pub(crate) name: String,
    /// Of each dataset: weighted tau (truth-ranked), regret in accuracy points, best in the first three.
    pub(crate) datasets: Vec<[f64; 3]>,
}

impl Judged {
    /// Means over the datasets.
    pub(crate) fn means(&self) -> [f64; 3] {
        let count = self.datasets.len().max(1) as f64;
        let mut means = [0.0; 3];
        for (at, mean) in means.iter_mut().enumerate() {
            *mean = self.datasets.iter().filter_map(|row| row.get(at)).sum::<f64>() / count;
        }
        means
    }
}

/// Judges a way that learns nothing.
pub(crate) fn plain(facts: &Facts, name: &str, score: impl Fn(&Task) -> Vec<f64>) -> Judged {
    let names = facts.datasets();
    let datasets = names.iter().map(|dataset| {
        let each: Vec<[f64; 3]> =
            of(facts, dataset).map(|task| agreement(task, &score(task))).collect();
        mean(&each)
    });
    Judged { name: name.to_owned(), datasets: datasets.collect() }
}

/// Judges a recipe, one dataset left out after another; scores are means over the seeds.
pub(crate) fn left_out(
    facts: &Facts,
    name: &str,
    recipe: &Recipe,
    seeds: &[u64],
    progress: &mut Progress,
) -> candle_core::Result<Judged> {
    let mut datasets = Vec::new();
    for dataset in facts.datasets() {
        let (held, rest): (Vec<&Task>, Vec<&Task>) =
            facts.tasks.iter().partition(|task| task.dataset == dataset);
        let mut sums: Vec<Vec<f64>> =
            held.iter().map(|task| vec![0.0; task.candidates.len()]).collect();
        for seed in seeds {
            let fitted = fit(facts, &rest, recipe, *seed)?;
            let found = predict(facts, &held, &fitted)?;
            for (sum, found) in sums.iter_mut().zip(found) {
                sum.iter_mut().zip(standard(&found)).for_each(|(sum, score)| *sum += score);
            }
        }
        let each: Vec<[f64; 3]> =
            held.iter().zip(&sums).map(|(task, scores)| agreement(task, scores)).collect();
        datasets.push(mean(&each));
        progress.step();
    }
    Ok(Judged { name: name.to_owned(), datasets })
}

/// The mean rank of the three scores, higher being better; a score that abstains ranks last.
pub(crate) fn mean_rank(task: &Task) -> Vec<f64> {
    let mut sums = vec![0.0; task.candidates.len()];
    for at in 0..3 {
        let of = |scores: &[Option<f64>; 3]| scores.get(at).copied().flatten().unwrap_or(f64::MIN);
        let column: Vec<f64> = task.scores.iter().map(of).collect();
        sums.iter_mut().zip(mean_ranks(&column)).for_each(|(sum, rank)| *sum -= rank);
    }
    sums
}

fn of<'a>(facts: &'a Facts, dataset: &'a str) -> impl Iterator<Item = &'a Task> {
    facts.tasks.iter().filter(move |task| task.dataset == dataset)
}

/// Weighted tau (truth-ranked), regret in hundredths, best in the first three.
pub(crate) fn agreement(task: &Task, scores: &[f64]) -> [f64; 3] {
    [
        weighted_tau(&task.truth, scores).map_or(0.0, |tau| tau.truth_ranked),
        regret_at_1(&task.truth, scores).map_or(100.0, |regret| 100.0 * regret),
        top_recall(&task.truth, scores, 3).unwrap_or(0.0),
    ]
}

/// Mean of each column.
pub(crate) fn mean(rows: &[[f64; 3]]) -> [f64; 3] {
    Judged { name: String::new(), datasets: rows.to_vec() }.means()
}

/// Mean 0 and deviation 1.
pub(crate) fn standard(values: &[f64]) -> Vec<f64> {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    values.iter().map(|value| (value - mean) / variance.sqrt().max(1e-12)).collect()
}
