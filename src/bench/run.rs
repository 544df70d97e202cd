//! The parent's side: one candidate in, one trial out.

use std::time::Duration;

use super::collect::Heard;
use super::during::Looks;
use super::ended::rejection_of;
use super::energy::{Gauge, NoEnergy, SHORTEST};
use super::verdict::{Judgement, judge};
use super::worker::BenchJob;
use super::{
    Conditions, Plan, Trial, TrialKey, Verdict, conditions, cool, golden, spec_for, stats,
};
use crate::base::{Event, Sink, Watts};
use crate::board::power::Meter;
use crate::child::{Context, Ended, Job, Limits, ModelRef, Watch, encode_payload};
use crate::model::{Candidate, Rejection, Stage};

/// With a meter the steady part lasts twice as long as the shortest window of energy.
const METERED: Duration = Duration::from_millis(2 * SHORTEST.as_millis() as u64);

/// Measures one candidate in a fresh worker.
#[allow(clippy::too_many_arguments)]
pub fn run(
    plan: &Plan,
    candidate: &Candidate,
    key: TrialKey,
    ctx: Context<'_>,
    meters: &mut [Box<dyn Meter>],
    idle: Option<Watts>,
    sink: &mut dyn Sink,
) -> Trial {
    let gauge = Gauge::best(meters);
    let job = match job(plan, candidate, ctx, gauge.is_some()) {
        Ok(job) => job,
        Err(rejection) => return rejected(candidate, key, &rejection, ctx.clock.unix_seconds()),
    };
    let cooled = cool::wait(&plan.cool, ctx, sink);
    let before = conditions::now(ctx.sys);
    let mut looks = Looks::over(ctx.sys, &job.limits.cpus);
    let mut heard = Heard::new(ctx.clock, gauge);
    let ended = ctx.spawn.run(&job, ctx.clock, ctx.stop, &mut |watch| {
        if watch == Watch::Tick {
            sink.event(Event::Tick);
            if heard.is_running() {
                looks.look(ctx.sys);
            }
        }
        heard.hear(watch)
    });
    // A recorded board was not disturbed by what disturbs this machine.
    let waited = heard.waited.filter(|_| ctx.sys.is_live());
    let (after, during) = (conditions::now(ctx.sys), looks.end(ctx.sys, waited));
    let conditions = Conditions { before, after, during, cooled, confinement: heard.confinement };
    let blank = blank(candidate, key, ctx.clock.unix_seconds());
    conclude(Trial { conditions, ..blank }, heard, &ended, plan, idle, ctx.spawn.is_launched())
}

/// The worker's orders.
fn job(
    plan: &Plan,
    candidate: &Candidate,
    ctx: Context<'_>,
    metered: bool,
) -> Result<Job, Rejection> {
    if let Some(rejection) = &candidate.rejection {
        return Err(rejection.clone());
    }
    let spec = spec_for(candidate, None, plan.head_labels).ok_or_else(|| Rejection {
        stage: Stage::Validate,
        reason: "no output is known".to_owned(),
        help: Some("Name its outputs in a sidecar.".to_owned()),
    })?;
    let model = candidate.read()?;
    let mut plan = plan.clone();
    if metered {
        plan.min_time = plan.min_time.max(METERED).min(plan.max_time);
    }
    let limits = Limits::of(&candidate.config.affinity, plan.wall, ctx.sys);
    let address_space = plan.address_space.or(limits.address_space);
    let limits = Limits { address_space, ..limits };
    let payload = encode_payload(&BenchJob {
        model: ModelRef::Bytes(&model),
        engine: candidate.config.engine.clone(),
        goldens: golden::expectations(candidate, &spec),
        spec,
        plan,
    });
    Ok(Job { kind: "bench".to_owned(), payload, limits })
}

/// Makes a trial of what was heard.
fn conclude(
    trial: Trial,
    heard: Heard<'_>,
    ended: &Ended,
    plan: &Plan,
    idle: Option<Watts>,
    launched: bool,
) -> Trial {
    let trial = Trial {
        load: heard.load,
        optimise: heard.optimise,
        first: heard.first,
        convolutions: heard.convolutions,
        ..trial
    };
    if *ended == Ended::Stopped {
        return Trial { reason: Some("stopped on request".to_owned()), ..trial };
    }
    if let Some(rejection) = rejection_of(&heard, ended) {
        return fallen(trial, &rejection);
    }
    let Judgement { verdict, reason, advice } = judge(&heard.samples, &trial.conditions, plan);
    let energy = heard.total.as_ref().ok().zip(heard.gauge.as_ref());
    let energy = energy.map(|(total, gauge)| gauge.energy(*total, heard.samples.len(), idle));
    let (peak_rss, private) = heard.memory.filter(|_| !launched).unwrap_or_default();
    let advice = advice.or_else(|| absences(&heard, launched));
    let latency = stats::latency(&heard.samples);
    Trial { verdict, reason, advice, latency, energy, peak_rss, private, ..trial }
}

/// Why figures are missing from a trial that counts. Having no meter is the board's
/// affair, not this trial's.
fn absences(heard: &Heard<'_>, launched: bool) -> Option<String> {
    let energy = heard.total.as_ref().err().filter(|why| **why != NoEnergy::NoMeter);
    let memory = launched.then(|| "memory is unsupported under a launcher".to_owned());
    let all: Vec<String> = energy.map(ToString::to_string).into_iter().chain(memory).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// A trial with nothing in it.
fn blank(candidate: &Candidate, key: TrialKey, at: u64) -> Trial {
    Trial {
        id: candidate.id.clone(),
        key,
        verdict: Verdict::Skipped,
        stage: None,
        reason: None,
        advice: None,
        latency: None,
        load: None,
        optimise: None,
        first: None,
        peak_rss: None,
        private: None,
        energy: None,
        convolutions: None,
        conditions: Conditions::default(),
        at,
    }
}

fn fallen(trial: Trial, rejection: &Rejection) -> Trial {
    Trial {
        verdict: Verdict::Rejected,
        stage: Some(rejection.stage),
        reason: Some(rejection.reason.clone()),
        advice: rejection.help.clone(),
        ..trial
    }
}

/// The trial of a candidate that fell out before it was measured.
#[must_use]
pub fn rejected(candidate: &Candidate, key: TrialKey, rejection: &Rejection, at: u64) -> Trial {
    fallen(blank(candidate, key, at), rejection)
}

/// The trial of a candidate that was not measured, and why.
#[must_use]
pub fn skipped(candidate: &Candidate, key: TrialKey, reason: &str, at: u64) -> Trial {
    Trial { reason: Some(reason.to_owned()), ..blank(candidate, key, at) }
}
