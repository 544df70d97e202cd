//! The published tables, read from a folder: fine-tuning accuracies, metric scores, and what
//! their authors printed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Where the tables lie: `UMBRA_SHARED`, or `../shared` beside the repository.
pub(crate) fn folder() -> Option<PathBuf> {
    let shared = std::env::var("UMBRA_SHARED")
        .unwrap_or_else(|_| format!("{}/../shared", env!("CARGO_MANIFEST_DIR")));
    let folder = Path::new(&shared).join("data/ranking");
    folder.is_dir().then_some(folder)
}

/// Values per data set, each a list over the same models.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    pub(crate) models: Vec<String>,
    pub(crate) rows: BTreeMap<String, Vec<f64>>,
}

impl Table {
    /// Gathers (data set, model, value) in the order of the file.
    fn gather(cells: impl Iterator<Item = (String, String, f64)>) -> Self {
        let mut table = Self::default();
        for (dataset, model, value) in cells {
            let at = table.models.iter().position(|found| *found == model).unwrap_or_else(|| {
                table.models.push(model);
                table.models.len() - 1
            });
            let row = table.rows.entry(dataset).or_default();
            row.resize(row.len().max(at + 1), f64::NAN);
            row[at] = value;
        }
        table
    }

    /// A list for these models, in their order.
    pub(crate) fn row(&self, dataset: &str, models: &[String]) -> Vec<f64> {
        let place = |model: &String| self.models.iter().position(|found| found == model).unwrap();
        models.iter().map(|model| self.rows[dataset][place(model)]).collect()
    }
}

fn lines(folder: &Path, name: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    text.lines().map(|line| line.split(',').map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// Accuracy after fine-tuning, in percent, of the models of one zoo.
pub(crate) fn truth(folder: &Path, zoo: &str) -> Table {
    let lines = lines(folder, "ground_truth_accuracy.csv");
    let of_zoo = lines.iter().skip(1).filter(|cells| cells[0] == zoo);
    Table::gather(
        of_zoo.map(|cells| (cells[1].clone(), cells[2].clone(), cells[3].parse().unwrap())),
    )
}

/// A file of one column per metric: data set, model, scores.
pub(crate) fn metrics(folder: &Path, name: &str) -> BTreeMap<String, Table> {
    let lines = lines(folder, name);
    let (head, rows) = lines.split_first().unwrap();
    let column = |(at, metric): (usize, &String)| {
        let cell = move |cells: &Vec<String>| {
            let value = cells.get(at).and_then(|cell| cell.parse().ok()).unwrap_or(f64::NAN);
            (cells[0].clone(), cells[1].clone(), value)
        };
        (metric.clone(), Table::gather(rows.iter().map(cell)))
    };
    head.iter().enumerate().skip(2).map(column).collect()
}

pub(crate) fn json(folder: &Path, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
}

/// A published figure beside the recomputed one.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) dataset: String,
    pub(crate) method: String,
    pub(crate) published: f64,
    pub(crate) ours: f64,
}

impl Cell {
    /// The same to three decimals, as printed.
    pub(crate) fn agrees(&self) -> bool {
        format!("{:.3}", self.ours) == format!("{:.3}", self.published)
    }
}
