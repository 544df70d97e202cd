//! What `zoo add` found.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::table::{Align, Table};
use super::text::{page, plural, wrap};
use super::{Show, document};
use crate::model::Rejection;
use crate::task::behaviour::{Behaviour, GROUPS};
use crate::ui::Exit;

/// One model.
#[derive(Debug)]
pub struct One {
    /// Its name.
    pub id: String,
    /// Where it was noted.
    pub sidecar: PathBuf,
    /// What was noted.
    pub behaviour: Behaviour,
}

/// The models that were looked at.
#[derive(Debug, Default)]
pub struct Added {
    /// Those whose behaviour was noted.
    pub added: Vec<One>,
    /// Those that cannot be used, by name, and why.
    pub refused: Vec<(String, Rejection)>,
}

impl Show for Added {
    fn text(&self) -> String {
        let groups = GROUPS.iter().map(|group| (*group, Align::Right));
        let columns: Vec<_> = std::iter::once(("model", Align::Name)).chain(groups).collect();
        let mut table = Table::new(&columns);
        for One { id, behaviour, .. } in &self.added {
            let shares = behaviour.chunks_exact(2).take(GROUPS.len());
            let nearest = shares.filter_map(|pair| pair.get(1));
            let cells = nearest.map(|share| format!("{:.0}", share * 100.0));
            table.row(std::iter::once(id.clone()).chain(cells).collect());
        }
        let mut lines = vec![
            format!("{} noted in the sidecars", plural(self.added.len(), "behaviour")),
            "reference images whose nearest other is of their class, %".to_owned(),
            String::new(),
        ];
        lines.extend(table.lines());
        for (id, rejection) in &self.refused {
            lines.extend(wrap("refused ", &format!("{id}: {}", rejection.reason), 2));
        }
        page(&lines)
    }

    fn json(&self) -> Value {
        let one = |of: &One| json!({ "id": of.id, "sidecar": of.sidecar, "behaviour": of.behaviour.to_vec() });
        let models: Vec<Value> = self.added.iter().map(one).collect();
        let refusal = |(id, rejection): &(String, Rejection)| json!({ "id": id, "stage": rejection.stage, "reason": rejection.reason });
        let refused: Vec<Value> = self.refused.iter().map(refusal).collect();
        document(json!({ "models": models, "refused": refused }))
    }

    fn exit(&self) -> Exit {
        if self.refused.is_empty() { Exit::Done } else { Exit::Input }
    }
}
