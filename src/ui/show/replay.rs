//! A decision taken again from the figures that another run, or another board, printed.

use serde_json::{Value, json};

use super::select::decision;
use super::text::{number, page, wrap};
use super::{Show, document};
use crate::decide::Decision;
use crate::rank::{Ranking, Row};

/// What `rank --from` shows.
#[derive(Debug)]
pub struct Replayed {
    /// The order under the policy asked for.
    pub ranking: Ranking,
    /// The decision that follows, with nothing running.
    pub decision: Decision,
}

impl Replayed {
    fn rows(&self) -> impl Iterator<Item = &Row> {
        self.ranking.order.iter().filter_map(|&at| self.ranking.rows.get(at))
    }
}

impl Show for Replayed {
    fn text(&self) -> String {
        let mut lines = Vec::new();
        for (place, row) in self.rows().enumerate() {
            let score = row.copeland.map_or_else(|| "-".to_owned(), number);
            lines.extend(wrap(
                &format!("{:>2}      ", place + 1),
                &format!("{}, {score}", row.id),
                1,
            ));
        }
        let model = self.decision.model.as_deref().unwrap_or("-");
        lines.extend(wrap("choice  ", model, 1));
        lines.extend(wrap("why     ", &self.decision.reason, 3));
        if let Some(flip) = &self.decision.flip {
            lines.extend(wrap("change  ", &flip.text, 2));
        }
        page(&lines)
    }

    fn json(&self) -> Value {
        document(json!({
            "order": self.rows().map(|row| row.id.as_str()).collect::<Vec<_>>(),
            "ranking": self.ranking,
            "decision": decision(&self.decision),
        }))
    }
}
