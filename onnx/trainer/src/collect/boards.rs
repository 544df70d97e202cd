//! Boards: what each model cost where it was measured, and the speeds that probes showed there.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value};
use umbra::model::Candidate;
use umbra::rank::cost::Traits;

use super::{CollectError, Written, candidates, cell, table};
use crate::ranker::SPEEDS;
use crate::work;

const COLUMNS: [&str; 12] = [
    "model",
    "family",
    "int8",
    "params",
    "macs",
    "work",
    "device",
    "runtime",
    "latency_us",
    "energy_mj",
    "energy_scope",
    "peak_rss_bytes",
];

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Boards {
    /// A row for each measured pair.
    rows: Vec<Vec<String>>,
    /// Boards that were seen.
    devices: BTreeSet<String>,
    /// Speeds by device and configuration, as the agent printed them.
    speeds: Map<String, Value>,
}

impl Boards {
    /// What `umbra rank` printed; the device is called as the file.
    pub(super) fn add(
        &mut self,
        zoo: &[Candidate],
        path: &Path,
        document: &Value,
    ) -> Result<(), CollectError> {
        let device = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if !self.devices.insert(device.clone()) {
            return Err(CollectError::Twice(device));
        }
        for (config, rates) in
            document.get("speeds").and_then(Value::as_object).into_iter().flatten()
        {
            self.speeds.insert(format!("{device}, {config}"), rates.clone());
        }
        for (model, row) in
            candidates(zoo, path, document)?.into_iter().filter(|(_, row)| counts(row))
        {
            self.rows.extend(cells(model, row, &device));
        }
        Ok(())
    }

    /// The table and the speeds, as far as there are any.
    pub(super) fn finish(self) -> Result<Vec<Written>, CollectError> {
        let mut found = Vec::new();
        if !self.rows.is_empty() {
            found.push(table("fleet.csv", &COLUMNS, &self.rows)?);
        }
        if !self.speeds.is_empty() {
            let rows = self.speeds.len();
            let text = format!("{:#}\n", Value::Object(self.speeds));
            found.push((SPEEDS, text.into_bytes(), rows));
        }
        Ok(found)
    }
}

/// Whether a trial says what a model costs: one that the agent itself would rank by.
fn counts(row: &Value) -> bool {
    let verdict = row.get("verdict").and_then(Value::as_str);
    verdict.is_some_and(|verdict| ["valid", "suspect"].contains(&verdict))
}

/// The row of one pair; none without a latency.
fn cells(model: &Candidate, row: &Value, device: &str) -> Option<Vec<String>> {
    let latency = Some(cell(row, "/latency_us/p50")).filter(|cell| !cell.is_empty())?;
    let card = model.card.as_ref()?;
    let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let family = model.manifest.as_ref().map(|stated| stated.family.clone());
    // What was computed was not measured.
    let scope = Some(text("energy_scope")).filter(|scope| scope != "estimate");
    let energy = scope.as_ref().map(|_| cell(row, "/energy_mj"));
    Some(vec![
        model.id.clone(),
        family.unwrap_or_default(),
        u8::from(Traits::of(card).int8).to_string(),
        card.params.to_string(),
        card.macs.map_or_else(String::new, |macs| macs.to_string()),
        work::text(&card.work),
        device.to_owned(),
        text("config_id"),
        latency,
        energy.unwrap_or_default(),
        scope.unwrap_or_default(),
        cell(row, "/peak_rss_bytes"),
    ])
}
