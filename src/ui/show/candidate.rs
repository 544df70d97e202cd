//! One candidate as scripts read it: its file, its trial, its evidence and its place.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::agent::Selection;
use crate::base::Micros;
use crate::bench::{Latency, Trial, Verdict};
use crate::model::Candidate;
use crate::rank::relevance::Standing;
use crate::rank::{Criterion, Measure, Row, Violation};
use crate::task::head::TargetFit;
use crate::task::{Estimate, Evidence};

/// Everything known of one candidate; any part but the first may be missing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a> {
    pub(crate) candidate: &'a Candidate,
    pub(crate) trial: Option<&'a Trial>,
    pub(crate) row: Option<&'a Row>,
    pub(crate) evidence: Option<&'a Evidence>,
}

impl<'a> Known<'a> {
    /// The candidates of a selection, in zoo order.
    pub(crate) fn all(selection: &'a Selection) -> Vec<Self> {
        let known = |(at, candidate): (usize, &'a Candidate)| Known {
            candidate,
            trial: selection.trials.get(at),
            row: selection.ranking.rows.get(at),
            evidence: selection.evidence.iter().find(|found| found.sha256 == candidate.sha256),
        };
        selection.candidates.iter().enumerate().map(known).collect()
    }

    /// Within every limit.
    pub(crate) fn feasible(&self) -> bool {
        self.row.is_some_and(Row::feasible)
    }

    /// Accuracy of what would be deployed.
    pub(crate) fn accuracy(&self) -> Option<Estimate> {
        self.row.and_then(|row| row.accuracy).or_else(|| self.evidence.and_then(Evidence::accuracy))
    }

    /// How well its head explains real targets.
    pub(crate) fn fit(&self) -> Option<TargetFit> {
        self.evidence.and_then(|evidence| evidence.fit)
    }

    /// Where and why it fell out; known before a trial where the file is broken.
    pub(crate) fn fallen(&self) -> Option<(Option<&'a str>, &'a str)> {
        if let Some(trial) = self.trial.filter(|trial| trial.verdict != Verdict::Valid) {
            return Some((trial.stage.map(|stage| stage.name()), trial.reason.as_deref()?));
        }
        let rejection = self.candidate.rejection.as_ref()?;
        Some((Some(rejection.stage.name()), &rejection.reason))
    }
}

/// The verdict as a word.
pub(crate) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => "valid",
        Verdict::Suspect => "suspect",
        Verdict::Invalid => "invalid",
        Verdict::Rejected => "rejected",
        Verdict::Skipped => "skipped",
    }
}

/// A candidate or a trial in JSON.
#[derive(Debug, Serialize)]
pub(crate) struct CandidateJson<'a> {
    id: &'a str,
    config_id: String,
    sha256: String,
    bytes: u64,
    params: Option<u64>,
    macs: Option<u64>,
    peak_activation_bytes: Option<u64>,
    quantization: Option<&'static str>,
    verdict: &'static str,
    stage: Option<&'a str>,
    reason: Option<&'a str>,
    advice: Option<&'a str>,
    engine: &'a str,
    threads: u16,
    affinity: String,
    latency_us: Option<LatencyJson>,
    load_us: Option<f64>,
    optimise_us: Option<f64>,
    first_us: Option<f64>,
    peak_rss_bytes: Option<u64>,
    private_bytes: Option<u64>,
    energy_mj: Option<f64>,
    energy_net_mj: Option<f64>,
    energy_source: Option<&'a str>,
    energy_scope: Option<crate::board::power::Scope>,
    predicted: BTreeMap<&'static str, f64>,
    predicted_interval: BTreeMap<&'static str, [f64; 2]>,
    accuracy: Option<f64>,
    accuracy_interval: Option<[f64; 2]>,
    r2: Option<f64>,
    r2_interval: Option<[f64; 2]>,
    mean_absolute_error: Option<f64>,
    relevance: Option<f64>,
    relevance_interval: Option<[f64; 2]>,
    standing: Option<&'a Standing>,
    violations: &'a [Violation],
    ranks: BTreeMap<&'static str, u32>,
    copeland: Option<f64>,
}

#[derive(Debug, Serialize)]
struct LatencyJson {
    p50: f64,
    interval: [f64; 2],
    p90: f64,
    p90_upper: Option<f64>,
    p99: f64,
    mean: f64,
    standard_error: Option<f64>,
    samples: u64,
    outliers: OutliersJson,
}

#[derive(Debug, Serialize)]
struct OutliersJson {
    above: f64,
    count: u64,
    time_share: f64,
}

