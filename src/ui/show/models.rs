//! The list of candidates.

use serde_json::Value;

use super::inspect::ModelJson;
use super::table::{Align, Table};
use super::text::{bytes, count, page};
use super::{Show, document};
use crate::model::Candidate;

/// What `models` shows.
#[derive(Debug)]
pub struct Models(pub Vec<Candidate>);

impl Show for Models {
    fn text(&self) -> String {
        let columns = [
            ("model", Align::Name),
            ("quantised", Align::Left),
            ("file", Align::Right),
            ("params", Align::Right),
            ("MACs", Align::Right),
            ("trained on", Align::Left),
        ];
        let mut table = Table::new(&columns);
        for candidate in &self.0 {
            row(&mut table, candidate);
        }
        page(&table.lines())
    }

    fn json(&self) -> Value {
        let models: Vec<_> =
            self.0.iter().map(|candidate| ModelJson::of(candidate, None)).collect();
        document(serde_json::json!({ "models": models }))
    }
}

fn row(table: &mut Table, candidate: &Candidate) {
    let name = candidate.id.clone();
    if let Some(rejection) = &candidate.rejection {
        let note = format!("at {}: {}", rejection.stage.name(), rejection.reason);
        return table.note(vec![name, "rejected".to_owned()], &note);
    }
    let card = candidate.card.as_ref();
    let source = candidate.manifest.as_ref().and_then(|manifest| manifest.source.as_ref());
    table.row(vec![
        name,
        card.map_or("-", |card| card.quantization.name()).to_owned(),
        bytes(candidate.bytes),
        card.map_or_else(|| "-".to_owned(), |card| count(card.params)),
        card.and_then(|card| card.macs).map_or_else(|| "-".to_owned(), count),
        source.map_or("-", |source| source.task.as_str()).to_owned(),
    ]);
}
