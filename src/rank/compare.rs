//! How two candidates compare in one criterion: clamp, noise, abstention.

use std::cmp::Ordering;

use super::{Criterion, Measure};
use crate::task::{Estimate, Targets};

/// Two costs closer than this share of the smaller are a tie: such a difference is
/// within what one board shows from day to day.
pub(crate) const SAME_COST: f64 = 0.05;

/// The target of a criterion in the criterion's own unit.
#[must_use]
pub(crate) fn target(targets: &Targets, criterion: Criterion) -> Option<f64> {
    match criterion {
        Criterion::Latency => targets.latency.map(|micros| micros.0),
        Criterion::Memory => targets.memory.map(|bytes| bytes.0 as f64),
        Criterion::Energy => targets.energy.map(|joules| joules.0),
        Criterion::Storage => targets.storage.map(|bytes| bytes.0 as f64),
        Criterion::Relevance | Criterion::Thermal => None,
    }
}

/// How `a` compares with `b`; `Greater` is better, `None` is an abstention.
///
/// A predicted value never meets a measured one: they differ by the method, not only
/// by the candidate.
#[must_use]
pub(crate) fn compare(
    criterion: Criterion,
    target: Option<f64>,
    a: Option<&Measure>,
    b: Option<&Measure>,
) -> Option<Ordering> {
    let (a, b) = (a?, b?);
    if a.predicted != b.predicted {
        return None;
    }
    Some(match criterion {
        Criterion::Relevance => told_apart(estimate(a), estimate(b)),
        _ => cost(&clamp(a, target), &clamp(b, target)),
    })
}

/// A tie where the 95 % interval of the difference contains zero, the two being taken
/// as independent. (Both see the same samples, so the true interval is narrower.)
pub(crate) fn told_apart(a: Estimate, b: Estimate) -> Ordering {
    let (better, worse) = if a.value >= b.value { (a, b) } else { (b, a) };
    let (below, above) = (better.value - better.low, worse.high - worse.value);
    // Not hypot: its last bit differs between C libraries, a square root does not.
    let reach = (below * below + above * above).sqrt();
    if better.value - worse.value > reach { a.value.total_cmp(&b.value) } else { Ordering::Equal }
}

fn estimate(measure: &Measure) -> Estimate {
    Estimate { value: measure.value, low: measure.low, high: measure.high }
}

/// A tie where the intervals meet, or within [`SAME_COST`]. Less is better.
fn cost(a: &Measure, b: &Measure) -> Ordering {
    let (less, more) = if a.value <= b.value { (a, b) } else { (b, a) };
    let close = more.value <= less.value * (1.0 + SAME_COST) || more.low <= less.high;
    if close { Ordering::Equal } else { b.value.total_cmp(&a.value) }
}

/// Better than the target earns nothing.
fn clamp(measure: &Measure, target: Option<f64>) -> Measure {
    let Some(target) = target else { return *measure };
    Measure {
        value: measure.value.max(target),
        low: measure.low.max(target),
        high: measure.high.max(target),
        predicted: measure.predicted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(value: f64, half_width: f64) -> Measure {
        Measure { value, low: value - half_width, high: value + half_width, predicted: false }
    }

    #[test]
    fn a_cost_is_tied_within_five_per_cent_or_where_intervals_meet() {
        let duel = |a, b| compare(Criterion::Latency, None, Some(&a), Some(&b));
        assert_eq!(duel(around(100.0, 0.0), around(105.0, 0.0)), Some(Ordering::Equal));
        assert_eq!(duel(around(100.0, 0.0), around(106.0, 0.0)), Some(Ordering::Greater));
        assert_eq!(duel(around(106.0, 0.0), around(100.0, 0.0)), Some(Ordering::Less));
        assert_eq!(duel(around(100.0, 10.0), around(120.0, 10.0)), Some(Ordering::Equal));
    }

    #[test]
    fn two_costs_below_the_target_are_tied() {
        let duel = |a, b, t| compare(Criterion::Memory, Some(t), Some(&a), Some(&b));
        let (small, large) = (around(10.0, 0.0), around(90.0, 0.0));
        assert_eq!(duel(small, large, 90.0), Some(Ordering::Equal));
        assert_eq!(duel(small, large, 50.0), Some(Ordering::Greater));
    }

    #[test]
    fn a_prediction_does_not_meet_a_measurement() {
        let predicted = Measure { predicted: true, ..around(1.0, 0.0) };
        let measured = around(9.0, 0.0);
        assert_eq!(compare(Criterion::Latency, None, Some(&predicted), Some(&measured)), None);
        assert_eq!(compare(Criterion::Latency, None, Some(&predicted), None), None);
    }

    #[test]
    fn relevance_is_tied_where_the_interval_of_the_difference_contains_zero() {
        let duel = |a, b| compare(Criterion::Relevance, None, Some(&a), Some(&b));
        assert_eq!(duel(around(0.9, 0.06), around(0.81, 0.06)), Some(Ordering::Greater));
        assert_eq!(duel(around(0.9, 0.06), around(0.82, 0.06)), Some(Ordering::Equal));
    }
}
