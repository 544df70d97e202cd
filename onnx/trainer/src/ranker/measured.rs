//! Boards that were measured: speeds as the agent's probes found them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use umbra::rank::cost::roofline::Rates;

use super::facts::FactsError;
use crate::table::TableError;

/// The file in a folder of facts: an object of rates by device and configuration.
pub(crate) const SPEEDS: &str = "boards.json";

/// Of all folders that have the file.
pub(super) fn boards(folders: &[PathBuf]) -> Result<Vec<Rates>, FactsError> {
    let mut found = Vec::new();
    for path in folders.iter().map(|folder| folder.join(SPEEDS)).filter(|path| path.exists()) {
        let bytes = std::fs::read(&path)
            .map_err(|source| TableError::Open { path: path.clone(), source })?;
        let known: BTreeMap<String, Rates> = serde_json::from_slice(&bytes)
            .map_err(|source| FactsError::Boards { path: path.clone(), source })?;
        found.extend(known.into_values());
    }
    Ok(found)
}
