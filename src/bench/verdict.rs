//! Whether a measurement counts: a pure function of what was found.

use super::{Condition, Conditions, Plan, Verdict, stats};

/// Drift from the first third to the last that raises a doubt.
const DRIFT: f64 = 0.05;

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
    let Conditions { before, after } = conditions;
    if let Some(flags) = throttled(after) {
        return grounds(Verdict::Invalid, (format!("throttled: {flags}"), against(&flags)));
    }
    let doubts = [
        throttled(before).map(|flags| {
            let advice = against(&flags);
            (format!("throttled before it started: {flags}"), advice)
        }),
        changed("governor", &before.governor, &after.governor),
        changed("power mode", &before.power_mode, &after.power_mode),
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
fn throttled(condition: &Condition) -> Option<String> {
    condition.throttled.as_ref().filter(|flags| !flags.is_empty()).map(|flags| flags.join(", "))
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
    use super::*;

    fn flags(names: &[&str]) -> Condition {
        let throttled = Some(names.iter().map(|name| (*name).to_owned()).collect());
        Condition { throttled, governor: Some("ondemand".into()), ..Condition::default() }
    }

    fn verdict(samples: &[u64], before: Condition, after: Condition) -> (Verdict, String) {
        let found = judge(samples, &Conditions { before, after }, &Plan::quick());
        assert_eq!(found.reason.is_some(), found.advice.is_some());
        (found.verdict, found.reason.unwrap_or_default())
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
