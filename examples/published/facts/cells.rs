//! Every published figure, and what this program makes of the same data.

use std::path::Path;

use umbra::rank::evaluate::{concordance, mean_ranks, regret_at_1, weighted_tau};

use super::tables::{Cell, Table, json, metrics, truth};

/// The ten models whose accuracies and scores are published.
pub(crate) const ZOO: &str = "imagenet10";
/// The two cells that come from a table rounded to three decimals, where models tie.
const ROUNDED: [(&str, &str); 2] = [("Aircraft", "LEEP"), ("Aircraft", "LogME")];

pub(crate) fn rounded(values: &[f64]) -> Vec<f64> {
    values.iter().map(|value| (value * 1000.0).round() / 1000.0).collect()
}

/// Accuracies on the eight data sets of classes; the other two are regressions.
pub(crate) fn classification(folder: &Path) -> Table {
    let mut table = truth(folder, ZOO);
    table.rows.retain(|dataset, _| !matches!(dataset.as_str(), "UTKFace" | "dSprites"));
    table
}

/// Model Spider's table of baselines: truth-ranked tau of nine metrics on eight data sets.
pub(crate) fn model_spider(folder: &Path, round: bool) -> Vec<Cell> {
    let (truth, scores) = (truth(folder, ZOO), metrics(folder, "spider_baselines.csv"));
    let published = json(folder, "model_spider_table.json");
    let cell = |row: &serde_json::Value| {
        let text = |key: &str| row[key].as_str().unwrap().to_owned();
        let (dataset, method) = (text("dataset"), text("method"));
        let mut score = scores[&method].row(&dataset, &truth.models);
        if round && ROUNDED.contains(&(dataset.as_str(), method.as_str())) {
            score = rounded(&score);
        }
        let ours = weighted_tau(&truth.rows[&dataset], &score).unwrap().truth_ranked;
        Cell { dataset, method, published: row["published"].as_f64().unwrap(), ours }
    };
    published["rows"].as_array().unwrap().iter().map(cell).collect()
}

/// Whether a cell of the library's table belongs to the scores beside it. Those of Aircraft and
/// Pets were computed with other accuracies, one column is a copy of another, and three figures
/// of LogME are of other scores.
fn is_sound(dataset: &str, method: &str) -> bool {
    let stale = matches!(
        (dataset, method),
        ("Aircraft" | "OxfordIIITPets", _)
            | ("DTD", "NCE")
            | ("Caltech101" | "CIFAR100" | "DTD", "LogME")
    );
    !stale
}

/// The library's table: symmetric tau of four metrics; with each whether its source is sound.
pub(crate) fn tllib(folder: &Path) -> Vec<(Cell, bool)> {
    let scores = metrics(folder, "tllib_model_selection_table.csv");
    let published = json(folder, "tllib_table.json");
    let cell = |row: &serde_json::Value| {
        let text = |key: &str| row[key].as_str().unwrap().to_owned();
        let (dataset, method) = (text("dataset"), text("method"));
        let models = &scores["finetune_accuracy"].models;
        let side = |name: &str| scores[name].row(&dataset, models);
        let ours = weighted_tau(&side("finetune_accuracy"), &side(&method)).unwrap().symmetric;
        let sound = is_sound(&dataset, &method);
        (Cell { dataset, method, published: row["published_wtau"].as_f64().unwrap(), ours }, sound)
    };
    published["rows"].as_array().unwrap().iter().map(cell).collect()
}

/// A list that names the same order for every data set, higher being better.
pub(crate) fn static_list(folder: &Path, name: &str, models: &[String]) -> Vec<f64> {
    let file = json(folder, "baselines_to_beat.json");
    let feature = |key: &str, model: &String| file["static_features"][model][key].as_f64();
    let value = |model: &String| match name {
        "macs" => feature("macs_G", model),
        "params" => feature("params_M", model),
        // A place in the order, the highest being best.
        "train_prior" => file["train_prior_mean_rank"][model].as_f64(),
        other => feature(other, model),
    };
    models.iter().map(|model| value(model).unwrap()).collect()
}

/// The rank sum of a prior and of the mean over metrics: the prior counts as much as all
/// metrics together. Higher is better. Nothing is divided: sums of half ranks are exact, and
/// models that tie do tie.
pub(crate) fn rank_sum(prior: Option<&[f64]>, metrics: &[Vec<f64>]) -> Vec<f64> {
    let mut lists = vec![prior.map(mean_ranks).unwrap_or_default(); metrics.len().max(1)];
    lists.extend(metrics.iter().map(|metric| mean_ranks(metric)));
    let items = lists.iter().map(Vec::len).max().unwrap_or(0);
    let sum = |at: usize| lists.iter().filter_map(|ranks| ranks.get(at)).sum::<f64>();
    (0..items).map(|at| -sum(at)).collect()
}

/// Mean tau over the data sets, and the tau on each, in their order.
pub(crate) fn taus(truth: &Table, score: &dyn Fn(&str) -> Vec<f64>) -> (f64, Vec<f64>) {
    let tau = |dataset: &String| {
        weighted_tau(&truth.rows[dataset], &score(dataset)).unwrap().truth_ranked
    };
    let taus: Vec<f64> = truth.rows.keys().map(tau).collect();
    (taus.iter().sum::<f64>() / taus.len() as f64, taus)
}

/// How much a zoo's data sets agree, and what the mean rank on all others is worth on each.
#[derive(Debug)]
pub(crate) struct Dispersion {
    pub(crate) concordance: f64,
    pub(crate) tau: f64,
    pub(crate) regret: f64,
    pub(crate) chance: f64,
}

pub(crate) fn dispersion(truth: &Table) -> Dispersion {
    let lists: Vec<Vec<f64>> = truth.rows.values().cloned().collect();
    let ranks: Vec<Vec<f64>> = lists.iter().map(|list| mean_ranks(list)).collect();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mut taus, mut regrets, mut chances) = (Vec::new(), Vec::new(), Vec::new());
    for (held, list) in lists.iter().enumerate() {
        let of_others = |at: usize| {
            let others = ranks.iter().enumerate().filter(|(other, _)| *other != held);
            -others.map(|(_, ranks)| ranks[at]).sum::<f64>()
        };
        let prior: Vec<f64> = (0..list.len()).map(of_others).collect();
        taus.push(weighted_tau(list, &prior).unwrap().truth_ranked);
        regrets.push(regret_at_1(list, &prior).unwrap());
        chances.push(regret_at_1(list, &vec![0.0; list.len()]).unwrap());
    }
    Dispersion {
        concordance: concordance(&lists).unwrap(),
        tau: mean(&taus),
        regret: mean(&regrets),
        chance: mean(&chances),
    }
}
