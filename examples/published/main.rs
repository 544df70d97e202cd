//! Prints what others published about scores that rank models, beside what this program makes
//! of the same data: the tables of docs/evaluation.md.
//!
//!     cargo run --example published -- [FOLDER]
//!
//! The folder holds the published files; without one it is `data/ranking` of `UMBRA_SHARED`, or
//! of `../shared`.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod facts;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use umbra::rank::evaluate::{regret_at_1, weighted_tau};

use facts::cells::{classification, dispersion, model_spider, rank_sum, static_list, taus, tllib};
use facts::tables::{Cell, Table, folder, json, metrics, truth};

fn main() -> ExitCode {
    let named = std::env::args().nth(1).map(PathBuf::from);
    let Some(folder) = named.or_else(folder) else {
        eprintln!("NOT RUN: the published tables are not there; name their folder");
        return ExitCode::FAILURE;
    };
    baselines(&folder);
    library(&folder);
    lists(&folder);
    split(&folder);
    zoos(&folder);
    ExitCode::SUCCESS
}

/// Rows of methods, columns of data sets: ours, and a mark where the published cell differs.
fn grid(title: &str, cells: &[Cell]) {
    let mut datasets: Vec<&str> = Vec::new();
    let mut rows: BTreeMap<&str, BTreeMap<&str, &Cell>> = BTreeMap::new();
    for cell in cells {
        if !datasets.contains(&cell.dataset.as_str()) {
            datasets.push(&cell.dataset);
        }
        rows.entry(&cell.method).or_default().insert(&cell.dataset, cell);
    }
    let agree = cells.iter().filter(|cell| cell.agrees()).count();
    println!("\n{title}: {agree} of {} cells to three decimals", cells.len());
    let short = |name: &&str| format!("{:>9}", name.chars().take(9).collect::<String>());
    println!("{:<10}{}", "", datasets.iter().map(short).collect::<String>());
    for (method, row) in rows {
        let shown = |dataset: &&str| {
            let cell = row[dataset];
            let mark = if cell.agrees() { ' ' } else { '*' };
            format!("{:>8.3}{mark}", cell.ours)
        };
        let name: String = method.chars().take(10).collect();
        println!("{name:<10}{}", datasets.iter().map(shown).collect::<String>());
    }
    for cell in cells.iter().filter(|cell| !cell.agrees()) {
        let Cell { dataset, method, published, ours } = cell;
        println!("  * {dataset}/{method}: published {published:.3}, here {ours:.3}");
    }
}

fn baselines(folder: &Path) {
    grid("Model Spider's baselines, raw scores, truth-ranked tau", &model_spider(folder, false));
    let rounded = model_spider(folder, true);
    let agree = rounded.iter().filter(|cell| cell.agrees()).count();
    println!(
        "with the scores of Aircraft/LEEP and Aircraft/LogME to three decimals: {agree} of 72"
    );
}

fn library(folder: &Path) {
    let cells = tllib(folder);
    let sound = |wanted: bool| -> Vec<Cell> {
        cells.iter().filter(|(_, sound)| *sound == wanted).map(|(cell, _)| cell.clone()).collect()
    };
    let (good, stale) = (sound(true), sound(false));
    let agree = good.iter().filter(|cell| cell.agrees()).count();
    println!("\nTLlib, symmetric tau: {agree} of {} sound cells to three decimals", good.len());
    for Cell { dataset, method, published, ours } in &good {
        println!("  {dataset:<16}{method:<8}published {published:>6.3}, here {ours:>6.3}");
    }
    println!("stale or corrupt at the source, not used: {} cells", stale.len());
}

