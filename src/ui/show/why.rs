//! The choice beside one other candidate, criterion by criterion.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::candidate::{CandidateJson, Known};
use super::inspect::{Convolutions, kept_real};
use super::select::violations;
use super::table::{Align, Table};
use super::text::{number, or_dash, page, range, wrap};
use super::{Show, document};
use crate::agent::Selection;
use crate::bench::Verdict;
use crate::model::Candidate;
use crate::rank::relevance::View;
use crate::rank::{Criterion, Measure, Row, versus};
use crate::task::head::TargetFit;
use crate::task::{Policy, Weights};
use crate::ui::Failure;

/// What `why` shows.
#[derive(Debug)]
pub struct Why {
    selection: Selection,
    /// Index of the chosen one, if any.
    chosen: Option<usize>,
    /// Index of the one it is compared with, if there is one.
    other: Option<usize>,
    /// How the convolutions of these two run, where somebody looked into their files.
    convolutions: [Option<Convolutions>; 2],
}

impl Why {
    /// The choice beside `model`, or beside the runner-up.
    ///
    /// # Errors
    /// No candidate has this name.
    pub fn of(selection: Selection, model: Option<&str>) -> Result<Self, Failure> {
        let chosen = selection.decision.model.as_deref().and_then(|id| index(&selection, id).ok());
        let other = match model {
            Some(id) => Some(index(&selection, id)?).filter(|&at| Some(at) != chosen),
            None => None,
        };
        let runner_up = || selection.ranking.order.iter().copied().find(|&at| Some(at) != chosen);
        let other = other.or_else(runner_up);
        Ok(Self { selection, chosen, other, convolutions: [None, None] })
    }

    /// The same with what `look` finds in the files of the two.
    #[must_use]
    pub fn looking(mut self, look: &dyn Fn(&Candidate) -> Option<Convolutions>) -> Self {
        let found = |at: Option<usize>| look(self.selection.candidates.get(at?)?);
        self.convolutions = [found(self.chosen), found(self.other)];
        self
    }

    fn known(&self, at: Option<usize>) -> Option<Known<'_>> {
        Known::all(&self.selection).get(at?).copied()
    }

    /// Margin of the chosen one over the other, in weight units.
    fn margin(&self) -> Option<f64> {
        let ranking = &self.selection.ranking;
        let place = |at: Option<usize>| ranking.order.iter().position(|&other| Some(other) == at);
        let (row, column) = (place(self.chosen)?, place(self.other)?);
        ranking.margins.get(row)?.get(column).copied()
    }
}

/// Where a candidate is in zoo order.
pub(crate) fn index(selection: &Selection, id: &str) -> Result<usize, Failure> {
    selection.candidates.iter().position(|candidate| candidate.id == id).ok_or_else(|| {
        Failure::input(format!("no candidate is called {id:?}")).help("`umbra models` lists them")
    })
}

impl Show for Why {
    fn text(&self) -> String {
        let decision = &self.selection.decision;
        let name = |known: &Option<Known<'_>>| known.map(|known| known.candidate.id.clone());
        let (chosen, other) = (self.known(self.chosen), self.known(self.other));
        let mut lines = wrap("choice  ", name(&chosen).as_deref().unwrap_or("none"), 1);
        lines.extend(wrap("why     ", &decision.reason, 5));
        if self.selection.trials.iter().all(|trial| trial.verdict == Verdict::Skipped) {
            lines.extend(wrap("help    ", "nothing was measured yet; run `umbra select` first", 1));
        }
        if let Some(other) = &other {
            lines.extend(wrap("against ", &standing(other), 4));
        }
        if let (Some(chosen), Some(other)) = (&chosen, &other) {
            lines.extend(self.criteria(chosen, other));
        }
        lines.extend(forecasts(chosen.as_ref(), other.as_ref()));
        for (known, found) in [&chosen, &other].into_iter().zip(&self.convolutions) {
            let Some(known) = known else { continue };
            lines.extend(views(known));
            lines.extend(fit(known));
            lines.extend(convolutions(known, found.as_ref()));
            lines.extend(images(known));
        }
        lines.extend(self.merged());
        if let Some(flip) = &decision.flip {
            lines.extend(wrap("change  ", &flip.text, 3));
        }
        page(&lines)
    }

