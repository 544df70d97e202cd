//! Boards: what each model cost where it was measured, and the speeds that probes showed there.

use std::path::Path;

use serde_json::{Map, Value};
use umbra::model::Candidate;
use umbra::rank::cost::Traits;

use super::{CollectError, Written, candidates, cell, table};
use crate::ranker::SPEEDS;
use crate::work;

const COLUMNS: [&str; 11] = [
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
    "peak_rss_bytes",
];

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Boards {
    /// A row for each measured pair.
    rows: Vec<Vec<String>>,
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
        let device = path.file_stem().unwrap_or_default().to_string_lossy();
        for (config, rates) in
            document.get("speeds").and_then(Value::as_object).into_iter().flatten()
        {
            self.speeds.insert(format!("{device}, {config}"), rates.clone());
        }
        for (model, row) in candidates(zoo, path, document)? {
            let costs =
                ["/latency_us/p50", "/energy_mj", "/peak_rss_bytes"].map(|key| cell(row, key));
            let Some(card) = model.card.as_ref().filter(|_| !costs[0].is_empty()) else {
                continue;
            };
            let runtime = row.get("config_id").and_then(Value::as_str).unwrap_or_default();
            let family = model.manifest.as_ref().map(|stated| stated.family.clone());
            let mut cells = vec![
                model.id.clone(),
                family.unwrap_or_default(),
                u8::from(Traits::of(card).int8).to_string(),
                card.params.to_string(),
                card.macs.map_or_else(String::new, |macs| macs.to_string()),
                work::text(&card.work),
                device.clone().into_owned(),
                runtime.to_owned(),
            ];
            cells.extend(costs);
            self.rows.push(cells);
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