/// Every list and combination against the eight data sets.
fn entries(folder: &Path, truth: &Table) -> Vec<(String, BTreeMap<String, Vec<f64>>)> {
    let scores = metrics(folder, "spider_baselines.csv");
    let models = &truth.models;
    let each = |score: &dyn Fn(&str) -> Vec<f64>| {
        truth.rows.keys().map(|dataset| (dataset.clone(), score(dataset))).collect()
    };
    let mut all = Vec::new();
    for name in ["imagenet_top1", "params", "macs", "train_prior"] {
        let list = static_list(folder, name, models);
        all.push((format!("static {name}"), each(&|_| list.clone())));
    }
    for (name, table) in &scores {
        all.push((name.clone(), each(&|dataset| table.row(dataset, models))));
    }
    let sets: [&[&str]; 6] = [
        &["LogME"],
        &["NCE"],
        &["H-Score"],
        &["H-Score", "LogME"],
        &["NCE", "LogME"],
        &["H-Score", "NCE", "LogME"],
    ];
    for prior in ["", "macs", "train_prior"] {
        let list = (!prior.is_empty()).then(|| static_list(folder, prior, models));
        for names in sets.iter().filter(|names| !prior.is_empty() || names.len() > 1) {
            let fused = |dataset: &str| {
                let metrics: Vec<_> =
                    names.iter().map(|name| scores[*name].row(dataset, models)).collect();
                rank_sum(list.as_deref(), &metrics)
            };
            let plus = if prior.is_empty() { "" } else { " + " };
            all.push((format!("ranks: {prior}{plus}{}", names.join(", ")), each(&fused)));
        }
    }
    all
}

fn lists(folder: &Path) {
    let truth = classification(folder);
    println!("\nmean truth-ranked tau and regret (points) over eight data sets, ten models");
    for (name, scores) in entries(folder, &truth) {
        let (mean, _) = taus(&truth, &|dataset| scores[dataset].clone());
        let regret =
            |(dataset, truth): (&String, &Vec<f64>)| regret_at_1(truth, &scores[dataset]).unwrap();
        let regret = truth.rows.iter().map(regret).sum::<f64>() / truth.rows.len() as f64;
        println!("  {name:<44}{mean:>7.3}{regret:>7.2}");
    }
    let spider = &json(folder, "baselines_to_beat.json")["entries"]["published:Model Spider"];
    println!("  {:<44}{:>7.3}", "published: Model Spider", spider["mean"].as_f64().unwrap());
}

/// What a choice among these is worth on data sets that it was not made on.
fn split(folder: &Path) {
    let truth = classification(folder);
    let entries = entries(folder, &truth);
    let datasets: Vec<&String> = truth.rows.keys().collect();
    let tau = |scores: &BTreeMap<String, Vec<f64>>, dataset: &String| {
        weighted_tau(&truth.rows[dataset], &scores[dataset]).unwrap().truth_ranked
    };
    println!("\nchosen on seven data sets, tau on the eighth");
    let mut sum = 0.0;
    for held in &datasets {
        let train = |scores: &BTreeMap<String, Vec<f64>>| {
            let others = datasets.iter().filter(|dataset| dataset != &held);
            others.map(|dataset| tau(scores, dataset)).sum::<f64>()
        };
        let best = entries.iter().max_by(|a, b| train(&a.1).total_cmp(&train(&b.1))).unwrap();
        let found = tau(&best.1, held);
        sum += found;
        println!("  {held:<12}{found:>7.3}  {}", best.0);
    }
    println!("  {:<12}{:>7.3}", "mean", sum / datasets.len() as f64);
}

fn zoos(folder: &Path) {
    println!(
        "\nhow alike the data sets order a zoo (Kendall's W), and the mean rank on all others"
    );
    println!("  {:<20}{:>7}{:>7}{:>9}{:>9}", "zoo", "W", "tau", "regret", "chance");
    for zoo in ["imagenet10", "sfda_supervised11", "sfda_selfsup12", "multisource42"] {
        let mut table = truth(folder, zoo);
        table.rows.retain(|dataset, _| !matches!(dataset.as_str(), "UTKFace" | "dSprites"));
        let found = dispersion(&table);
        println!(
            "  {zoo:<20}{:>7.3}{:>7.3}{:>9.2}{:>9.2}",
            found.concordance, found.tau, found.regret, found.chance
        );
    }
}
