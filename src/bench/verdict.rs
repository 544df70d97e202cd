//! Whether a measurement counts: a pure function of what was found.

use super::{Conditions, Plan, Verdict, stats};
use crate::base::Hertz;

/// Drift from the first third to the last that raises a doubt.
const DRIFT: f64 = 0.05;
/// Share of the clock that it might have under which a busy processor was held back.
const SLOW: f64 = 0.9;
/// Governors that keep a busy processor slow because somebody wants it so.
const SLOW_ON_PURPOSE: [&str; 2] = ["powersave", "userspace"];
/// Waiting that shows in the median: the middle inference this much longer than the mean
/// would be without any.
const DELAYED: f64 = 1.1;

/// A verdict with its grounds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Judgement {
    pub(super) verdict: Verdict,
    pub(super) reason: Option<String>,
    pub(super) advice: Option<String>,
}

/// One doubt: reason and advice.
type Doubt = (String, &'static str);

/// Judges steady samples (nanoseconds, in order) taken under these conditions.
pub(super) fn judge(samples: &[u64], conditions: &Conditions, plan: &Plan) -> Judgement {
    let Conditions { before, after, .. } = conditions;
    let flags = throttled(&after.throttled).or_else(|| throttled(&conditions.during.throttled));
    if let Some(flags) = flags {
        return grounds(Verdict::Invalid, (format!("throttled: {flags}"), against(&flags)));
    }
    let doubts = [
        throttled(&before.throttled).map(|flags| {
            let advice = against(&flags);
            (format!("throttled before it started: {flags}"), advice)
        }),
        changed("governor", &before.governor, &after.governor),
        changed("power mode", &before.power_mode, &after.power_mode),
        lowered(before.clock_bound, after.clock_bound),
        slow(conditions),
        busy(samples, conditions.during.waited),
        hot(conditions),
        too_few(samples.len(), plan),
        drifting(samples),
    ];
    match doubts.into_iter().flatten().next() {
        Some(doubt) => grounds(Verdict::Suspect, doubt),
        None => Judgement { verdict: Verdict::Valid, reason: None, advice: None },
    }
}

fn grounds(verdict: Verdict, (reason, advice): Doubt) -> Judgement {
    Judgement { verdict, reason: Some(reason), advice: Some(advice.to_owned()) }
}

/// The flags in force, if there are any.
fn throttled(flags: &Option<Vec<String>>) -> Option<String> {
    flags.as_ref().filter(|flags| !flags.is_empty()).map(|flags| flags.join(", "))
}

fn against(flags: &str) -> &'static str {
    if flags.contains("under-voltage") {
        "Use a stronger power supply and a shorter cable, then measure again."
    } else {
        "Cool the board (heat sink, fan, a pause), then measure again."
    }
}

fn changed(what: &str, before: &Option<String>, after: &Option<String>) -> Option<Doubt> {
    let (before, after) = (before.as_deref()?, after.as_deref()?);
    (before != after).then(|| {
        let reason = format!("the {what} changed from {before} to {after}");
        (reason, "Keep governor and power mode as they are while measuring.")
    })
}

/// Thermal drivers lower the clock that is allowed, without any flag.
fn lowered(before: Option<Hertz>, after: Option<Hertz>) -> Option<Doubt> {
    let (before, after) = (before?, after?);
    (after < before).then(|| {
        let (before, after) = (megahertz(before), megahertz(after));
        let reason = format!("the highest clock fell from {before} to {after} MHz");
        (reason, "Cool the board (heat sink, fan, a pause), then measure again.")
    })
}

fn slow(conditions: &Conditions) -> Option<Doubt> {
    let (clock, bound) = (conditions.during.clock?, conditions.during.clock_bound?);
    let governor = conditions.before.governor.as_deref().unwrap_or_default();
    let held_back = clock.0 as f64 <= SLOW * bound.0 as f64;
    (held_back && !SLOW_ON_PURPOSE.contains(&governor)).then(|| {
        let reason = format!("it ran at {} of {} MHz", megahertz(clock), megahertz(bound));
        (reason, "Set the governor to performance, or choose cores with --affinity.")
    })
}

fn megahertz(clock: Hertz) -> u64 {
    clock.0 / 1_000_000
}

/// Waiting that only a few inferences had to bear leaves the median alone, and is no doubt.
fn busy(samples: &[u64], waited: Option<f64>) -> Option<Doubt> {
    let waited = waited?;
    let sum: f64 = samples.iter().map(|&nanos| nanos as f64).sum();
    let alone = (1.0 - waited) * sum / samples.len().max(1) as f64;
    (stats::median(samples)? > DELAYED * alone).then(|| {
        let reason = format!("others had its processor {:.0} % of the time", waited * 100.0);
        (reason, "Stop other programs, or give it a core of its own with --affinity.")
    })
}

/// A temperature that somebody named and that did not come.
fn hot(conditions: &Conditions) -> Option<Doubt> {
    let pause = conditions.cooled.filter(|pause| pause.named && !pause.reached)?;
    let (to, below, seconds) = (pause.to.0, pause.below.0, pause.seconds);
    let reason = format!("still {to:.0} C after {seconds:.0} s, wanted below {below:.0} C");
    Some((reason, "Cool the board, wait longer (--cool-wait), or ask for less."))
}

fn too_few(samples: usize, plan: &Plan) -> Option<Doubt> {
    let wanted = plan.min_samples as usize;
    (samples < wanted).then(|| {
        let reason = format!("{samples} samples where {wanted} are needed for a sound p90");
        (reason, "Give the measurement more time.")
    })
}

