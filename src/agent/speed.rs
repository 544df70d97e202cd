//! How fast the board does what, in one configuration: told once from micro-models, in workers
//! like any other measurement, and kept.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::entry::{Entry, Setting, no_task};
use super::measure::{Measuring, remember};
use super::request::Budget;
use super::{AgentError, Parts, World};
use crate::base::{Event, Sink};
use crate::bench::{self, Cool, Plan, TrialKey};
use crate::board;
use crate::child::Context;
use crate::deploy::{Gauged, Store};
use crate::model::{self, Candidate, Config, Kind};
use crate::rank::Speeds;
use crate::rank::cost::roofline::{Probed, Rates, fit};

/// All probes of a configuration take this long at most,
const MOST: Duration = Duration::from_secs(3);
/// or one part in so many of a budget, unless that is
const PART: u32 = 8;
/// less than they need anywhere.
const LEAST: Duration = Duration::from_millis(400);
/// Fewer candidates than this are measured rather than predicted.
const WORTH: usize = 3;

/// Finds the micro-models; not called where nothing is to be measured.
pub type Probes = fn() -> Vec<Candidate>;

impl Measuring<'_> {
    /// The speeds of all configurations that compete: from records, or measured now where
    /// candidates are to be measured and the budget allows it.
    pub(super) fn speeds(
        &self,
        probes: Probes,
        entries: &[Entry],
        fresh: bool,
        sink: &mut dyn Sink,
    ) -> Result<Speeds, AgentError> {
        let mut configs: BTreeMap<String, (&Config, usize)> = BTreeMap::new();
        for entry in entries.iter().filter(|entry| entry.candidate.rejection.is_none()) {
            let config = &entry.candidate.config;
            let wanting = usize::from(entry.wants_trial(&self.setting));
            configs.entry(config.id()).or_insert((config, 0)).1 += wanting;
        }
        let mut speeds = Speeds::new();
        for (id, (config, wanting)) in configs {
            let known = self.store.speeds(&self.setting.speed_key(config));
            let known = known.filter(|_| !fresh || wanting == 0);
            let rates = match (known, self.allowance().filter(|_| wanting >= WORTH)) {
                (None, Some(most)) => self.gauge(config, &probes(), most, sink),
                (known, _) => known,
            };
            self.stopped()?;
            speeds.extend(rates.map(|rates| (id, rates)));
        }
        Ok(speeds)
    }

    /// How long probing may take; none where there is no time for it.
    fn allowance(&self) -> Option<Duration> {
        if self.budget.is_none() {
            return None;
        }
        let part = self.budget.left().map_or(MOST, |left| MOST.min(left / PART));
        (part >= LEAST).then_some(part)
    }

    fn gauge(
        &self,
        config: &Config,
        probes: &[Candidate],
        most: Duration,
        sink: &mut dyn Sink,
    ) -> Option<Rates> {
        let budget = Budget::begin(self.ctx.clock, Some(most));
        gauge(self.ctx, &self.setting, self.store, (config, probes), &budget, sink)
    }
}

impl Setting<'_> {
    /// What identifies the speeds of a configuration.
    fn speed_key(&self, config: &Config) -> TrialKey {
        self.key_of(model::probes_digest(), config, "probes".to_owned())
    }
}

/// Times the probes in one configuration. What a short budget cut off serves
/// once and is not kept.
fn gauge(
    ctx: Context<'_>,
    setting: &Setting<'_>,
    store: &Store<'_>,
    (config, probes): (&Config, &[Candidate]),
    budget: &Budget<'_>,
    sink: &mut dyn Sink,
) -> Option<Rates> {
    let id = config.id();
    let (mut probed, total) = (Vec::new(), probes.len());
    if total > 0 {
        sink.event(Event::Stage("speed"));
    }
    for (done, probe) in in_order(probes).into_iter().enumerate() {
        if budget.is_spent() || ctx.stop.wanted() {
            break;
        }
        sink.event(Event::Step { stage: "speed", what: &id, done, total });
        let candidate = Candidate { config: config.clone(), ..probe.clone() };
        probed.push(time(ctx, setting, candidate, budget, sink));
    }
    let complete = probed.len() == total || budget.is_whole(MOST);
    let known: Vec<Probed> = probed.into_iter().flatten().collect();
    let rates = fit(&known)?;
    let text = format!("{} of {total} probes timed", known.len());
    sink.event(Event::Result { what: &id, text: &text });
    if complete {
        let gauged = Gauged { key: setting.speed_key(config), rates: rates.clone() };
        remember(store.save_speeds(&gauged));
    }
    Some(rates)
}

