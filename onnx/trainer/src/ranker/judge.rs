//! Judging: each dataset is ranked by what was learned from the others.

use umbra::base::random::SplitMix64;
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

/// Judges a recipe, one dataset left out after another, after the samples and before any; scores are
/// means over the seeds.
pub(crate) fn left_out(
    facts: &Facts,
    name: &str,
    recipe: &Recipe,
    seeds: &[u64],
    progress: &mut Progress,
) -> candle_core::Result<[Judged; 2]> {
    let names = [name.to_owned(), format!("{name}; no sample seen")];
    let mut both = names.map(|name| Judged { name, datasets: Vec::new() });
    for dataset in facts.datasets() {
        let (held, rest): (Vec<&Task>, Vec<&Task>) =
            facts.tasks.iter().partition(|task| task.dataset == dataset);
        let fitted = seeds.iter().map(|seed| fit(facts, &rest, recipe, *seed));
        let fitted = fitted.collect::<candle_core::Result<Vec<_>>>()?;
        for (judged, samples) in both.iter_mut().zip([true, false]) {
            let found = fitted.iter().map(|fitted| predict(facts, &held, fitted, samples));
            let sums = summed(&found.collect::<candle_core::Result<Vec<_>>>()?);
            let each: Vec<[f64; 3]> =
                held.iter().zip(&sums).map(|(task, scores)| agreement(task, scores)).collect();
            judged.datasets.push(mean(&each));
        }
        progress.step();
    }
    Ok(both)
}

/// Scores of each task, summed over networks, each of equal say.
fn summed(found: &[Vec<Vec<f64>>]) -> Vec<Vec<f64>> {
    let mut sums: Vec<Vec<f64>> = Vec::new();
    for of_network in found {
        sums.resize_with(of_network.len(), Vec::new);
        for (sum, scores) in sums.iter_mut().zip(of_network) {
            sum.resize(scores.len(), 0.0);
            sum.iter_mut().zip(standard(scores)).for_each(|(sum, score)| *sum += score);
        }
    }
    sums
}

/// How far one way leads another.
#[derive(Debug, Clone)]
pub(crate) struct Lead {
    /// The other.
    pub(crate) over: String,
    /// Weighted tau and regret: mean difference, low and high end of its 95 % interval.
    pub(crate) figures: [[f64; 3]; 2],
}

/// Draws of the datasets, and where their means are cut for 95 %.
const DRAWS: usize = 10_000;
const CUT: f64 = 0.025;

/// The difference between two ways on the same tasks; the interval is that of draws of the datasets with
/// replacement.
pub(crate) fn lead(one: &Judged, other: &Judged) -> Lead {
    let figure = |at: usize| {
        let pairs = one.datasets.iter().zip(&other.datasets);
        let apart: Vec<f64> = pairs.filter_map(|(a, b)| Some(a.get(at)? - b.get(at)?)).collect();
        let (mean, [low, high]) = (average(apart.iter().copied()), interval(&apart));
        [mean, low, high]
    };
    Lead { over: other.name.clone(), figures: [figure(0), figure(1)] }
}

fn average(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len().max(1) as f64;
    values.sum::<f64>() / count
}

fn interval(values: &[f64]) -> [f64; 2] {
    let mut chance = SplitMix64::new(1);
    let mut mean = |_| {
        let draw = (0..values.len()).map(|_| values.get(chance.below(values.len())).copied());
        average(draw.map(Option::unwrap_or_default).collect::<Vec<_>>().into_iter())
    };
    let mut means: Vec<f64> = (0..DRAWS).map(&mut mean).collect();
    means.sort_by(f64::total_cmp);
    let cut = (CUT * DRAWS as f64) as usize;
    [cut, DRAWS - 1 - cut].map(|at| means.get(at).copied().unwrap_or_default())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lead_is_sure_where_all_datasets_agree_on_it() {
        let of = |taus: [f64; 4]| Judged {
            name: String::new(),
            datasets: taus.map(|tau| [tau, 0.0, 0.0]).to_vec(),
        };
        let base = of([0.5, 0.6, 0.4, 0.7]);
        let [mean, low, high] = lead(&of([0.6, 0.75, 0.5, 0.75]), &base).figures[0];
        assert!(
            (mean - 0.1).abs() < 1e-9 && low >= 0.05 && high <= 0.15 && low < mean,
            "{low} {high}"
        );
        let [_, low, high] = lead(&of([0.7, 0.4, 0.6, 0.5]), &base).figures[0];
        assert!(low < 0.0 && high > 0.0, "{low} {high}");
    }
}
