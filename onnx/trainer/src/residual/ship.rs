//! The file that ships, from every table whose models have nodes.

use std::path::Path;

use prost::Message as _;
use serde_json::{Value, json};
use umbra::engine;
use umbra::rank::cost::REACH;
use umbra::rank::cost::residual::{Correction, Cost, Residual};

use super::fit::{FOLDS, Fitted, fit, teach};
use super::{Rows, export, rows};
use crate::progress::Progress;
use crate::ranker::{SAME, TrainError};
use crate::tables::{self, Dataset};

/// What the file is called.
const NAME: &str = "shadow.onnx";
/// Rows that the file is held against the network on.
const CHECKED: usize = 200;

/// A correction ready to be written, and its figures.
pub(crate) struct Shipped {
    pub(crate) bytes: Vec<u8>,
    pub(crate) figures: Value,
    pub(crate) text: String,
}

/// Trains on all tables of a folder, and judges on devices left out in turn.
pub(crate) fn ship(folder: &Path) -> Result<Shipped, TrainError> {
    let mut all = Rows::default();
    let mut of_tables = Vec::new();
    for table in tables::read(folder)? {
        let boards: Vec<_> = table.boards.iter().collect();
        let found = rows(&table, &boards, kind(&table))?;
        if !found.errors.is_empty() {
            of_tables.push((table.name, found.clone()));
            all.join(found);
        }
    }
    let Some(fitted) = teach(&all)? else {
        return Err(TrainError::Nothing(folder.to_owned()));
    };
    let bytes = export::model(&fitted)?.encode_to_vec();
    let off = difference(&fitted, &all, &bytes)?;
    if off > SAME {
        return Err(TrainError::Differs { name: NAME, off });
    }
    let judged = judge(&all, &of_tables, &fitted)?;
    let figures = figures(&all, &fitted, bytes.len(), &judged);
    let text = text(&judged) + &format!("\n{NAME}: {} bytes, off by {off:.1e}\n", bytes.len());
    Ok(Shipped { bytes, figures, text })
}

fn text(judged: &[Judged]) -> String {
    let mut text = String::from(
        "| table | devices | off by, rates | corrected | in interval, rates | corrected |\n\
         |---|--:|--:|--:|--:|--:|\n",
    );
    for Judged { table, devices, off: [rates, corrected], inside } in judged {
        let [before, after] = inside.map(|share| 100.0 * share);
        text += &format!(
            "| {table} | {devices} | {rates:.4} | {corrected:.4} | {before:.0} % | {after:.0} % |\n"
        );
    }
    text
}

fn figures(all: &Rows, fitted: &Fitted, bytes: usize, judged: &[Judged]) -> Value {
    let recipe = fitted.recipe;
    let table = |judged: &Judged| {
        json!({ "table": judged.table, "devices": judged.devices, "off_by_rates": judged.off[0],
            "off_corrected": judged.off[1], "in_interval_by_rates": judged.inside[0],
            "in_interval_corrected": judged.inside[1] })
    };
    json!({
        "schema": 1, "bytes": bytes, "rows": all.errors.len(), "devices": all.names.len(),
        "reads_board": recipe.board, "steps": recipe.steps, "dropped": recipe.dropped,
        "held_out_to_choose": format!("one device in {FOLDS}"),
        "devices_left_out": judged.iter().map(table).collect::<Vec<_>>(),
    })
}

/// What a table's costs are.
pub(crate) fn kind(table: &Dataset) -> Cost {
    if table.name.contains("energy") { Cost::Energy } else { Cost::Latency }
}

/// Largest difference between the file and the network.
fn difference(fitted: &Fitted, rows: &Rows, file: &[u8]) -> Result<f64, TrainError> {
    let engines = engine::available();
    let mut most = 0.0_f64;
    let step = (rows.errors.len() / CHECKED).max(1);
    for at in (0..rows.errors.len()).step_by(step) {
        let (Some(model), Some(board)) = (rows.models.get(at), rows.boards.get(at)) else {
            continue;
        };
        let said = fitted.say(&[*model], &[*board])?;
        let found = Residual::new(file, &engines, 1)?.corrections(&[*model], board, 1.0)?;
        for (found, said) in found.iter().zip(said) {
            let said = Correction::of(said, 1.0);
            let apart = (found.mean - said.mean).abs();
            most = most.max(apart).max((found.deviation - said.deviation).abs());
        }
    }
    Ok(most)
}

/// A table on devices left out in turn: the mean error of the logarithm whatever its sign, and the
/// share of costs inside their 95 % interval, each by the rates and corrected. Devices count alike.
#[derive(Debug, Clone, Default)]
struct Judged {
    table: &'static str,
    devices: usize,
    off: [f64; 2],
    inside: [f64; 2],
}

impl Judged {
    /// One device more.
    fn add(&mut self, rows: &Rows, corrections: &[Correction]) {
        let each = rows.errors.iter().zip(&rows.expected).zip(corrections);
        let share = 1.0 / rows.errors.len().max(1) as f64;
        for ((error, expected), corrected) in each {
            let (error, expected) = (f64::from(*error), f64::from(*expected));
            let left = error - corrected.mean;
            self.off[0] += share * error.abs();
            self.off[1] += share * left.abs();
            let inside = |left: f64, deviation: f64| left.abs() <= REACH * deviation;
            self.inside[0] += if inside(error, expected) { share } else { 0.0 };
            self.inside[1] += if inside(left, corrected.deviation) { share } else { 0.0 };
        }
        self.devices += 1;
    }

    /// Sums over devices as means.
    fn mean(self) -> Self {
        let over = |sum: f64| sum / self.devices.max(1) as f64;
        Self { off: self.off.map(over), inside: self.inside.map(over), ..self }
    }
}

fn judge(
    all: &Rows,
    of_tables: &[(&'static str, Rows)],
    fitted: &Fitted,
) -> Result<Vec<Judged>, TrainError> {
    let blank = |(table, _): &(&'static str, Rows)| Judged { table, ..Judged::default() };
    let mut judged: Vec<Judged> = of_tables.iter().map(blank).collect();
    let mut progress = Progress::new("devices left out", all.names.len());
    for (left_out, name) in all.names.iter().enumerate() {
        let without = fit(&all.of(|device| device != left_out), fitted.recipe)?;
        for ((_, rows), judged) in of_tables.iter().zip(&mut judged) {
            let own = rows.names.iter().position(|other| other == name);
            let rows = rows.of(|device| Some(device) == own);
            if !rows.errors.is_empty() {
                judged.add(&rows, &without.corrections(&rows)?);
            }
        }
        progress.step();
    }
    Ok(judged.into_iter().map(Judged::mean).collect())
}