    fn json(&self) -> Value {
        let (chosen, other) = (self.known(self.chosen), self.known(self.other));
        let pair = chosen.zip(other);
        let [ours, theirs] = &self.convolutions;
        let criteria = pair.map(|(chosen, other)| self.criteria_json(&chosen, &other));
        document(json!({
            "decision": self.selection.decision,
            "chosen": chosen.as_ref().map(CandidateJson::of),
            "other": other.as_ref().map(CandidateJson::of),
            "convolutions": { "chosen": ours, "other": theirs },
            "margin": self.margin(),
            "unfitted": self.selection.ranking.unfitted,
            "criteria": criteria,
        }))
    }
}

impl Why {
    /// How the views became one rank, where any has one.
    fn merged(&self) -> Vec<String> {
        let ranking = &self.selection.ranking;
        if ranking.rows.iter().all(|row| row.standing.is_none()) {
            return Vec::new();
        }
        let text = match &ranking.unfitted {
            None => "prior and scores by the fitted weights".to_owned(),
            Some(why) => format!("by their mean rank, not by the fitted weights: {why}"),
        };
        wrap("merged  ", &text, 2)
    }

    fn criteria(&self, chosen: &Known<'_>, other: &Known<'_>) -> Vec<String> {
        let right = Align::Right;
        let mut table = Table::new(&[
            ("        criterion", Align::Left),
            ("weight", right),
            ("choice", right),
            ("other", right),
            ("better", Align::Left),
        ]);
        for pair in pairs(&self.selection.ranking.policy, chosen, other) {
            table.row(vec![
                format!("        {}", label(pair.criterion)),
                number(pair.weight),
                interval(pair.criterion, pair.chosen),
                interval(pair.criterion, pair.other),
                pair.better.to_owned(),
            ]);
        }
        let mut lines = table.lines();
        if let Some(margin) = self.margin() {
            let text = format!("{} of the weights speak for the choice, net", number(margin));
            lines.extend(wrap("margin  ", &text, 1));
        }
        lines
    }

    fn criteria_json(&self, chosen: &Known<'_>, other: &Known<'_>) -> Vec<Value> {
        let policy = &self.selection.ranking.policy;
        let predicted = |criterion| {
            let of = |known: &Known<'_>| known.row?.predictions.get(&criterion).copied();
            json!({ "chosen": of(chosen), "other": of(other) })
        };
        let one = |pair: &Pair<'_>| {
            json!({
                "criterion": pair.criterion,
                "weight": pair.weight,
                "chosen": pair.chosen,
                "other": pair.other,
                "predicted": predicted(pair.criterion),
                "better": pair.better,
            })
        };
        pairs(policy, chosen, other).iter().map(one).collect()
    }
}

/// The two candidates in one criterion.
struct Pair<'a> {
    criterion: Criterion,
    weight: f64,
    chosen: Option<&'a Measure>,
    other: Option<&'a Measure>,
    better: &'static str,
}

fn pairs<'a>(policy: &Policy, chosen: &Known<'a>, other: &Known<'a>) -> Vec<Pair<'a>> {
    let measure =
        |known: &Known<'a>, criterion| known.row.and_then(|row| row.measures.get(&criterion));
    let pair = |criterion| Pair {
        criterion,
        weight: weight(&policy.weights, criterion),
        chosen: measure(chosen, criterion),
        other: measure(other, criterion),
        better: better(policy, chosen.row, other.row, criterion),
    };
    Criterion::ALL.into_iter().map(pair).collect()
}

