//! Two candidates side by side: first what was different around them, then the figures.

use serde::Serialize;
use serde_json::{Value, json};

use super::bench::TrialJson;
use super::candidate::Known;
use super::table::{Align, Table};
use super::text::{middle, number, or_dash, page, wrap};
use super::why::index;
use super::{Show, document};
use crate::agent::Selection;
use crate::bench::{Condition, Trial};
use crate::ui::Failure;

/// What `compare` shows.
#[derive(Debug)]
pub struct Compared {
    names: [String; 2],
    conditions: Vec<Difference>,
    figures: Vec<Figure>,
    trials: Value,
}

/// A condition that was not the same.
#[derive(Debug, PartialEq, Serialize)]
struct Difference {
    condition: &'static str,
    a: Option<String>,
    b: Option<String>,
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

/// A value with the half-width of its 95 % interval, if it has one.
type Spread = Option<(f64, Option<f64>)>;

/// Finds a figure of a candidate.
type FigureOf = fn(&Known<'_>) -> Spread;

/// Finds a part of a trial's key.
type PartOf = fn(&Trial) -> String;

impl Compared {
    /// The candidates of these names.
    ///
    /// # Errors
    /// No candidate has one of the names.
    pub fn of(selection: &Selection, a: &str, b: &str) -> Result<Self, Failure> {
        let known = Known::all(selection);
        let find = |id: &str| {
            let missing = || Failure::input(format!("{id:?} has no trial"));
            index(selection, id).and_then(|at| known.get(at).copied().ok_or_else(missing))
        };
        let (a, b) = (find(a)?, find(b)?);
        let conditions = match (a.trial, b.trial) {
            (Some(a), Some(b)) => differing(a, b),
            _ => Vec::new(),
        };
        let trial = |known: &Known<'_>| known.trial.map(|trial| json!(TrialJson::of(known, trial)));
        Ok(Self {
            names: [a.candidate.id.clone(), b.candidate.id.clone()],
            conditions,
            figures: figures(&a, &b),
            trials: json!([trial(&a), trial(&b)]),
        })
    }
}

impl Show for Compared {
    fn text(&self) -> String {
        let [a, b] = &self.names;
        let mut lines = wrap("a  ", a, 1);
        lines.extend(wrap("b  ", b, 1));
        lines.extend(self.conditions.iter().map(condition));
        if self.conditions.is_empty() {
            lines.push("conditions: the same".to_owned());
        }
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
        let [a, b] = &self.names;
        document(json!({
            "a": a,
            "b": b,
            "differing_conditions": self.conditions,
            "figures": self.figures,
            "trials": self.trials,
        }))
    }
}

fn condition(difference: &Difference) -> String {
    let said = |value: &Option<String>| middle(value.as_deref().unwrap_or("unknown"), 24);
    format!(
        "differs: {}: a {}, b {}",
        difference.condition,
        said(&difference.a),
        said(&difference.b)
    )
}

impl Figure {
    fn of(figure: &'static str, unit: &'static str, a: Spread, b: Spread) -> Option<Self> {
        if a.is_none() && b.is_none() {
            return None;
        }
        let both = a.zip(b);
        let half_width = both.and_then(|((_, a), (_, b))| Some(a?.hypot(b?)));
        let value = |spread: Spread| spread.map(|(value, _)| value);
        let difference = both.map(|((a, _), (b, _))| b - a);
        Some(Self { figure, unit, a: value(a), b: value(b), difference, half_width })
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

fn figures(a: &Known<'_>, b: &Known<'_>) -> Vec<Figure> {
    let rows: [(&str, &str, FigureOf); 10] = [
        ("p50", "ms", |known| {
            let latency = known.trial?.latency?;
            Some((latency.p50.millis(), Some(latency.p50_half_width.millis())))
        }),
        ("p90", "ms", |known| Some((known.trial?.latency?.p90.millis(), None))),
        ("p99", "ms", |known| Some((known.trial?.latency?.p99.millis(), None))),
        ("first inference", "ms", |known| Some((known.trial?.first?.millis(), None))),
        ("load", "ms", |known| Some((known.trial?.load?.millis(), None))),
        ("optimise", "ms", |known| Some((known.trial?.optimise?.millis(), None))),
        ("peak resident", "MB", |known| Some((known.trial?.peak_rss?.0 as f64 / 1e6, None))),
        ("private", "MB", |known| Some((known.trial?.private?.0 as f64 / 1e6, None))),
        ("energy", "mJ", |known| Some((known.trial?.energy.as_ref()?.gross.millis(), None))),
        ("accuracy", "%", |known| {
            let accuracy = known.accuracy()?;
            Some((accuracy.value * 100.0, Some((accuracy.high - accuracy.low) * 50.0)))
        }),
    ];
    let file = |known: &Known<'_>| Some((known.candidate.bytes as f64 / 1e6, None));
    let figures = rows.iter().filter_map(|(name, unit, of)| Figure::of(name, unit, of(a), of(b)));
    figures.chain(Figure::of("file", "MB", file(a), file(b))).collect()
}

/// Everything around the two trials that was not equal.
fn differing(a: &Trial, b: &Trial) -> Vec<Difference> {
    let keys: [(&str, PartOf); 6] = [
        ("configuration", |trial| trial.key.config_id.clone()),
        ("engine", |trial| trial.key.engine.clone()),
        ("board", |trial| trial.key.fingerprint.short()),
        ("kernel", |trial| trial.key.kernel.clone()),
        ("power settings", |trial| trial.key.power.clone()),
        ("outputs", |trial| trial.key.outputs.clone()),
    ];
    let differ =
        |(condition, of): &(&'static str, PartOf)| difference(condition, Some(of(a)), Some(of(b)));
    let mut found: Vec<Difference> = keys.iter().filter_map(differ).collect();
    found.extend(surroundings(
        [
            "temperature before",
            "clock before",
            "throttled before",
            "load before",
            "GPU memory before",
        ],
        &a.conditions.before,
        &b.conditions.before,
    ));
    found.extend(surroundings(
        ["temperature after", "clock after", "throttled after", "load after", "GPU memory after"],
        &a.conditions.after,
        &b.conditions.after,
    ));
    found
}

fn surroundings(names: [&'static str; 5], a: &Condition, b: &Condition) -> Vec<Difference> {
    let of = |condition: &Condition| {
        [
            condition.temperature.map(|celsius| format!("{:.0} C", celsius.0)),
            condition.clock.map(|clock| format!("{} MHz", clock.0 / 1_000_000)),
            condition.throttled.as_ref().map(|flags| flags.join("+")),
            condition.load.map(|load| format!("{load:.1}")),
            condition.gpu_memory.map(|bytes| format!("{:.0} MB", bytes.0 as f64 / 1e6)),
        ]
    };
    let values = of(a).into_iter().zip(of(b));
    names.into_iter().zip(values).filter_map(|(name, (a, b))| difference(name, a, b)).collect()
}

fn difference(condition: &'static str, a: Option<String>, b: Option<String>) -> Option<Difference> {
    (a != b).then_some(Difference { condition, a, b })
}
