//! Candidates as the rule of the budget sees them: what their latency is told from, and what
//! they are worth on the task.

use std::collections::BTreeMap;
use std::time::Duration;

use super::entry::{Entry, Setting};
use crate::base::Micros;
use crate::bench::Trial;
use crate::decide::look::{Aim, Look, Merit, Prospect, Traits};
use crate::rank::Speeds;
use crate::rank::cost::roofline;
use crate::task::{Estimate, Evidence, Policy};

/// Merit that an e-fold of latency costs where latency weighs as much as relevance.
const PRICE: f64 = 0.2;
/// Where neither target nor limit says what is fast enough, this is.
const FAST: Micros = Micros(1000.0);
/// Multiply-accumulates per byte of a model whose card does not tell.
const MACS_PER_BYTE: f64 = 50.0;

/// What the policy aims at: the weights make the price, the target is its own.
pub(super) fn aim(policy: &Policy) -> Aim {
    let (weights, limit) = (&policy.weights, policy.limits.latency);
    let price = PRICE * weights.latency / weights.relevance.max(1e-3);
    let target = policy.targets.latency.unwrap_or(FAST);
    Aim { price: price.clamp(1e-3, 10.0), target, limit }
}

/// Every entry, in order.
pub(super) fn prospects(
    setting: &Setting<'_>,
    entries: &[Entry],
    speeds: &Speeds,
) -> Vec<Prospect> {
    let mut numbers = Numbers::default();
    let samples = setting.task.samples.len() as f64;
    let prospect = |entry: &Entry| Prospect {
        traits: traits(entry, speeds, &mut numbers),
        merit: merit(entry),
        lessons: if entry.evidence.is_some() { 0.0 } else { samples },
    };
    entries.iter().map(prospect).collect()
}

/// Measured on the task, or all that it may be.
pub(super) fn merit(entry: &Entry) -> Merit {
    match entry.evidence.as_ref().and_then(Evidence::accuracy) {
        Some(Estimate { value, high, .. }) => Merit { expected: value, at_best: high },
        None => Merit { expected: 0.5, at_best: 1.0 },
    }
}

/// A number for every name.
#[derive(Default)]
struct Numbers(BTreeMap<String, u32>);

impl Numbers {
    fn of(&mut self, name: String) -> u32 {
        let next = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        *self.0.entry(name).or_insert(next)
    }
}

fn traits(entry: &Entry, speeds: &Speeds, numbers: &mut Numbers) -> Traits {
    let candidate = &entry.candidate;
    let card = candidate.card.as_ref();
    let macs = card.and_then(|card| card.macs).filter(|macs| *macs > 0);
    let macs = macs.map_or(candidate.bytes as f64 * MACS_PER_BYTE, |macs| macs as f64);
    let params = card.map_or(candidate.bytes, |card| card.params);
    let family = candidate.manifest.as_ref().map(|manifest| manifest.family.clone());
    let quantization = card.map_or("unknown", |card| card.quantization.name());
    let rates = speeds.get(&candidate.config.id());
    let predicted = rates.and_then(|rates| roofline::latency(rates, &card?.work));
    Traits {
        ln_predicted: predicted.map(|micros| micros.0.ln()),
        ln_macs: macs.max(1.0).ln(),
        ln_params: (params.max(1) as f64).ln(),
        arithmetic: numbers.of(format!("arithmetic {quantization}")),
        engine: numbers.of(format!("engine {}", candidate.config.id())),
        family: numbers.of(format!("family {}", family.as_ref().unwrap_or(&candidate.id))),
    }
}

/// What a trial saw; `None` where it timed nothing.
pub(super) fn look(trial: &Trial, took: Duration, whole: Option<bool>) -> Option<Look> {
    let latency = trial.latency?;
    let (spread, samples) = (latency.spread, latency.samples);
    (latency.p50.0 > 0.0).then_some(Look { median: latency.p50, spread, samples, took, whole })
}

/// Whether a trial keeps the limit of the latency, as the ranking gates it.
pub(super) fn is_fast(policy: &Policy, trial: &Trial) -> bool {
    let latency = trial.latency.map(|latency| latency.p90_upper.unwrap_or(latency.p90));
    policy.limits.latency.zip(latency).is_none_or(|(limit, found)| found <= limit)
}

/// Whether a candidate keeps the limits that a first look can tell of.
pub(super) fn keeps_the_rest(policy: &Policy, entry: &Entry) -> bool {
    let limits = &policy.limits;
    let peak = entry.trial.as_ref().and_then(|trial| trial.peak_rss);
    let accuracy = entry.evidence.as_ref().and_then(Evidence::accuracy);
    let small = limits.memory.zip(peak).is_none_or(|(limit, found)| found <= limit);
    let good = limits.accuracy.zip(accuracy).is_none_or(|(limit, found)| found.value >= limit);
    small && good && limits.storage.is_none_or(|limit| entry.candidate.bytes <= limit.0)
}
