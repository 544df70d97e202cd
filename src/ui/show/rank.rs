//! The whole ranking: every candidate, and the Pareto front.

use serde_json::Value;

use super::candidate::{CandidateJson, Known};
use super::select::candidates;
use super::text::{page, wrap};
use super::{Show, document, speed};
use crate::agent::Selection;
use crate::rank::{Method, Ranking};

/// What `rank` shows.
#[derive(Debug)]
pub struct Ranked(pub Selection);

impl Show for Ranked {
    fn text(&self) -> String {
        let ranking = &self.0.ranking;
        let mut lines: Vec<String> = method(ranking).into_iter().collect();
        lines.extend(candidates(&self.0, usize::MAX));
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
            "method": self.0.ranking.method,
            "order": order,
            "pareto": self.0.ranking.pareto,
            "speeds": speed::speeds(&self.0.speeds),
            "indistinguishable": self.0.ranking.indistinguishable,
        }))
    }
}

/// By what the candidates are ordered, where it is not the usual rule.
pub(crate) fn method(ranking: &Ranking) -> Option<String> {
    let by = match ranking.method {
        Method::Shadow => return None,
        Method::Corrected => "task and costs, predicted latencies corrected by other boards",
        Method::Fusion => "fusion: one learned score of task and board, within the limits",
        Method::Spider => "spider: one learned score of the task, within the limits",
        Method::Static => "static: what was expected before anything was seen",
    };
    Some(format!("order by {by}"))
}
