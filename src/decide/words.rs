//! Quantities and changes in words.

use crate::base::units::significant;
use crate::rank::{Criterion, Row};

use super::knob::Knob;

/// A change, such as `latency target 2 -> 0.9 ms: mbv1-025 wins`.
pub(super) fn change_in_words(
    knob: Knob,
    from: Option<f64>,
    to: f64,
    winner: Option<&str>,
) -> String {
    let (name, kind) = match knob {
        Knob::Limit(name) => (name, "limit"),
        Knob::Target(name) => (name, "target"),
        Knob::Weight(criterion) => (criterion.name(), "weight"),
    };
    let unit = match (knob, name) {
        (Knob::Weight(_), _) | (_, "accuracy") => "",
        (_, "latency") => " ms",
        (_, "energy") => " mJ",
        _ => " MB",
    };
    let from = from.map_or_else(|| "none".to_owned(), |from| from.to_string());
    let outcome =
        winner.map_or_else(|| "nothing is feasible".to_owned(), |id| format!("{} wins", short(id)));
    format!("{name} {kind} {from} -> {to}{unit}: {outcome}")
}

/// A row's value in a criterion, for people.
pub(super) fn quantity(row: &Row, criterion: Criterion) -> Option<String> {
    let measure = row.measures.get(&criterion)?;
    let value = measure.value;
    let text = match criterion {
        Criterion::Relevance if is_accuracy(row, value) => format!("{:.1} %", value * 100.0),
        Criterion::Relevance => significant(value),
        Criterion::Latency => format!("{} ms", significant(value / 1e3)),
        Criterion::Memory | Criterion::Storage if value < 1e6 => {
            format!("{} kB", significant(value / 1e3))
        }
        Criterion::Memory | Criterion::Storage => format!("{} MB", significant(value / 1e6)),
        Criterion::Energy => format!("{} mJ", significant(value * 1e3)),
        Criterion::Thermal => format!("{value:.0} K"),
    };
    Some(if measure.predicted { format!("{text} (predicted)") } else { text })
}

/// What a criterion is called beside its quantity.
pub(super) fn label(row: &Row, criterion: Criterion) -> &'static str {
    let accuracy =
        |row: &Row| row.measures.get(&criterion).is_some_and(|found| is_accuracy(row, found.value));
    match criterion {
        Criterion::Relevance if accuracy(row) => "accuracy",
        Criterion::Relevance => standing(row).unwrap_or("LogME"),
        Criterion::Thermal => "heat",
        other => other.name(),
    }
}

/// Relevance is either the accuracy itself, copied, or a score.
fn is_accuracy(row: &Row, value: f64) -> bool {
    row.accuracy.is_some_and(|accuracy| accuracy.value.to_bits() == value.to_bits())
}

/// What the merged value is called, where that is its relevance.
fn standing(row: &Row) -> Option<&'static str> {
    let found = row.measures.get(&Criterion::Relevance)?.value.to_bits();
    let standing = row.standing.as_ref()?;
    match standing.fitted {
        Some(fitted) if fitted.value.to_bits() == found => Some("standing"),
        None if standing.share.value.to_bits() == found => Some("mean rank"),
        _ => None,
    }
}

/// A name that leaves room for the rest of the line.
pub(super) fn short(id: &str) -> String {
    const LONGEST: usize = 32;
    if id.chars().count() <= LONGEST {
        return id.to_owned();
    }
    // A configuration tells one from the other, the end of a long name does not.
    let way = id.find('@').and_then(|at| id.get(at..)).unwrap_or_default();
    let way = if way.len() <= LONGEST / 2 { way } else { "" };
    let kept = id.chars().take(LONGEST - 3 - way.len());
    kept.chain("...".chars()).chain(way.chars()).collect()
}
