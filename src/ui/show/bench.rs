//! Trials as they were measured.

use serde::Serialize;
use serde_json::Value;

use super::candidate::{CandidateJson, Known, verdict};
use super::table::{Align, Table};
use super::text::{number, or_dash, page};
use super::{Show, document};
use crate::bench::{Conditions, Trial, Verdict};
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
    conditions: &'a Conditions,
}

impl<'a> TrialJson<'a> {
    pub(crate) fn of(known: &Known<'a>, trial: &'a Trial) -> Self {
        Self { candidate: CandidateJson::of(known), conditions: &trial.conditions }
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
            ("peak MB", right),
            ("priv MB", right),
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

fn figures(trial: &Trial) -> Option<Vec<String>> {
    let latency = trial.latency.as_ref()?;
    let size = |bytes: Option<crate::base::Bytes>| or_dash(bytes.map(|size| size.0 as f64 / 1e6));
    let millis = |us: Option<crate::base::Micros>| or_dash(us.map(|us| us.millis()));
    Some(vec![
        number(latency.p50.millis()),
        number(latency.p90.millis()),
        number(latency.p99.millis()),
        millis(trial.first),
        millis(trial.load),
        size(trial.peak_rss),
        size(trial.private),
        or_dash(trial.energy.as_ref().map(|energy| energy.gross.millis())),
    ])
}

fn reason(trial: &Trial) -> String {
    let reason = trial.reason.as_deref().unwrap_or("no reason given");
    let stage = trial.stage.map(|stage| format!("at {}: ", stage.name())).unwrap_or_default();
    format!("{stage}{reason}")
}

/// Figures that come with a doubt say which, below the table.
fn doubt(trial: &Trial) -> Option<String> {
    trial.latency.as_ref()?;
    let reason = trial.reason.as_deref()?;
    let advice = trial.advice.as_deref().map(|advice| format!("; {advice}")).unwrap_or_default();
    Some(format!("  {}: {reason}{advice}", super::text::name(&trial.id, 28)))
}
