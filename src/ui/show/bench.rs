//! Trials as they were measured.

use serde::Serialize;
use serde_json::Value;

use super::candidate::{CandidateJson, Known, verdict};
use super::table::{Align, Table};
use super::text::{number, or_dash, page};
use super::{Show, document};
use crate::base::{Bytes, Micros};
use crate::bench::{Conditions, Outliers, Trial, TrialKey, Verdict};
use crate::model::Candidate;
use crate::ui::Exit;

/// What `bench` shows: candidates with their trials, in the same order.
#[derive(Debug)]
pub struct Benched {
    /// Candidates.
    pub candidates: Vec<Candidate>,
    /// Their trials.
    pub trials: Vec<Trial>,
}

/// A candidate with its trial, as scripts read it.
#[derive(Debug, Serialize)]
pub(crate) struct TrialJson<'a> {
    #[serde(flatten)]
    candidate: CandidateJson<'a>,
    key: KeyJson<'a>,
    conditions: &'a Conditions,
}

/// What else decides the figures of a trial.
#[derive(Debug, Serialize)]
struct KeyJson<'a> {
    engine: &'a str,
    fingerprint: String,
    kernel: &'a str,
    power: &'a str,
    outputs: &'a str,
}

impl<'a> From<&'a TrialKey> for KeyJson<'a> {
    fn from(key: &'a TrialKey) -> Self {
        let TrialKey { engine, fingerprint, kernel, power, outputs, .. } = key;
        Self { engine, fingerprint: fingerprint.hex(), kernel, power, outputs }
    }
}

impl<'a> TrialJson<'a> {
    pub(crate) fn of(known: &Known<'a>, trial: &'a Trial) -> Self {
        let (key, conditions) = (KeyJson::from(&trial.key), &trial.conditions);
        Self { candidate: CandidateJson::of(known), key, conditions }
    }
}

impl Show for Benched {
    fn text(&self) -> String {
        let right = Align::Right;
        let mut table = Table::new(&[
            ("model", Align::Name),
            ("verdict", Align::Left),
            ("p50 ms", right),
            ("p90", right),
            ("p99", right),
            ("first", right),
            ("load", right),
            ("optimise", right),
            ("mJ", right),
        ]);
        for trial in &self.trials {
            let head = vec![trial.id.clone(), verdict(trial.verdict).to_owned()];
            match figures(trial) {
                Some(figures) => table.row(head.into_iter().chain(figures).collect()),
                None => table.note(head, &reason(trial)),
            }
        }
        let mut lines = table.lines();
        lines.extend(self.memories());
        lines.extend(self.trials.iter().filter_map(apart));
        lines.extend(self.trials.iter().filter_map(doubt));
        page(&lines)
    }

    fn json(&self) -> Value {
        let pairs = self.candidates.iter().zip(&self.trials);
        let trials = pairs.map(|(candidate, trial)| {
            let known = Known { candidate, trial: Some(trial), row: None, evidence: None };
            TrialJson::of(&known, trial)
        });
        document(serde_json::json!({ "trials": trials.collect::<Vec<_>>() }))
    }

    /// Bad input only where nothing at all could be measured.
    fn exit(&self) -> Exit {
        let hopeless = self.trials.iter().all(|trial| trial.verdict == Verdict::Rejected);
        if hopeless && !self.trials.is_empty() { Exit::Input } else { Exit::Done }
    }
}

impl Benched {
    /// The three memories, and beside them what the activations need at most.
    fn memories(&self) -> Vec<String> {
        let right = Align::Right;
        let mut table = Table::new(&[
            ("memory, MB", Align::Name),
            ("peak", right),
            ("private", right),
            ("file", right),
            ("activations <=", right),
        ]);
        let measured = |(_, trial): &(&Candidate, &Trial)| trial.latency.is_some();
        let mut lines = 0;
        for (candidate, trial) in self.candidates.iter().zip(&self.trials).filter(measured) {
            let activations = candidate.card.as_ref().and_then(|card| card.peak_activation_bytes);
            table.row(vec![
                candidate.id.clone(),
                megabytes(trial.peak_rss),
                megabytes(trial.private),
                megabytes(Some(Bytes(candidate.bytes))),
                megabytes(activations.map(Bytes)),
            ]);
            lines += 1;
        }
        if lines > 0 { table.lines() } else { Vec::new() }
    }
}

fn megabytes(size: Option<Bytes>) -> String {
    or_dash(size.map(|size| size.0 as f64 / 1e6))
}

fn figures(trial: &Trial) -> Option<Vec<String>> {
    let latency = trial.latency.as_ref()?;
    let millis = |us: Option<Micros>| or_dash(us.map(|us| us.millis()));
    Some(vec![
        number(latency.p50.millis()),
        number(latency.p90.millis()),
        number(latency.p99.millis()),
        millis(trial.first),
        millis(trial.load),
        millis(trial.optimise),
        or_dash(trial.energy.as_ref().map(|energy| energy.gross.millis())),
    ])
}

fn reason(trial: &Trial) -> String {
    let reason = trial.reason.as_deref().unwrap_or("no reason given");
    let stage = trial.stage.map(|stage| format!("at {}: ", stage.name())).unwrap_or_default();
    format!("{stage}{reason}")
}

/// Samples that stand apart, which every figure contains.
fn apart(trial: &Trial) -> Option<String> {
    let latency = trial.latency.as_ref()?;
    let Outliers { above, count, time_share } = latency.outliers;
    (count > 0).then(|| {
        let share = number(time_share * 100.0);
        let (of, above) = (latency.samples, number(above.millis()));
        format!(
            "  {}: {count} of {of} samples, {share} % of the time, over {above} ms",
            super::text::name(&trial.id, 28)
        )
    })
}

/// Figures that come with a doubt say which, below the table.
fn doubt(trial: &Trial) -> Option<String> {
    trial.latency.as_ref()?;
    let reason = trial.reason.as_deref()?;
    let advice = trial.advice.as_deref().map(|advice| format!("; {advice}")).unwrap_or_default();
    Some(format!("  {}: {reason}{advice}", super::text::name(&trial.id, 28)))
}