/// Those that every other rests on first, then the large ones: on a slow board there may be no
/// time for what the small ones add.
fn in_order(probes: &[Candidate]) -> Vec<&Candidate> {
    let mut order: Vec<&Candidate> = probes.iter().collect();
    let first = |id: &str| about(id).is_none_or(|(kind, _)| kind == Kind::Other);
    order.sort_by_key(|probe| {
        let id = probe.id.as_str();
        (about(id).is_some(), !first(id), id.ends_with("small"))
    });
    order
}

/// One probe; none where this engine does not run it.
fn time(
    ctx: Context<'_>,
    setting: &Setting<'_>,
    candidate: Candidate,
    budget: &Budget<'_>,
    sink: &mut dyn Sink,
) -> Option<Probed> {
    let entry = setting.alone(candidate);
    let candidate = &entry.candidate;
    let work = candidate.card.as_ref()?.work.clone();
    let key = setting.key(&entry);
    // No meter: it would make each probe last as long as a reading takes.
    let trial = bench::run(&plan(budget), candidate, key, ctx, &mut [], None, sink);
    Some(Probed { about: about(&candidate.id), work, latency: trial.latency?.p50 })
}

/// What a probe is about, by its name: `depthwise-int8-large`.
fn about(id: &str) -> Option<(Kind, bool)> {
    let mut parts = id.split('-');
    let name = parts.next()?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name)?;
    Some((kind, parts.next() == Some("int8")))
}

/// A brief look: micro-models are soon warm, and one that is slow needs few samples.
fn plan(budget: &Budget<'_>) -> Plan {
    let left = budget.left().unwrap_or(MOST);
    Plan {
        min_samples: 12,
        min_time: Duration::ZERO,
        max_samples: 2000,
        max_time: Duration::from_millis(15),
        patience: Duration::from_millis(80),
        wall: left,
        cool: Cool { below: None, wait: Duration::ZERO },
        ..Plan::quick()
    }
}

/// The speeds of these configurations, from records unless `fresh`, else measured now.
///
/// # Errors
/// [`AgentError::Stopped`], or the store is not to be had.
pub fn speeds(
    world: &mut World,
    probes: Probes,
    configs: &[Config],
    state: &Path,
    fresh: bool,
    sink: &mut dyn Sink,
) -> Result<Speeds, AgentError> {
    let Parts { ctx, fs, engines, .. } = world.parts();
    let store = Store::open(state.to_owned(), fs)?;
    let facts = board::probe(ctx.sys, state);
    let task = no_task();
    let setting = Setting { facts: &facts, engines, task: &task, head: false };
    let mut speeds = Speeds::new();
    for config in configs {
        let known = store.speeds(&setting.speed_key(config)).filter(|_| !fresh);
        let rates = match known {
            Some(rates) => Some(rates),
            None => {
                let lock = store.lock("umbra probe")?;
                let budget = Budget::begin(ctx.clock, Some(MOST));
                let rates = gauge(ctx, &setting, &store, (config, &probes()), &budget, sink);
                drop(lock);
                rates
            }
        };
        if ctx.stop.wanted() {
            return Err(AgentError::Stopped);
        }
        speeds.extend(rates.map(|rates| (config.id(), rates)));
    }
    Ok(speeds)
}
