//! The table of boards: what each model cost where it was measured.

use std::path::Path;

use serde_json::Value;
use umbra::model::Candidate;
use umbra::rank::cost::Traits;

use super::{CollectError, Written, candidates, cell, table};
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

/// A row for each measured pair.
#[derive(Debug, Default)]
pub(super) struct Rows(Vec<Vec<String>>);

impl Rows {
    /// What `umbra rank` printed; the device is called as the file.
    pub(super) fn add(
        &mut self,
        zoo: &[Candidate],
        path: &Path,
        document: &Value,
    ) -> Result<(), CollectError> {
        let device = path.file_stem().unwrap_or_default().to_string_lossy();
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
            self.0.push(cells);
        }
        Ok(())
    }

    /// The table; none without a row.
    pub(super) fn finish(self) -> Result<Option<Written>, CollectError> {
        (!self.0.is_empty()).then(|| table("fleet.csv", &COLUMNS, &self.0)).transpose()
    }
}
