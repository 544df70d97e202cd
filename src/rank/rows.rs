//! From facts, candidates, trials and evidence to the rows of a ranking: what each
//! candidate is worth in each criterion, and what its limits are gated with.

use std::collections::BTreeMap;

use super::predict::{Means, Predictions, predictions};
use super::relevance::{Kin, Prior, Scale, Standing, applies, fuse, scale};
use super::{Criterion, Measure, Ranking, Row};
use crate::base::{Bytes, Celsius, Digest};
use crate::bench::{Trial, Verdict};
use crate::board::Facts;
use crate::board::power::Scope;
use crate::model::Candidate;
use crate::task::{Estimate, Evidence, Scores, megabytes};

/// Distance to the throttle point at which a board begins to be called hot, kelvin.
const THROTTLE_MARGIN: f64 = 5.0;
/// Zones step by about a kelvin; smaller differences are not heat.
const ZONE_STEP: f64 = 1.0;

/// A row per candidate, in the order given, and what their standings come from; nothing here
/// depends on the policy.
pub(super) fn rows(
    means: Means<'_>,
    facts: &Facts,
    candidates: &[Candidate],
    trials: &[Trial],
    evidence: &[Evidence],
) -> (Vec<Row>, Merge) {
    let mut found: Vec<Found<'_>> =
        candidates.iter().map(|candidate| Found::of(candidate, trials, evidence)).collect();
    let timed: Vec<_> = found.iter().map(|found| (found.candidate, found.trial)).collect();
    for (found, predicted) in found.iter_mut().zip(predictions(means, &timed)) {
        found.predicted = predicted;
    }
    let merge = stand(&mut found);
    let shown = found.iter().filter(|found| found.usable).filter_map(|found| found.evidence);
    let scale = scale(shown, merge.prior);
    (found.iter().map(|found| found.row(facts, scale)).collect(), merge)
}

/// What the standings of a ranking come from.
pub(super) struct Merge {
    /// What the prior is, where there is one.
    pub(super) prior: Option<Prior>,
    /// Why they are mean ranks and not fitted, where that is so.
    pub(super) unfitted: Option<String>,
}

impl Merge {
    /// That of a ranking.
    pub(super) fn of(ranking: &Ranking) -> Self {
        Self { prior: ranking.prior, unfitted: ranking.unfitted.clone() }
    }
}

/// Gives the usable their standings. A model that competes in several configurations is one
/// model here.
fn stand(found: &mut [Found<'_>]) -> Merge {
    let shown = |found: &&Found<'_>| found.usable && found.evidence.is_some();
    let mut models: Vec<&Found<'_>> = Vec::new();
    for one in found.iter().filter(shown) {
        if models.iter().all(|model| model.candidate.sha256 != one.candidate.sha256) {
            models.push(one);
        }
    }
    let candidates: Vec<&Candidate> = models.iter().map(|model| model.candidate).collect();
    let prior = Prior::of(&candidates);
    let expected: Vec<Option<f64>> =
        candidates.iter().map(|candidate| prior?.value(candidate)).collect();
    let scores: Vec<Option<&Scores>> =
        models.iter().map(|model| model.evidence.map(|shown| &shown.scores)).collect();
    let unfitted = applies(prior == Some(Prior::Stated), scores.iter().flatten().copied()).err();
    let kin: Vec<Kin> = candidates.iter().map(|candidate| Kin::of(candidate)).collect();
    let fused = fuse(&expected, &scores, unfitted.is_none().then_some(&kin));
    let unfitted = unfitted.filter(|_| !models.is_empty()).map(str::to_owned);
    let standings: Vec<(Digest, Option<Standing>)> =
        candidates.iter().map(|candidate| candidate.sha256).zip(fused).collect();
    for one in found.iter_mut().filter(|one| one.usable && one.evidence.is_some()) {
        let own = standings.iter().find(|(sha256, _)| *sha256 == one.candidate.sha256);
        one.standing = own.and_then(|(_, standing)| standing.clone());
    }
    Merge { prior, unfitted }
}

/// What is known of one candidate.
struct Found<'a> {
    candidate: &'a Candidate,
    trial: Option<&'a Trial>,
    evidence: Option<&'a Evidence>,
    standing: Option<Standing>,
    predicted: Predictions,
    usable: bool,
}

