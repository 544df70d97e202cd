//! Scores of the candidates beside the truth, and what each score is worth.

use serde_json::{Value, json};

use super::table::{Align, Table};
use super::text::{page, wrap};
use super::{Show, document};
use crate::agent::{Evaluated, Evaluation};
use crate::rank::evaluate::Agreement;
use crate::rank::relevance::View;

/// What `eval` shows.
#[derive(Debug)]
pub struct Judged {
    /// What was found.
    pub found: Evaluation,
    /// Images that the task has too, and that were not counted.
    pub left_out: usize,
}

impl Show for Judged {
    fn text(&self) -> String {
        let Evaluation { task, samples, held_out, prior, .. } = &self.found;
        let left_out = self.left_out;
        let mut lines = wrap("task    ", &format!("{task}, {samples} samples"), 1);
        let mut truth =
            format!("accuracy of what would be deployed, on {held_out} held-out images");
        if left_out > 0 {
            truth.push_str(&format!("; {left_out} left out, which the task has too"));
        }
        lines.extend(wrap("truth   ", &truth, 2));
        lines.extend(wrap("prior   ", prior.map_or("none", |prior| prior.name()), 1));
        lines.push(String::new());
        lines.extend(self.candidates());
        for of in &self.found.candidates {
            if let Some(rejection) = &of.rejection {
                let what = format!("{}: {}", of.id, rejection.reason);
                lines.extend(wrap("out     ", &what, 2));
            }
        }
        lines.push(String::new());
        lines.extend(self.agreements());
        page(&lines)
    }

    fn json(&self) -> Value {
        let Evaluation { task, samples, held_out, prior, unfitted, candidates, agreements } =
            &self.found;
        document(json!({
            "task": task,
            "samples": samples,
            "held_out": held_out,
            "left_out": self.left_out,
            "prior": prior,
            "unfitted": unfitted,
            "candidates": candidates.iter().map(candidate).collect::<Vec<_>>(),
            "scores": agreements.iter().map(agreement).collect::<Vec<_>>(),
        }))
    }
}

impl Judged {
    fn candidates(&self) -> Vec<String> {
        let right = Align::Right;
        let mut table = Table::new(&[
            ("model", Align::Name),
            ("truth", right),
            ("accuracy", right),
            ("LogME", right),
            ("H-score", right),
            ("NCE", right),
            ("rank", right),
            ("95 %", right),
        ]);
        let mut order: Vec<&Evaluated> = self.found.candidates.iter().collect();
        let truth = |of: &Evaluated| of.truth.map_or(f64::NEG_INFINITY, |truth| truth.value);
        order.sort_by(|a, b| truth(b).total_cmp(&truth(a)));
        for of in order {
            let accuracy = of.evidence.as_ref().and_then(|shown| shown.accuracy());
            let percent = |value: f64| format!("{:.1}", value * 100.0);
            let score = |view| three(of.score(view));
            let standing = of.standing.as_ref();
            table.row(vec![
                of.id.clone(),
                or_dash_text(of.truth.map(|truth| percent(truth.value))),
                or_dash_text(accuracy.map(|found| percent(found.value))),
                score(View::LogMe),
                score(View::HScore),
                score(View::Nce),
                or_dash_text(standing.map(|standing| standing.rank.to_string())),
                or_dash_text(
                    standing.map(|of| format!("{}-{}", of.rank_interval[0], of.rank_interval[1])),
                ),
            ]);
        }
        table.lines()
    }

    fn agreements(&self) -> Vec<String> {
        let right = Align::Right;
        let mut table = Table::new(&[
            ("score", Align::Left),
            ("models", right),
            ("tau", right),
            ("symmetric", right),
            ("Spearman", right),
            ("regret@1", right),
            ("top 3", right),
        ]);
        for (name, models, found) in &self.found.agreements {
            let tau = found.tau.as_ref().ok();
            table.row(vec![
                (*name).to_owned(),
                models.to_string(),
                three(tau.map(|tau| tau.truth_ranked)),
                three(tau.map(|tau| tau.symmetric)),
                three(found.spearman.as_ref().ok().copied()),
                or_dash_text(
                    found.regret.as_ref().ok().map(|regret| format!("{:.1}", regret * 100.0)),
                ),
                three(found.recall.as_ref().ok().copied()),
            ]);
        }
        table.lines()
    }
}

fn three(value: Option<f64>) -> String {
    or_dash_text(value.map(|value| format!("{value:.3}")))
}

fn or_dash_text(text: Option<String>) -> String {
    text.unwrap_or_else(|| "-".to_owned())
}

fn candidate(of: &Evaluated) -> Value {
    let evidence = of.evidence.as_ref();
    json!({
        "id": of.id,
        "truth": of.truth.map(|truth| truth.value),
        "truth_interval": of.truth.map(|truth| [truth.low, truth.high]),
        "accuracy": evidence.and_then(|shown| shown.accuracy()).map(|found| found.value),
        "macs": of.lists[0],
        "source_accuracy": of.lists[1],
        "logme": of.score(View::LogMe),
        "hscore": of.score(View::HScore),
        "nce": of.score(View::Nce),
        "relevance": of.relevance,
        "standing": of.standing,
        "reason": of.rejection.as_ref().map(|rejection| rejection.reason.as_str()),
    })
}

fn agreement((name, models, found): &(&'static str, usize, Agreement)) -> Value {
    let tau = found.tau.as_ref().ok();
    json!({
        "score": name,
        "models": models,
        "truth_ranked": tau.map(|tau| tau.truth_ranked),
        "symmetric": tau.map(|tau| tau.symmetric),
        "spearman": found.spearman.as_ref().ok(),
        "regret_at_1": found.regret.as_ref().ok(),
        "top_3_recall": found.recall.as_ref().ok(),
        "undefined": found.tau.as_ref().err().map(ToString::to_string),
    })
}