/// Who is ahead in a criterion, once targets and noise have had their say.
fn better(
    policy: &Policy,
    chosen: Option<&Row>,
    other: Option<&Row>,
    criterion: Criterion,
) -> &'static str {
    let order =
        chosen.zip(other).and_then(|(chosen, other)| versus(policy, criterion, chosen, other));
    match order {
        Some(Ordering::Greater) => "choice",
        Some(Ordering::Less) => "other",
        Some(Ordering::Equal) => "tie",
        None => "-",
    }
}

fn weight(weights: &Weights, criterion: Criterion) -> f64 {
    match criterion {
        Criterion::Relevance => weights.relevance,
        Criterion::Latency => weights.latency,
        Criterion::Memory => weights.memory,
        Criterion::Energy => weights.energy,
        Criterion::Thermal => weights.thermal,
        Criterion::Storage => weights.storage,
    }
}

/// The value and, where it has one, half its interval.
fn interval(criterion: Criterion, measure: Option<&Measure>) -> String {
    let Some(measure) = measure else { return "-".to_owned() };
    let half = (measure.value - measure.low).max(measure.high - measure.value);
    let (value, half) = (shown(criterion, measure.value), shown(criterion, half));
    let mark = if measure.predicted { "~" } else { "" };
    let reach = if half > 0.0 { format!("+-{}", number(half)) } else { String::new() };
    format!("{mark}{}{reach}", number(value))
}

/// What was predicted of the two as if they had not been measured, and how far off that was.
fn forecasts(chosen: Option<&Known<'_>>, other: Option<&Known<'_>>) -> Vec<String> {
    let right = Align::Right;
    let mut table = Table::new(&[
        ("        of", Align::Left),
        ("cost", Align::Left),
        ("predicted", right),
        ("95 %", right),
        ("measured", right),
        ("off", right),
    ]);
    let mut any = false;
    for criterion in Criterion::ALL {
        for (name, known) in [("choice", chosen), ("other", other)] {
            let Some(row) = known.and_then(|known| known.row) else { continue };
            if let Some(cells) = forecast(criterion, row) {
                let head = [format!("        {name}"), label(criterion).to_owned()];
                table.row(head.into_iter().chain(cells).collect());
                any = true;
            }
        }
    }
    if any { table.lines() } else { Vec::new() }
}

/// The prediction, its interval, what was measured, and by how much the prediction was more.
fn forecast(criterion: Criterion, row: &Row) -> Option<[String; 4]> {
    let predicted = row.predictions.get(&criterion)?;
    let of = |value: f64| number(shown(criterion, value));
    let known = predicted.low < predicted.high;
    let interval = format!("{} to {}", of(predicted.low), of(predicted.high));
    let interval = if known { interval } else { "order only".to_owned() };
    let measured = row.measures.get(&criterion).filter(|measure| !measure.predicted);
    // Rounded, and plus zero where it rounds to nothing.
    let off =
        measured.map(|measure| ((predicted.value / measure.value - 1.0) * 100.0).round() + 0.0);
    Some([
        of(predicted.value),
        interval,
        or_dash(measured.map(|measure| shown(criterion, measure.value))),
        off.filter(|_| known).map_or_else(|| "-".to_owned(), |off| format!("{off:+.0} %")),
    ])
}

fn label(criterion: Criterion) -> &'static str {
    match criterion {
        Criterion::Relevance => "relevance",
        Criterion::Latency => "latency p50, ms",
        Criterion::Memory => "peak memory, MB",
        Criterion::Energy => "energy, mJ",
        Criterion::Thermal => "over thermal margin, C",
        Criterion::Storage => "file, MB",
    }
}

/// In the unit of [`label`].
fn shown(criterion: Criterion, value: f64) -> f64 {
    match criterion {
        Criterion::Relevance | Criterion::Thermal => value,
        Criterion::Latency => value / 1e3,
        Criterion::Energy => value * 1e3,
        Criterion::Memory | Criterion::Storage => value / 1e6,
    }
}

