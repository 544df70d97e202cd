//! The whole ranking: every candidate, and the Pareto front.

use serde_json::Value;

use super::candidate::{CandidateJson, Known};
use super::select::candidates;
use super::text::{page, wrap};
use super::{Show, document, speed};
use crate::agent::Selection;

/// What `rank` shows.
#[derive(Debug)]
pub struct Ranked(pub Selection);

impl Show for Ranked {
    fn text(&self) -> String {
        let ranking = &self.0.ranking;
        let mut lines = candidates(&self.0, usize::MAX);
        if !ranking.pareto.is_empty() {
            lines.extend(wrap("pareto  ", &ranking.pareto.join(", "), 4));
        }
        if ranking.indistinguishable.len() > 1 {
            lines.extend(wrap("tied    ", &ranking.indistinguishable.join(", "), 4));
        }
        lines.extend(speed::lines(&self.0.speeds));
        page(&lines)
    }

    fn json(&self) -> Value {
        let known = Known::all(&self.0);
        let rows = &self.0.ranking.rows;
        let order: Vec<&str> = self
            .0
            .ranking
            .order
            .iter()
            .filter_map(|&at| rows.get(at))
            .map(|row| row.id.as_str())
            .collect();
        document(serde_json::json!({
            "candidates": known.iter().map(CandidateJson::of).collect::<Vec<_>>(),
            "order": order,
            "pareto": self.0.ranking.pareto,
            "speeds": speed::speeds(&self.0.speeds),
            "indistinguishable": self.0.ranking.indistinguishable,
        }))
    }
}