impl<'a> Found<'a> {
    fn of(candidate: &'a Candidate, trials: &'a [Trial], evidence: &'a [Evidence]) -> Self {
        let config_id = candidate.config.id();
        let trial = trials.iter().find(|trial| {
            trial.id == candidate.id
                && trial.key.sha256 == candidate.sha256
                && trial.key.config_id == config_id
        });
        let shown = evidence
            .iter()
            .find(|shown| shown.id == candidate.id && shown.sha256 == candidate.sha256);
        let runs =
            trial.is_none_or(|trial| matches!(trial.verdict, Verdict::Valid | Verdict::Suspect));
        // Once candidates have shown what they can do on the task, one that was
        // measured and showed nothing could only be chosen blindly.
        let serves = match shown {
            Some(shown) => shown.serves(),
            None => evidence.is_empty() || trial.is_none(),
        };
        let usable = candidate.rejection.is_none() && runs && serves;
        let predicted = Predictions::new();
        Self { candidate, trial, evidence: shown, standing: None, predicted, usable }
    }

    fn row(&self, facts: &Facts, scale: Scale) -> Row {
        let accuracy = self.evidence.and_then(Evidence::accuracy);
        Row {
            id: self.candidate.id.clone(),
            config_id: self.candidate.config.id(),
            sha256: self.candidate.sha256,
            usable: self.usable,
            violations: Vec::new(),
            measures: self.measures(facts, scale),
            predictions: self.predicted.clone(),
            gates: self.gates(accuracy),
            accuracy,
            standing: self.standing.clone(),
            ranks: BTreeMap::new(),
            copeland: None,
            second_order: None,
            margin_sum: None,
        }
    }

    fn measures(&self, facts: &Facts, scale: Scale) -> BTreeMap<Criterion, Measure> {
        let relevance =
            self.evidence.and_then(|evidence| scale.relevance(evidence, self.standing.as_ref()));
        let found = [
            (Criterion::Relevance, relevance.map(estimated)),
            (Criterion::Latency, self.trial.and_then(latency)),
            (Criterion::Memory, self.trial.and_then(memory)),
            (Criterion::Energy, self.trial.and_then(energy)),
            (Criterion::Thermal, self.trial.and_then(|trial| thermal(facts, trial))),
            (Criterion::Storage, Some(exact(self.candidate.bytes as f64))),
        ];
        let sound = |measure: &Measure| {
            [measure.value, measure.low, measure.high].iter().all(|v| v.is_finite())
        };
        let measured = found.into_iter();
        let measured =
            measured.filter_map(|(criterion, measure)| Some((criterion, measure.filter(sound)?)));
        // What was not measured is as predicted.
        let mut measures = self.predicted.clone();
        measures.extend(measured);
        measures
    }

    /// Only what was measured is gated: a prediction throws nobody out.
    fn gates(&self, accuracy: Option<Estimate>) -> BTreeMap<String, f64> {
        let latency = self.trial.and_then(|trial| trial.latency);
        let energy = self.trial.and_then(|trial| trial.energy.as_ref());
        let found = [
            // Below 64 samples there is no bound, and the empirical percentile stands in.
            ("latency", latency.map(|latency| latency.p90_upper.unwrap_or(latency.p90).millis())),
            ("memory", self.trial.and_then(|trial| trial.peak_rss).map(megabytes)),
            ("storage", Some(megabytes(Bytes(self.candidate.bytes)))),
            ("energy", energy.map(|energy| energy.gross.millis())),
            ("accuracy", accuracy.map(|accuracy| accuracy.value)),
        ];
        found.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

fn exact(value: f64) -> Measure {
    Measure { value, low: value, high: value, predicted: false }
}

fn estimated(estimate: Estimate) -> Measure {
    Measure { value: estimate.value, low: estimate.low, high: estimate.high, predicted: false }
}

fn latency(trial: &Trial) -> Option<Measure> {
    let latency = trial.latency?;
    let (value, half_width) = (latency.p50.0, latency.p50_half_width.0);
    Some(Measure { value, low: value - half_width, high: value + half_width, predicted: false })
}

fn memory(trial: &Trial) -> Option<Measure> {
    trial.peak_rss.map(|bytes| exact(bytes.0 as f64))
}

/// Gross energy: what the supply gives, idle included. An estimate counts as a prediction.
fn energy(trial: &Trial) -> Option<Measure> {
    let energy = trial.energy.as_ref()?;
    Some(Measure { predicted: energy.scope == Scope::Estimate, ..exact(energy.gross.0) })
}

/// Degrees by which the board, at the end of the trial, had come nearer to its throttle
/// point than the margin.
fn thermal(facts: &Facts, trial: &Trial) -> Option<Measure> {
    let Celsius(hottest) = trial.conditions.after.temperature?;
    let throttle = facts
        .thermal
        .iter()
        .filter_map(|zone| zone.throttle_at.value())
        .map(|at| at.0)
        .min_by(f64::total_cmp)?;
    let above = |temperature: f64| (temperature - (throttle - THROTTLE_MARGIN)).max(0.0);
    Some(Measure {
        value: above(hottest),
        low: above(hottest - ZONE_STEP),
        high: above(hottest + ZONE_STEP),
        predicted: false,
    })
}