/// Where the other one stands, and why not higher.
fn standing(known: &Known<'_>) -> String {
    let id = &known.candidate.id;
    match (known.row, known.fallen()) {
        (Some(row), _) if row.feasible() => {
            format!("{id}, score {}", or_dash(row.copeland))
        }
        (Some(row), _) if !row.violations.is_empty() => {
            format!("{id}, over a limit: {}", by_how_much(row))
        }
        (_, Some((stage, reason))) => {
            let stage = stage.map(|stage| format!(" at {stage}")).unwrap_or_default();
            format!("{id}, out{stage}: {reason}")
        }
        _ => format!("{id}, not measured yet"),
    }
}

/// Each limit that is broken, and by which share.
fn by_how_much(row: &Row) -> String {
    let one = |found: &crate::rank::Violation| {
        let text = violations(std::slice::from_ref(found));
        let share = (found.value / found.bound - 1.0).abs() * 100.0;
        if share.is_finite() { format!("{text} (by {} %)", number(share)) } else { text }
    };
    row.violations.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// What each view says of its relevance, and why one says nothing.
fn views(known: &Known<'_>) -> Vec<String> {
    let Some(standing) = known.row.and_then(|row| row.standing.as_ref()) else {
        return Vec::new();
    };
    let of = |view: View| {
        let rank = standing.views.get(&view);
        let scores = known.evidence.map(|shown| &shown.scores);
        let value = scores.and_then(|scores| view.scored(scores)).map(|scored| scored.value);
        match (rank, value, scores.and_then(|scores| view.silence(scores))) {
            (Some(rank), Some(value), _) => {
                Some(format!("{} {} ({})", view.name(), rank, number(value)))
            }
            (Some(rank), None, _) => Some(format!("{} {}", view.name(), rank)),
            (None, _, Some(why)) => Some(format!("{} silent ({why})", view.name())),
            (None, ..) => None,
        }
    };
    let each: Vec<String> = View::ALL.into_iter().filter_map(of).collect();
    let [best, worst] = standing.rank_interval;
    let text = format!(
        "{}: {}; together {}, 95 % of halves {best} to {worst}",
        known.candidate.id,
        each.join(", "),
        standing.rank
    );
    wrap("ranks   ", &text, 3)
}

/// How well it answers a task of real targets.
fn fit(known: &Known<'_>) -> Vec<String> {
    known.fit().map_or_else(Vec::new, |TargetFit { r2, mae }| {
        let text = format!(
            "{}: explains {:.0} % of the variance, between {:.0} and {:.0} %; off by {} on average",
            known.candidate.id,
            r2.value * 100.0,
            r2.low * 100.0,
            r2.high * 100.0,
            number(mae)
        );
        wrap("fit     ", &text, 2)
    })
}

/// How images were fed, where no sidecar said it.
fn images(known: &Known<'_>) -> Vec<String> {
    let guess = known.evidence.and_then(|evidence| evidence.preprocess.as_ref());
    guess.map_or_else(Vec::new, |guess| {
        let text =
            format!("{}: {}, found by trying on the samples", known.candidate.id, range(guess));
        wrap("images  ", &text, 2)
    })
}

/// Whether the quantised convolutions really run on integers, and what keeps them from it.
fn convolutions(known: &Known<'_>, found: Option<&Convolutions>) -> Vec<String> {
    let measured = known.trial.and_then(|trial| trial.convolutions);
    let counted = measured.or_else(|| found.map(|found| (found.integer, found.float)));
    let Some((integer, float)) = counted else { return Vec::new() };
    let all = integer + float;
    let id = &known.candidate.id;
    let text = format!("{id}: {integer} of {all} run on integers, {float} in floating point");
    let mut lines = wrap("convs   ", &text, 2);
    let reasons = kept_real(found.map_or(&[][..], |found| &found.unfused));
    lines.extend(reasons.iter().flat_map(|reason| wrap("        ", reason, 2)));
    lines
}