fn drifting(samples: &[u64]) -> Option<Doubt> {
    let drift = stats::drift(samples).filter(|drift| drift.abs() > DRIFT)?;
    let reason = format!("latency drifted by {:+.0} % while measuring", drift * 100.0);
    Some((reason, "Let the board cool and come to rest, fix the clocks, then measure again."))
}

#[cfg(test)]
mod tests {
    use super::super::{Condition, Cooled, During};
    use super::*;
    use crate::base::Celsius;

    fn flags(names: &[&str]) -> Condition {
        let throttled = Some(names.iter().map(|name| (*name).to_owned()).collect());
        Condition { throttled, governor: Some("ondemand".into()), ..Condition::default() }
    }

    fn of(conditions: &Conditions, samples: &[u64]) -> (Verdict, String) {
        let found = judge(samples, conditions, &Plan::quick());
        assert_eq!(found.reason.is_some(), found.advice.is_some());
        (found.verdict, found.reason.unwrap_or_default())
    }

    fn verdict(samples: &[u64], before: Condition, after: Condition) -> (Verdict, String) {
        of(&Conditions { before, after, ..Conditions::default() }, samples)
    }

    /// Conditions with these things seen meanwhile.
    fn meanwhile(during: During) -> Conditions {
        let (before, after) = (flags(&[]), flags(&[]));
        Conditions { before, after, during, ..Conditions::default() }
    }

    #[test]
    fn what_came_and_went_while_it_ran_counts() {
        let steady = vec![1000; 64];
        let flags = Some(vec!["under-voltage".to_owned()]);
        let seen = meanwhile(During { throttled: flags, ..During::default() });
        assert_eq!(of(&seen, &steady), (Verdict::Invalid, "throttled: under-voltage".into()));
        let (fast, slow) = (Some(Hertz(1_800_000_000)), Some(Hertz(600_000_000)));
        let at = |clock| During { clock, clock_bound: fast, ..During::default() };
        assert_eq!(of(&meanwhile(at(fast)), &steady).0, Verdict::Valid);
        let mut held = meanwhile(at(slow));
        assert_eq!(of(&held, &steady), (Verdict::Suspect, "it ran at 600 of 1800 MHz".into()));
        held.before.governor = Some("powersave".into());
        held.after.governor = Some("powersave".into());
        assert_eq!(of(&held, &steady).0, Verdict::Valid, "somebody wants it so");
        let mut capped = meanwhile(During::default());
        (capped.before.clock_bound, capped.after.clock_bound) = (fast, slow);
        assert_eq!(of(&capped, &steady).1, "the highest clock fell from 1800 to 600 MHz");
    }

    #[test]
    fn waiting_is_a_doubt_where_the_median_had_to_wait() {
        let waited = |share| meanwhile(During { waited: Some(share), ..During::default() });
        let all_alike = vec![1000; 64];
        let doubt = of(&waited(0.3), &all_alike);
        assert_eq!(doubt, (Verdict::Suspect, "others had its processor 30 % of the time".into()));
        assert_eq!(of(&waited(0.05), &all_alike).0, Verdict::Valid);
        // One in four had to wait for three times as long as it ran: half of all the time.
        let few: Vec<u64> = (0..64).map(|k| if k % 4 == 0 { 5000 } else { 1000 }).collect();
        assert_eq!(of(&waited(0.5), &few).0, Verdict::Valid);
    }

    #[test]
    fn a_named_temperature_that_did_not_come_is_a_doubt() {
        let (from, to, below) = (Celsius(80.0), Celsius(74.0), Celsius(60.0));
        let pause = Cooled { seconds: 30.0, from, to, below, reached: false, named: true };
        let paused = |pause| Conditions { cooled: Some(pause), ..Conditions::default() };
        let doubt = of(&paused(pause), &[1000; 64]);
        assert_eq!(doubt, (Verdict::Suspect, "still 74 C after 30 s, wanted below 60 C".into()));
        assert_eq!(of(&paused(Cooled { named: false, ..pause }), &[1000; 64]).0, Verdict::Valid);
        assert_eq!(of(&paused(Cooled { reached: true, ..pause }), &[1000; 64]).0, Verdict::Valid);
    }

    #[test]
    fn each_ground_has_its_verdict() {
        let steady = vec![1000; 64];
        let quiet = || flags(&[]);
        assert_eq!(verdict(&steady, quiet(), quiet()), (Verdict::Valid, String::new()));
        let unknown = || Condition::default();
        assert_eq!(verdict(&steady, unknown(), unknown()).0, Verdict::Valid);
        let hot = verdict(&steady, quiet(), flags(&["soft-temperature-limit"]));
        assert_eq!(hot, (Verdict::Invalid, "throttled: soft-temperature-limit".into()));
        let was = verdict(&steady, flags(&["under-voltage"]), quiet());
        assert_eq!(was.0, Verdict::Suspect);
        let governed = Condition { governor: Some("performance".into()), ..quiet() };
        let changed = verdict(&steady, quiet(), governed);
        assert_eq!(changed.1, "the governor changed from ondemand to performance");
        let few = verdict(&steady[..63], quiet(), quiet());
        assert_eq!(
            few,
            (Verdict::Suspect, "63 samples where 64 are needed for a sound p90".into())
        );
        let warming: Vec<u64> = (0..90).map(|k| 1_000_000 + k * 2000).collect();
        let drift = verdict(&warming, quiet(), quiet());
        assert_eq!(drift, (Verdict::Suspect, "latency drifted by +12 % while measuring".into()));
    }
}