impl From<&Latency> for LatencyJson {
    fn from(latency: &Latency) -> Self {
        let Micros(p50) = latency.p50;
        Self {
            p50,
            interval: [p50 - latency.p50_half_width.0, p50 + latency.p50_half_width.0],
            p90: latency.p90.0,
            p90_upper: latency.p90_upper.map(|bound| bound.0),
            p99: latency.p99.0,
            mean: latency.mean.0,
            standard_error: latency.standard_error.map(|error| error.0),
            samples: latency.samples,
            outliers: OutliersJson {
                above: latency.outliers.above.0,
                count: latency.outliers.count,
                time_share: latency.outliers.time_share,
            },
        }
    }
}

impl<'a> CandidateJson<'a> {
    pub(crate) fn of(known: &Known<'a>) -> Self {
        let Known { candidate, trial, row, .. } = *known;
        let card = candidate.card.as_ref();
        let energy = trial.and_then(|trial| trial.energy.as_ref());
        let fallen = known.fallen();
        let accuracy = known.accuracy();
        let fit = known.fit();
        let relevance = row.and_then(|row| row.measures.get(&Criterion::Relevance));
        let micros = |value: Option<Micros>| value.map(|Micros(us)| us);
        Self {
            id: &candidate.id,
            config_id: candidate.config.id(),
            sha256: candidate.sha256.hex(),
            bytes: candidate.bytes,
            params: card.map(|card| card.params),
            macs: card.and_then(|card| card.macs),
            peak_activation_bytes: card.and_then(|card| card.peak_activation_bytes),
            quantization: card.map(|card| card.quantization.name()),
            verdict: known_verdict(known),
            stage: fallen.and_then(|(stage, _)| stage),
            reason: fallen.map(|(_, reason)| reason),
            advice: trial.and_then(|trial| trial.advice.as_deref()),
            engine: &candidate.config.engine,
            threads: candidate.config.threads,
            affinity: candidate.config.affinity.name(),
            latency_us: trial.and_then(|trial| trial.latency.as_ref()).map(LatencyJson::from),
            load_us: micros(trial.and_then(|trial| trial.load)),
            optimise_us: micros(trial.and_then(|trial| trial.optimise)),
            first_us: micros(trial.and_then(|trial| trial.first)),
            peak_rss_bytes: trial.and_then(|trial| trial.peak_rss).map(|bytes| bytes.0),
            private_bytes: trial.and_then(|trial| trial.private).map(|bytes| bytes.0),
            energy_mj: energy.map(|energy| energy.gross.millis()),
            energy_net_mj: energy.and_then(|energy| energy.net).map(|net| net.millis()),
            energy_source: energy.map(|energy| energy.source.as_str()),
            energy_scope: energy.map(|energy| energy.scope),
            predicted: predicted(row, |measure| measure.value),
            predicted_interval: predicted(row, |measure| [measure.low, measure.high]),
            accuracy: accuracy.map(|estimate| estimate.value),
            accuracy_interval: accuracy.map(|estimate| [estimate.low, estimate.high]),
            r2: fit.map(|fit| fit.r2.value),
            r2_interval: fit.map(|fit| [fit.r2.low, fit.r2.high]),
            mean_absolute_error: fit.map(|fit| fit.mae),
            relevance: relevance.map(|measure| measure.value),
            relevance_interval: relevance.map(|measure| [measure.low, measure.high]),
            standing: row.and_then(|row| row.standing.as_ref()),
            violations: row.map_or(&[], |row| &row.violations),
            ranks: row.map(ranks).unwrap_or_default(),
            copeland: row.and_then(|row| row.copeland),
        }
    }
}

/// The trial's verdict; without a trial, a broken file is rejected and anything else skipped.
pub(crate) fn known_verdict(known: &Known<'_>) -> &'static str {
    match (known.trial, &known.candidate.rejection) {
        (Some(trial), _) => verdict(trial.verdict),
        (None, Some(_)) => verdict(Verdict::Rejected),
        (None, None) => verdict(Verdict::Skipped),
    }
}

/// What costs are predicted to be, measured or not; an estimated energy is a prediction too.
fn predicted<T>(row: Option<&Row>, of: fn(&Measure) -> T) -> BTreeMap<&'static str, T> {
    let found = row.into_iter().flat_map(|row| {
        let measures = row.measures.iter().filter(|(_, measure)| measure.predicted);
        measures.chain(&row.predictions)
    });
    found.map(|(criterion, measure)| (criterion.name(), of(measure))).collect()
}

fn ranks(row: &Row) -> BTreeMap<&'static str, u32> {
    row.ranks.iter().map(|(criterion, &rank)| (criterion.name(), rank)).collect()
}
