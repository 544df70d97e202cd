//! The smallest single change of the policy that turns the choice.
//!
//! As one number of the policy moves, the outcome changes only at certain values (the
//! breakpoints of a [`Knob`]). All breakpoints of all knobs are tried in the order of
//! their distance from the policy as it is, each at the value itself and just beyond.
//! The first that turns the choice is rounded away from the start to as few decimals
//! as will do: the rounded change turns the choice, and half of it does not. Both are
//! checked by choosing again before anything is said.

use crate::rank::Row;
use crate::task::Policy;

use super::Flip;
use super::choose::pick;
use super::knob::Knob;
use super::words::change_in_words;

/// Decimals of a printed change, at most.
const DECIMALS: usize = 6;
/// Rounding makes a change larger by this factor, at most.
const ROUNDING: f64 = 1.1;
/// A weight is tried this many times the sum of all: beyond, nothing changes any more.
const HEAVIEST: f64 = 4.0;

/// The smallest change that turns the choice, if one of limits, targets and weights does.
pub(super) fn smallest(
    rows: &[Row],
    policy: &Policy,
    runs: bool,
    running: Option<usize>,
) -> Option<Flip> {
    let choice = |policy: &Policy| pick(rows, policy, runs, running).row;
    let search = Search { policy, now: choice(policy), choice: &choice };
    let mut steps: Vec<Step> = Knob::all().flat_map(|knob| steps(knob, rows, policy)).collect();
    steps.sort_by(|a, b| a.distance.total_cmp(&b.distance));
    let (knob, to) = steps.iter().find_map(|step| Some((step.knob, search.turn(step)?)))?;
    let winner = choice(&knob.turned(policy, to)).and_then(|at| rows.get(at));
    let winner = winner.map(|row| row.id.clone());
    let from = knob.get(policy);
    let text = change_in_words(knob, from, to, winner.as_deref());
    Some(Flip { change: knob.change(from, to), to: winner, text })
}

/// One breakpoint of a knob, with the open interval behind it.
#[derive(Debug, Clone, Copy)]
struct Step {
    knob: Knob,
    start: f64,
    point: f64,
    /// The next breakpoint, away from the start.
    next: f64,
    distance: f64,
}

/// The breakpoints of a knob on both sides of where it stands.
fn steps(knob: Knob, rows: &[Row], policy: &Policy) -> Vec<Step> {
    let Some(start) = knob.start(rows, policy) else { return Vec::new() };
    let mut points = knob.breakpoints(rows, policy);
    points.push(start);
    points.retain(|point| point.is_finite());
    points.sort_by(f64::total_cmp);
    points.dedup();
    let scale = knob.scale(start, &policy.weights);
    let highest = points.last().copied().unwrap_or(start);
    let far = (2.0 * highest).max(match knob {
        Knob::Weight(_) => HEAVIEST * policy.weights.sum(),
        Knob::Limit(_) | Knob::Target(_) => 0.0,
    });
    let step = |point: f64, next: f64| Step {
        knob,
        start,
        point,
        next,
        distance: (point - start).abs() / scale,
    };
    let up = points.iter().filter(|point| **point >= start);
    let above = points.iter().filter(|point| **point > start).chain(std::iter::once(&far));
    let down = points.iter().rev().filter(|point| **point <= start);
    let below = points.iter().rev().filter(|point| **point < start).chain(std::iter::once(&0.0));
    let ascending = up.zip(above).map(|(point, next)| step(*point, *next));
    let descending = down.zip(below).map(|(point, next)| step(*point, *next));
    ascending.chain(descending).collect()
}

struct Search<'a> {
    policy: &'a Policy,
    now: Option<usize>,
    choice: &'a dyn Fn(&Policy) -> Option<usize>,
}

impl Search<'_> {
    /// A value that turns the choice at or behind this breakpoint.
    fn turn(&self, step: &Step) -> Option<f64> {
        let behind = f64::midpoint(step.point, step.next);
        if !self.turns(step.knob, step.point) && !self.turns(step.knob, behind) {
            return None;
        }
        let rounded = (0..=DECIMALS).flat_map(|decimals| rounded_away(step, decimals));
        let holding: Vec<f64> = rounded.filter(|to| self.holds(step, *to)).collect();
        // The roundest that is hardly more than needed; where the least change that shows
        // at all is more than that, the roundest.
        let enough = ROUNDING * (step.point - step.start).abs();
        let close = holding.iter().find(|to| (**to - step.start).abs() <= enough);
        close.or(holding.first()).copied()
    }

    fn turns(&self, knob: Knob, value: f64) -> bool {
        (self.choice)(&knob.turned(self.policy, value)) != self.now
    }

    /// Whether the change turns the choice and half of it does not.
    fn holds(&self, step: &Step, to: f64) -> bool {
        let valid = to > 0.0 || (to == 0.0 && matches!(step.knob, Knob::Weight(_)));
        valid && self.turns(step.knob, to) && !self.turns(step.knob, f64::midpoint(step.start, to))
    }
}

/// The breakpoint rounded away from the start, and one unit of the last decimal further.
fn rounded_away(step: &Step, decimals: usize) -> [f64; 2] {
    let unit = 10f64.powi(i32::try_from(decimals).unwrap_or(0));
    let upwards = step.next > step.point;
    let scaled = step.point * unit;
    let whole = if upwards { scaled.ceil() } else { scaled.floor() };
    let further = if upwards { whole + 1.0 } else { whole - 1.0 };
    [whole, further].map(|whole| whole / unit)
}
