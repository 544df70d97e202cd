//! The smallest single change of the policy that turns the choice.
//!
//! As one number of the policy moves, the outcome changes only at certain values (the
//! breakpoints of a [`Knob`]). All breakpoints of all knobs are tried in the order of
//! their distance from the policy as it is, each at the value itself and just beyond.
//! A change is offered as a number that a person would type, rounded away from the
//! start: the rounded change turns the choice, and half of it does not. Both are checked
//! by choosing again before anything is said. What leads to another model goes before
//! what would only leave none.

use crate::rank::Row;
use crate::task::Policy;

use super::Flip;
use super::choose::pick;
use super::knob::Knob;
use super::words::change_in_words;

/// Significant digits of a printed change, at most.
const DIGITS: i32 = 3;
/// Rounding makes a change larger by this factor, at most.
const ROUNDING: f64 = 1.1;
/// A change of a weight that is less than this share of it is nothing that anybody means.
const LEAST: f64 = 0.01;
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
    let nearest = |wanted: Wanted| {
        steps.iter().find_map(|step| Some((step.knob, search.turn(step, wanted)?)))
    };
    let (knob, to) = nearest(Wanted::Another).or_else(|| nearest(Wanted::Nothing))?;
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

/// What a change is to lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// Another model.
    Another,
    /// None at all.
    Nothing,
}

struct Search<'a> {
    policy: &'a Policy,
    now: Option<usize>,
    choice: &'a dyn Fn(&Policy) -> Option<usize>,
}

impl Search<'_> {
    /// A value that turns the choice at or behind this breakpoint.
    fn turn(&self, step: &Step, wanted: Wanted) -> Option<f64> {
        let behind = f64::midpoint(step.point, step.next);
        let leads = |value: f64| self.leads(step.knob, value, wanted);
        if !leads(step.point) && !leads(behind) {
            return None;
        }
        let rounded = (1..=DIGITS).flat_map(|digits| rounded_away(step, digits));
        let holding: Vec<f64> = rounded.filter(|to| self.holds(step, *to, wanted)).collect();
        let distance = |to: &f64| (to - step.start).abs();
        // The roundest that is hardly more than needed, else the nearest.
        let enough = ROUNDING * (step.point - step.start).abs();
        let close = holding.iter().find(|to| distance(to) <= enough);
        let nearest = || holding.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
        close.or_else(nearest).copied()
    }

    fn leads(&self, knob: Knob, value: f64, wanted: Wanted) -> bool {
        let then = self.after(knob, value);
        then != self.now && then.is_some() == (wanted == Wanted::Another)
    }

    /// Whether the change leads there and half of it changes nothing.
    fn holds(&self, step: &Step, to: f64, wanted: Wanted) -> bool {
        let large = (to - step.start).abs();
        let valid = match step.knob {
            Knob::Weight(_) => {
                to >= 0.0 && large >= LEAST * step.knob.scale(step.start, &self.policy.weights)
            }
            Knob::Limit(_) | Knob::Target(_) => to > 0.0,
        };
        let half = f64::midpoint(step.start, to);
        valid && self.leads(step.knob, to, wanted) && self.after(step.knob, half) == self.now
    }

    fn after(&self, knob: Knob, value: f64) -> Option<usize> {
        (self.choice)(&knob.turned(self.policy, value))
    }
}

/// The breakpoint with so many significant digits, rounded away from the start, and some
/// units of the last digit further: half of the change has to stay short of the breakpoint
/// and the whole has to pass it.
fn rounded_away(step: &Step, digits: i32) -> impl Iterator<Item = f64> {
    const FURTHER: u8 = 10;
    // Where the way leads to or from zero, the next breakpoint says how large numbers are.
    let size = step.point.abs().max(step.next.abs() * 1e-3);
    let size = if size > 0.0 { size } else { 1.0 };
    let last = size.log10().floor() as i32 + 1 - digits;
    let unit = 10f64.powi(last.abs());
    let scaled = if last < 0 { step.point * unit } else { step.point / unit };
    let upwards = step.next > step.point;
    let (whole, sign) = if upwards { (scaled.ceil(), 1.0) } else { (scaled.floor(), -1.0) };
    (0..FURTHER).map(move |further| {
        let number = whole + sign * f64::from(further);
        // Division by a power of ten rounds once: what is printed is what was tried.
        if last < 0 { number / unit } else { number * unit }
    })
}
