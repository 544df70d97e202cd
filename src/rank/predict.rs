//! What every candidate is expected to cost here, from its nodes, the speeds that probes showed
//! and the candidates that were measured; a measured one is predicted as if it had not been.

use std::collections::BTreeMap;

use super::cost::roofline::{self, Rates};
use super::cost::{Footprint, Guess, Subject, Traits, footprints, forecast};
use super::{Criterion, Measure};
use crate::base::{Bytes, Digest, Micros};
use crate::bench::{Trial, Verdict};
use crate::board::power::Scope;
use crate::model::{Candidate, Card};

/// Speeds by the id of a configuration.
pub type Speeds = BTreeMap<String, Rates>;
/// What is to be added to the logarithm of a predicted latency, by the id of a configuration and
/// the hash of a model's file (`cost::residual`).
pub type Corrections = BTreeMap<(String, Digest), f64>;
/// What predictions are made from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Means<'a> {
    pub(super) speeds: &'a Speeds,
    pub(super) corrections: &'a Corrections,
}
/// Costs that nobody measured, or as if nobody had.
pub(super) type Predictions = BTreeMap<Criterion, Measure>;

/// Nominal speed where neither probe nor measurement tells: 1000 multiply-accumulates per
/// microsecond. Only the order of such predictions counts.
const MACS_PER_MICROSECOND: f64 = 1000.0;

/// A candidate with the trial that timed it, if one did.
pub(super) type Timed<'a> = (&'a Candidate, Option<&'a Trial>);

/// For each candidate, in order. Those on one engine tell of each other.
pub(super) fn predictions(means: Means<'_>, timed: &[Timed<'_>]) -> Vec<Predictions> {
    let mut engines: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, (candidate, _)) in timed.iter().enumerate() {
        engines.entry(&candidate.config.engine).or_default().push(at);
    }
    let mut found = vec![Predictions::new(); timed.len()];
    let groups: Vec<Group<'_>> =
        engines.into_values().map(|places| Group::of(means, timed, places)).collect();
    let absolute = groups.iter().any(Group::is_absolute);
    for group in groups.iter().filter(|group| group.is_absolute() || !absolute) {
        group.note(&mut found);
    }
    found
}

impl Means<'_> {
    /// The latency of a candidate by its nodes, where the speeds of its configuration are known.
    fn expected(&self, candidate: &Candidate, card: &Card) -> Option<Micros> {
        let config = candidate.config.id();
        let Micros(sum) = roofline::latency(self.speeds.get(&config)?, &card.work)?;
        let correction = self.corrections.get(&(config, candidate.sha256)).copied();
        Some(Micros(sum * correction.unwrap_or(0.0).exp()))
    }
}

/// Candidates on one engine.
struct Group<'a> {
    by_probes: bool,
    members: Vec<Member<'a>>,
}

struct Member<'a> {
    at: usize,
    card: &'a Card,
    expected: Option<Micros>,
    trial: Option<&'a Trial>,
}

