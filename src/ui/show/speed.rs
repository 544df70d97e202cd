//! How fast the board does what: a row for each kind of work, a column for each configuration.

use serde_json::{Value, json};

use super::table::{Align, Table};
use super::text::{number, page};
use super::{Show, document};
use crate::model::Kind;
use crate::rank::Speeds;
use crate::rank::cost::roofline::Rates;

/// What `probe --speed` shows.
#[derive(Debug)]
pub struct Gauged(pub Speeds);

impl Show for Gauged {
    fn text(&self) -> String {
        if self.0.is_empty() {
            return page(&["no probe could be timed"]);
        }
        page(&lines(&self.0))
    }

    fn json(&self) -> Value {
        document(json!({ "speeds": speeds(&self.0) }))
    }
}

/// The tables, one below the other.
pub(crate) fn lines(speeds: &Speeds) -> Vec<String> {
    speeds.iter().flat_map(|(id, rates)| table(id, rates)).collect()
}

/// For scripts: rates by configuration.
pub(crate) fn speeds(speeds: &Speeds) -> Value {
    json!(speeds)
}

fn table(id: &str, rates: &Rates) -> Vec<String> {
    let right = Align::Right;
    let mut table = Table::new(&[
        ("        kind of work", Align::Left),
        ("int8 G/s", right),
        ("us/node", right),
        ("float G/s", right),
        ("us/node", right),
    ]);
    for kind in Kind::ALL {
        let [int8, float] = [true, false].map(|int8| rates.of(kind, int8));
        if int8.is_none() && float.is_none() {
            continue;
        }
        let mut cells = vec![format!("        {}", label(kind))];
        for rate in [int8, float] {
            let dash = || "-".to_owned();
            cells.push(rate.map_or_else(dash, |rate| number(rate.per_micro / 1e3)));
            cells.push(rate.map_or_else(dash, |rate| number(rate.overhead.0)));
        }
        table.row(cells);
    }
    let inference = number(rates.inference.0);
    let mut lines = vec![format!("speed   {id}: an inference costs {inference} us at least")];
    lines.extend(table.lines());
    lines
}

/// With what is counted.
fn label(kind: Kind) -> &'static str {
    match kind {
        Kind::Planes => "picture, elements",
        Kind::Pixels => "same, channels last",
        Kind::Stem => "first conv., MACs",
        Kind::Convolution => "convolution, MACs",
        Kind::Depthwise => "depthwise, MACs",
        Kind::Pointwise => "pointwise, MACs",
        Kind::Product => "matrix product, MACs",
        Kind::Pool => "pool, elements",
        Kind::Other => "other, bytes",
    }
}
