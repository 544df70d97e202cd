//! Two trials side by side: first what was different around them, then the figures.
//!
//! Both are taken as the documents that scripts get, so that a candidate of the records and
//! a file of another board are compared alike.

use serde::Serialize;
use serde_json::{Value, json};

use super::bench::TrialJson;
use super::candidate::{CandidateJson, Known};
use super::table::{Align, Table};
use super::text::{middle, number, or_dash, page, wrap};
use super::why::index;
use super::{Show, document};
use crate::agent::Selection;
use crate::ui::Failure;

mod around;
mod file;

pub use file::Recorded;

/// One of the two: its name, and its trial as scripts read it.
#[derive(Debug, Clone)]
pub struct Side {
    name: String,
    trial: Value,
}

impl Side {
    /// A candidate of the records.
    ///
    /// # Errors
    /// No candidate has this name.
    pub fn of(selection: &Selection, id: &str) -> Result<Self, Failure> {
        let at = index(selection, id)?;
        let known = Known::all(selection).get(at).copied();
        let known = known.ok_or_else(|| Failure::input(format!("{id:?} has no trial")))?;
        let trial = match known.trial {
            Some(trial) => json!(TrialJson::of(&known, trial)),
            None => json!(CandidateJson::of(&known)),
        };
        Ok(Self { name: known.candidate.id.clone(), trial })
    }

    fn number(&self, path: &str) -> Option<f64> {
        self.trial.pointer(path)?.as_f64()
    }

    /// Half the width of an interval.
    fn half_width(&self, path: &str) -> Option<f64> {
        let ends = self.trial.pointer(path)?;
        Some((ends.get(1)?.as_f64()? - ends.get(0)?.as_f64()?).abs() / 2.0)
    }

    fn is_measured(&self) -> bool {
        self.trial.get("conditions").is_some_and(Value::is_object)
    }
}

/// What `compare` shows.
#[derive(Debug)]
pub struct Compared {
    sides: [Side; 2],
    conditions: Vec<around::Difference>,
    figures: Vec<Figure>,
}

/// A figure of both, and how far they are apart.
#[derive(Debug, Serialize)]
struct Figure {
    figure: &'static str,
    unit: &'static str,
    a: Option<f64>,
    b: Option<f64>,
    /// `b - a`.
    difference: Option<f64>,
    /// Half-width of its 95 % interval, where both have one.
    half_width: Option<f64>,
}

/// Name, unit, where it is, what its unit is worth, where its interval is.
const FIGURES: [(&str, &str, &str, f64, &str); 12] = [
    ("p50", "ms", "/latency_us/p50", 1e-3, "/latency_us/interval"),
    ("p90", "ms", "/latency_us/p90", 1e-3, ""),
    ("p99", "ms", "/latency_us/p99", 1e-3, ""),
    ("first inference", "ms", "/first_us", 1e-3, ""),
    ("load", "ms", "/load_us", 1e-3, ""),
    ("optimise", "ms", "/optimise_us", 1e-3, ""),
    ("peak resident", "MB", "/peak_rss_bytes", 1e-6, ""),
    ("private", "MB", "/private_bytes", 1e-6, ""),
    ("activations", "MB", "/peak_activation_bytes", 1e-6, ""),
    ("energy", "mJ", "/energy_mj", 1.0, ""),
    ("accuracy", "%", "/accuracy", 1e2, "/accuracy_interval"),
    ("file", "MB", "/bytes", 1e-6, ""),
];

impl Compared {
    /// These two.
    #[must_use]
    pub fn of(a: Side, b: Side) -> Self {
        let conditions = around::differing(&a.trial, &b.trial);
        let figures = FIGURES.iter().filter_map(|figure| Figure::of(figure, &a, &b)).collect();
        Self { sides: [a, b], conditions, figures }
    }

    /// Where nothing is known of what was around one of them, nothing is the same.
    fn conditions(&self) -> Vec<String> {
        let blind: Vec<&str> = self
            .sides
            .iter()
            .zip(["a", "b"])
            .filter(|(side, _)| !side.is_measured())
            .map(|(_, name)| name)
            .collect();
        let mut lines: Vec<String> = self.conditions.iter().map(condition).collect();
        if !blind.is_empty() {
            lines.push(format!("conditions: not recorded for {}", blind.join(" and ")));
        } else if lines.is_empty() {
            lines.push("conditions: the same".to_owned());
        }
        lines
    }
}

impl Show for Compared {
    fn text(&self) -> String {
        let [a, b] = &self.sides;
        let mut lines = wrap("a  ", &a.name, 1);
        lines.extend(wrap("b  ", &b.name, 1));
        lines.extend(self.conditions());
        let right = Align::Right;
        let columns = [
            ("figure", Align::Left),
            ("a", right),
            ("b", right),
            ("b - a", right),
            ("b / a", right),
        ];
        let mut table = Table::new(&columns);
        for figure in &self.figures {
            table.row(figure.cells());
        }
        lines.extend(table.lines());
        page(&lines)
    }

    fn json(&self) -> Value {
        let [a, b] = &self.sides;
        let trials = [a, b].map(|side| side.is_measured().then_some(&side.trial));
        document(json!({
            "a": a.name,
            "b": b.name,
            "differing_conditions": self.conditions,
            "figures": self.figures,
            "trials": trials,
        }))
    }
}

fn condition(difference: &around::Difference) -> String {
    let said = |value: &Option<String>| middle(value.as_deref().unwrap_or("unknown"), 24);
    format!(
        "differs: {}: a {}, b {}",
        difference.condition,
        said(&difference.a),
        said(&difference.b)
    )
}

impl Figure {
    fn of(
        (figure, unit, path, worth, interval): &(&'static str, &'static str, &str, f64, &str),
        a: &Side,
        b: &Side,
    ) -> Option<Self> {
        let value = |side: &Side| side.number(path).map(|value| value * worth);
        let half = |side: &Side| {
            let found = (!interval.is_empty()).then(|| side.half_width(interval)).flatten();
            found.map(|half| half * worth)
        };
        let half_width = half(a).zip(half(b)).map(|(a, b)| a.hypot(b));
        let (a, b) = (value(a), value(b));
        let difference = a.zip(b).map(|(a, b)| b - a);
        (a.is_some() || b.is_some()).then_some(Self { figure, unit, a, b, difference, half_width })
    }

    fn cells(&self) -> Vec<String> {
        let ratio = self.a.zip(self.b).filter(|(a, _)| *a != 0.0).map(|(a, b)| b / a);
        let half = self.half_width.map(|half| format!(" +-{}", number(half))).unwrap_or_default();
        let difference =
            self.difference.map_or("-".to_owned(), |value| format!("{}{half}", number(value)));
        vec![
            format!("{}, {}", self.figure, self.unit),
            or_dash(self.a),
            or_dash(self.b),
            difference,
            or_dash(ratio),
        ]
    }
}