impl<'a> Group<'a> {
    fn of(means: Means<'_>, timed: &[Timed<'a>], places: Vec<usize>) -> Self {
        let member = |at: usize| {
            let (candidate, trial) = *timed.get(at)?;
            let card = candidate.card.as_ref()?;
            let expected = means.expected(candidate, card);
            Some(Member { at, card, expected, trial: trial.filter(|trial| counts(trial)) })
        };
        let mut members: Vec<Member<'a>> = places.into_iter().filter_map(member).collect();
        let by_probes = members.iter().any(|member| member.expected.is_some());
        if !by_probes {
            for member in &mut members {
                let macs = member.card.macs.filter(|macs| *macs > 0);
                member.expected = macs.map(|macs| Micros(macs as f64 / MACS_PER_MICROSECOND));
            }
        }
        Self { by_probes, members }
    }

    /// Whether its latencies are more than an order.
    fn is_absolute(&self) -> bool {
        self.by_probes || self.members.iter().any(|member| member.latency().is_some())
    }

    fn note(&self, found: &mut [Predictions]) {
        self.note_latency(found);
        self.note_energy(found);
        self.note_memory(found);
    }

    fn note_latency(&self, found: &mut [Predictions]) {
        let subject = |member: &Member<'a>| {
            let expected = member.expected?.0;
            let measured = member.latency().map(|latency| latency.0);
            let subject = Subject { expected, traits: Traits::of(member.card), measured };
            (expected > 0.0).then_some((member.at, subject))
        };
        let (places, subjects): (Vec<usize>, Vec<Subject>) =
            self.members.iter().filter_map(subject).unzip();
        if !self.is_absolute() {
            for (at, subject) in places.iter().zip(&subjects) {
                put(found, *at, Criterion::Latency, exact(subject.expected));
            }
            return;
        }
        // Nothing here is zero or no number: there is always a forecast.
        let guesses = forecast(&subjects, self.by_probes).unwrap_or_default();
        for (at, guess) in places.iter().zip(guesses) {
            put(found, *at, Criterion::Latency, of(guess));
        }
    }

    /// Power of the others that a meter watched, times the predicted latency.
    fn note_energy(&self, found: &mut [Predictions]) {
        let powers: Vec<(usize, f64)> = self
            .members
            .iter()
            .filter_map(|member| Some((member.at, member.ln_power()?)))
            .collect();
        for member in &self.members {
            let latency = found.get(member.at).and_then(|of| of.get(&Criterion::Latency)).copied();
            let others: Vec<f64> =
                powers.iter().filter(|(at, _)| *at != member.at).map(|(_, power)| *power).collect();
            let (Some(latency), false) = (latency, others.is_empty()) else { continue };
            let joules = |micros: f64, ln_watts: f64| micros * 1e-6 * ln_watts.exp();
            let mean = others.iter().sum::<f64>() / others.len() as f64;
            let ends = || others.iter().copied();
            let measure = Measure {
                value: joules(latency.value, mean),
                low: joules(latency.low, ends().fold(mean, f64::min)),
                high: joules(latency.high, ends().fold(mean, f64::max)),
                predicted: true,
            };
            put(found, member.at, Criterion::Energy, measure);
        }
    }

    fn note_memory(&self, found: &mut [Predictions]) {
        let footprint = |member: &Member<'a>| {
            let measured = member.trial.and_then(|trial| trial.peak_rss);
            let measured = measured.map(|Bytes(peak)| peak as f64);
            Some((member.at, Footprint { bound: bound(member.card)?, measured }))
        };
        let (places, models): (Vec<usize>, Vec<Footprint>) =
            self.members.iter().filter_map(footprint).unzip();
        for (at, guess) in places.into_iter().zip(footprints(&models)) {
            let known = guess.high.is_finite();
            let measure = if known { of(guess) } else { exact(guess.cost) };
            put(found, at, Criterion::Memory, measure);
        }
    }
}

impl Member<'_> {
    fn latency(&self) -> Option<Micros> {
        Some(self.trial?.latency?.p50).filter(|latency| latency.0 > 0.0)
    }

    /// Logarithm of the mean power, where a meter watched.
    fn ln_power(&self) -> Option<f64> {
        let energy =
            self.trial?.energy.as_ref().filter(|energy| energy.scope != Scope::Estimate)?;
        let watts = energy.gross.0 / (self.latency()?.0 * 1e-6);
        (watts.is_finite() && watts > 0.0).then(|| watts.ln())
    }
}

/// Whether other candidates may be told from a trial.
fn counts(trial: &Trial) -> bool {
    !matches!(trial.verdict, Verdict::Invalid | Verdict::Rejected)
}

/// Weights and peak activations.
fn bound(card: &Card) -> Option<f64> {
    let weights: u64 = card.weight_bytes.values().fold(0, |sum, bytes| sum.saturating_add(*bytes));
    Some(weights.saturating_add(card.peak_activation_bytes?) as f64)
}

fn of(guess: Guess) -> Measure {
    Measure { value: guess.cost, low: guess.low, high: guess.high, predicted: true }
}

fn exact(value: f64) -> Measure {
    Measure { value, low: value, high: value, predicted: true }
}

fn put(found: &mut [Predictions], at: usize, criterion: Criterion, measure: Measure) {
    let sound = [measure.value, measure.low, measure.high].iter().all(|v| v.is_finite());
    if let Some(of) = found.get_mut(at).filter(|_| sound) {
        of.insert(criterion, measure);
    }
}
