//! Tables of the models themselves.

use std::path::PathBuf;

use umbra::model::Candidate;

use super::{CollectError, Written, table};
use crate::portraits;

/// What the ranker knows of each.
pub(super) fn portraits(folder: &PathBuf) -> Result<Written, CollectError> {
    let text = portraits::table(folder)?;
    let rows = text.lines().count().saturating_sub(1);
    Ok(("portraits.csv", text.into_bytes(), rows))
}

/// Family and source, as the sidecars state them.
pub(super) fn backbones(zoo: &[Candidate]) -> Result<Written, CollectError> {
    let row = |model: &Candidate| {
        let manifest = model.manifest.as_ref();
        let family = manifest.map(|stated| stated.family.clone()).unwrap_or_default();
        let source = manifest.and_then(|stated| stated.source.as_ref());
        vec![model.id.clone(), family, source.map(|of| of.task.clone()).unwrap_or_default()]
    };
    let rows: Vec<Vec<String>> = zoo.iter().map(row).collect();
    table("backbones.csv", &["backbone", "family", "source"], &rows)
}
