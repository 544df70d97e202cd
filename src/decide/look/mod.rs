//! What to look at next, and for how long, when there is no time for everything.
//!
//! A [`Search`] is told of candidates what costs nothing to know, and after each look what
//! was seen. It says what the most valuable next look is: a few samples of a candidate that
//! may turn out better than the best so far, or the whole measurement of that best one. A
//! look at one candidate says something of every other that is like it (`belief`); what a
//! look is worth is the improvement to be expected from it per second (`worth`). Pure: no
//! clock, no chance; docs/measuring.md has the formulas.

mod belief;
mod worth;

pub use belief::Traits;
pub use worth::Aim;

use std::time::Duration;

use crate::base::Micros;
use belief::{Belief, Normal};

/// Samples of a first look.
pub const GLANCE: u32 = 5;
/// Samples of another look at the same candidate.
pub const CLOSER: u32 = 12;
/// Samples of a whole measurement, warm-up included, at least.
const WHOLE: f64 = 71.0;
/// Starting a worker, seconds.
const START: f64 = 0.03;
/// Runs' worth of loading, optimising and warming up, until looks have shown it.
const LEAD: f64 = 15.0;
/// Seconds of learning what a candidate is worth, beside its inferences, likewise.
const LESSON: f64 = 0.3;
/// A smaller improvement is not worth any time.
const LEAST: f64 = 5e-5;
/// Room that is left for a measurement that takes longer than expected.
const SLACK: f64 = 1.2;
/// So many candidates are looked at before what is believed of the rest ends the search with
/// nothing found: a prediction alone throws nobody out.
const LOOKS: f64 = 3.0;
/// So many samples whose median is over the limit settle it.
const SURELY: u64 = 8;
/// A look that takes a larger share than this of a whole measurement is not worth having.
const CHEAP: f64 = 0.6;
/// Deviation of the logarithm of a sample, until looks have shown it, and the degrees of
/// freedom that what is usual counts for against a candidate's own samples.
const SPREAD: (f64, f64) = (0.05, 1.0);
/// From the median to the bound of the 90th percentile, in deviations of a normal
/// distribution: 2.4 with 64 samples, 1.6 with a thousand.
const UPPER: f64 = 1.8;
/// Looks of one worker are never surer than this of what another one would see.
const BETWEEN: f64 = 0.01;
/// What is believed is doubted: variances count for so many times as much, or for as many as
/// the surprises of this board say,
const DOUBT: f64 = 2.0;
/// which begin with so many looks that were just as expected.
const CALM: f64 = 5.0;
/// Points in standard deviations, all as likely, that stand for a normal distribution.
const POINTS: [f64; 5] = [-1.35, -0.53, 0.0, 0.53, 1.35];

/// What is known of a candidate before it is looked at.
#[derive(Debug, Clone)]
pub struct Prospect {
    /// What its latency is told from.
    pub traits: Traits,
    /// What it is worth on the task.
    pub merit: Merit,
    /// Inferences that it takes to learn its merit, beside those of a first look; 0 where
    /// it is known.
    pub lessons: f64,
}

/// What a candidate is worth on the task, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Merit {
    /// As far as is known.
    pub expected: f64,
    /// At the optimistic end of its interval.
    pub at_best: f64,
}

/// What a look saw.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Median latency.
    pub median: Micros,
    /// Standard deviation of the logarithms of its samples.
    pub spread: f64,
    /// How many.
    pub samples: u64,
    /// Wall clock that it took.
    pub took: Duration,
    /// The whole measurement, and whether it kept the limit.
    pub whole: Option<bool>,
}

/// The most valuable next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// So many samples of this candidate.
    Look(usize, u32),
    /// The whole measurement of this candidate, the best so far.
    Whole(usize),
    /// Nothing more is worth the time that is left.
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Unseen,
    /// A first look.
    Looked,
    /// A closer one; only the whole measurement would tell more.
    Closely,
    Whole,
    /// Cannot be used: over the limit, or it does not run.
    Out,
}

/// One candidate.
#[derive(Debug)]
struct Item {
    merit: Merit,
    lessons: f64,
    state: State,
    /// Degrees of freedom of its samples, and the sum of the squares behind their spread.
    spread: (f64, f64),
}

/// A search among candidates.
#[derive(Debug)]
pub struct Search {
    aim: Aim,
    /// Seconds of a whole measurement, at least.
    least: f64,
    items: Vec<Item>,
    belief: Belief,
    /// Runs' worth of what comes before the samples: sum and number of looks.
    lead: (f64, f64),
    /// Seconds of learning what one is worth, beside its inferences: sum and number.
    lesson: (f64, f64),
    /// The same as [`Item::spread`], of all.
    spread: (f64, f64),
    /// Squares of the differences between what was seen and what was believed, in the
    /// deviations that were believed: their sum and number.
    surprise: (f64, f64),
}

impl Search {
    /// Begins; a whole measurement runs for this long at least.
    #[must_use]
    pub fn new(aim: Aim, prospects: &[Prospect], least: Duration) -> Self {
        let traits: Vec<Traits> = prospects.iter().map(|prospect| prospect.traits).collect();
        let item = |prospect: &Prospect| Item {
            merit: prospect.merit,
            lessons: prospect.lessons,
            state: State::Unseen,
            spread: (0.0, 0.0),
        };
        Self {
            aim,
            least: least.as_secs_f64(),
            items: prospects.iter().map(item).collect(),
            belief: Belief::of(&traits),
            lead: (LEAD, 1.0),
            lesson: (LESSON, 1.0),
            spread: (SPREAD.1, SPREAD.1 * SPREAD.0 * SPREAD.0),
            surprise: (CALM, CALM),
        }
    }

    /// Takes in what a look saw.
    pub fn saw(&mut self, at: usize, look: &Look) {
        let Some(item) = self.items.get_mut(at) else { return };
        let over = self.aim.limit.is_some_and(|limit| look.median.0 > limit.0);
        item.state = match look.whole {
            Some(false) => State::Out,
            Some(true) => State::Whole,
            None if over && look.samples >= SURELY => State::Out,
            None if item.state == State::Unseen => State::Looked,
            None => State::Closely,
        };
        let freedom = look.samples.saturating_sub(1) as f64;
        item.spread.0 += freedom;
        item.spread.1 += freedom * look.spread * look.spread;
        let counted = freedom.min(f64::from(GLANCE));
        self.spread.0 += counted;
        self.spread.1 += counted * look.spread * look.spread;
        let error = self.error(at, look.samples as f64);
        let surprise = self.belief.saw(at, look.median.0.ln(), error);
        self.surprise.0 += surprise * surprise;
        self.surprise.1 += 1.0;
        // A record took no time; a whole measurement warms up for longer, but is better than
        // no look at all.
        let first = self.lead.1 < 2.0 && !look.took.is_zero();
        if look.whole.is_none() || first {
            let runs = (look.took.as_secs_f64() - START) / (look.median.0 * 1e-6);
            self.lead.0 += (runs - look.samples as f64).max(0.0);
            self.lead.1 += 1.0;
        }
    }

    /// What a candidate is worth was learned, in this time; none where it was known.
    pub fn learned(&mut self, at: usize, merit: Merit, took: Duration) {
        let latency = self.belief.of_one(at).mean.exp() * 1e-6;
        let Some(item) = self.items.get_mut(at) else { return };
        if !took.is_zero() {
            self.lesson.0 += (took.as_secs_f64() - item.lessons * latency).max(0.0);
            self.lesson.1 += 1.0;
        }
        (item.merit, item.lessons) = (merit, 0.0);
    }

    /// A candidate cannot be used.
    pub fn lost(&mut self, at: usize) {
        if let Some(item) = self.items.get_mut(at) {
            item.state = State::Out;
        }
    }

    /// The most valuable next step in the time that is left.
    #[must_use]
    pub fn next(&self, left: Duration) -> Next {
        let left = left.as_secs_f64();
        let (leader, second) = self.leaders();
        let reserve = leader.map_or(0.0, |at| self.reserve(at));
        let unheard = leader.is_none() && self.surprise.1 < CALM + LOOKS;
        let least = if unheard { f64::NEG_INFINITY } else { LEAST };
        let step = |(at, samples): (usize, Option<u32>)| {
            let gain = self.gain(at, samples, leader, second);
            let price = self.price(at, samples);
            let afterwards =
                if samples.is_some() { reserve.max(self.reserve(at)) } else { reserve };
            let affordable = leader.is_none() || price + afterwards <= left;
            (gain > least && affordable).then_some((at, samples, gain / price))
        };
        let steps = (0..self.items.len()).flat_map(|at| self.steps(at).map(move |s| (at, s)));
        let best = steps.filter_map(step).max_by(|a, b| a.2.total_cmp(&b.2));
        match (best, leader) {
            (Some((at, Some(samples), _)), _) => Next::Look(at, samples),
            (Some((at, None, _)), _) => Next::Whole(at),
            (None, Some(at)) if self.state(at) != State::Whole => Next::Whole(at),
            (None, _) => Next::Done,
        }
    }

    /// What may be done next with a candidate: so many samples, or (`None`) all of it.
    fn steps(&self, at: usize) -> impl Iterator<Item = Option<u32>> + use<> {
        let steps: &[Option<u32>] = match self.state(at) {
            State::Unseen if self.is_cheap(at) => &[Some(GLANCE)],
            State::Unseen => &[None],
            State::Looked => &[Some(CLOSER), None],
            State::Closely => &[None],
            State::Whole | State::Out => &[],
        };
        steps.iter().copied()
    }

    /// The best of those that were looked at.
    #[must_use]
    pub fn leader(&self) -> Option<usize> {
        self.leaders().0
    }

    /// The best of those that were looked at, and the worth of the second.
    fn leaders(&self) -> (Option<usize>, f64) {
        let looked = |at: &usize| !matches!(self.state(*at), State::Unseen | State::Out);
        let mut first: Option<(usize, f64)> = None;
        let mut second = 0.0;
        for at in (0..self.items.len()).filter(looked) {
            let value = self.value(at);
            match first {
                Some((_, best)) if value <= best => second = f64::max(second, value),
                _ => {
                    second = first.map_or(second, |(_, best)| best);
                    first = Some((at, value));
                }
            }
        }
        (first.map(|(at, _)| at), second)
    }

    /// Time to measure the best so far whole, if it was not.
    #[must_use]
    pub fn reserved(&self) -> Duration {
        self.leader().map_or(Duration::ZERO, |leader| self.reserved_for(leader))
    }

    /// Time to measure this one whole, if it was not.
    #[must_use]
    pub fn reserved_for(&self, at: usize) -> Duration {
        Duration::try_from_secs_f64(self.reserve(at)).unwrap_or_default()
    }

    /// Whether a candidate that was not measured whole might yet be better than the best so
    /// far.
    #[must_use]
    pub fn may_win(&self, at: usize) -> bool {
        let (leader, second) = self.leaders();
        let worth = |samples| self.gain(at, samples, leader, second) > LEAST;
        self.steps(at).any(worth)
    }

    /// The median latency that is believed of a candidate: the ends of its 95 % interval.
    #[must_use]
    pub fn believed(&self, at: usize) -> [Micros; 2] {
        let Normal { mean, variance } = self.belief.of_one(at);
        let reach = 1.96 * (variance * (self.surprise.0 / self.surprise.1).max(1.0)).sqrt();
        [mean - reach, mean + reach].map(|end| Micros(end.exp()))
    }

    fn state(&self, at: usize) -> State {
        self.items.get(at).map_or(State::Out, |item| item.state)
    }

    /// What a candidate is expected to be worth.
    #[must_use]
    pub fn value(&self, at: usize) -> f64 {
        self.expected(at, self.merit(at).expected, self.belief.of_one(at), 0.0)
    }

    /// What so many samples of a candidate are expected to add to the worth of the choice.
    fn gain(&self, at: usize, samples: Option<u32>, leader: Option<usize>, second: f64) -> f64 {
        let bar = leader.map_or(0.0, |leader| self.value(leader));
        let Normal { mean, variance } = self.belief.of_one(at);
        let variance = variance * (self.surprise.0 / self.surprise.1).max(DOUBT);
        let error = self.error(at, samples.map_or(WHOLE, f64::from));
        // What the look would tell: how far it is expected to move the mean.
        let told = Normal { mean, variance: variance * variance / (variance + error * error) };
        let Merit { expected, at_best } = self.merit(at);
        let (merit, against) = if leader == Some(at) { (expected, second) } else { (at_best, bar) };
        self.expected(at, merit, told, against) - bar
    }

    /// The median latency beyond which a candidate is out of the question: over the limit, or
    /// behind the best so far even if its merit is all that it may be.
    #[must_use]
    pub fn hopeless_above(&self, at: usize) -> Option<Micros> {
        let leader = self.leader().filter(|leader| *leader != at);
        let behind = leader.map(|leader| {
            let ahead = self.merit(at).at_best - self.value(leader);
            Micros((self.aim.ln_target() + ahead.max(0.0) / self.aim.price).exp())
        });
        let both = self.aim.limit.into_iter().chain(behind);
        both.min_by(|a, b| a.0.total_cmp(&b.0))
    }

    /// E[max(worth, bar)] with this merit, over what its samples may turn out to vary.
    fn expected(&self, at: usize, merit: f64, latency: Normal, bar: f64) -> f64 {
        if self.aim.limit.is_none() || self.state(at) == State::Whole {
            return self.aim.expected(merit, latency, None, bar);
        }
        let own = self.items.get(at).map_or(0.0, |item| item.spread.0);
        let (usual, unsure) = (UPPER * self.deviation(at), (1.0 + 2.0 * own).sqrt().recip());
        let of = |point: f64| {
            let tail = usual * (point * unsure).exp();
            self.aim.expected(merit, latency, Some(tail), bar)
        };
        POINTS.iter().map(|point| of(*point)).sum::<f64>() / POINTS.len() as f64
    }

    fn merit(&self, at: usize) -> Merit {
        let none = Merit { expected: 0.0, at_best: 0.0 };
        self.items.get(at).map_or(none, |item| item.merit)
    }

    /// Deviation of the logarithm of one sample: its own, held to what all have shown.
    fn deviation(&self, at: usize) -> f64 {
        let own = self.items.get(at).map_or((0.0, 0.0), |item| item.spread);
        let usual = self.spread.1 / self.spread.0;
        ((own.1 + SPREAD.1 * usual) / (own.0 + SPREAD.1)).sqrt()
    }

    /// Standard error of the logarithm of a median of so many samples.
    fn error(&self, at: usize, samples: f64) -> f64 {
        let within = self.deviation(at) * (std::f64::consts::FRAC_PI_2 / samples.max(1.0)).sqrt();
        within.hypot(BETWEEN)
    }

    /// Seconds that a step is expected to take: so many samples, or all, and the lessons that
    /// are still to come.
    fn price(&self, at: usize, samples: Option<u32>) -> f64 {
        let lessons = self.items.get(at).map_or(0.0, |item| item.lessons);
        let lesson = if lessons > 0.0 { self.lesson.0 / self.lesson.1 } else { 0.0 };
        let timing = samples.map_or_else(|| self.whole(at), |n| self.timing(at, f64::from(n)));
        lesson + lessons * self.latency(at) + timing
    }

    /// Seconds of timing so many samples.
    fn timing(&self, at: usize, samples: f64) -> f64 {
        START + (self.lead.0 / self.lead.1 + samples) * self.latency(at)
    }

    /// Seconds of a whole measurement.
    fn whole(&self, at: usize) -> f64 {
        self.timing(at, WHOLE.max(self.least / self.latency(at)))
    }

    /// Seconds of one inference, as far as is believed.
    fn latency(&self, at: usize) -> f64 {
        let Normal { mean, variance } = self.belief.of_one(at);
        (mean + variance.min(1.0) / 2.0).exp() * 1e-6
    }

    /// A first look takes far less than the whole measurement.
    fn is_cheap(&self, at: usize) -> bool {
        self.timing(at, f64::from(GLANCE)) <= CHEAP * self.whole(at)
    }

    /// What has to be left for the whole measurement of a candidate.
    fn reserve(&self, at: usize) -> f64 {
        if self.state(at) == State::Whole { 0.0 } else { SLACK * self.whole(at) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: f64 = 5000.0;

    /// Ten networks that take 1, 2, ... 10 ms, the slower the better.
    fn prospects() -> Vec<Prospect> {
        let one = |k: u32| {
            let merit = 0.5 + 0.04 * f64::from(k);
            let traits = Traits {
                ln_macs: (5e6 * f64::from(k)).ln(),
                ln_params: 14.0,
                arithmetic: 0,
                engine: 0,
                family: 0,
                ln_predicted: None,
            };
            Prospect { traits, merit: Merit { expected: merit, at_best: merit }, lessons: 0.0 }
        };
        (1..=10).map(one).collect()
    }

    fn aim(limit: Option<f64>) -> Aim {
        Aim { price: 0.2, target: Micros(TARGET), limit: limit.map(Micros) }
    }

    fn look(at: usize, samples: u64, whole: Option<bool>) -> Look {
        let median = Micros(1000.0 * (at + 1) as f64);
        let took = Duration::from_secs_f64(0.03 + (samples as f64 + 10.0) * median.0 * 1e-6);
        Look { median, spread: 0.02, samples, took, whole }
    }

    /// Does what the search says: which steps were taken.
    fn run(search: &mut Search, budget: f64, limit: Option<f64>) -> (Vec<Next>, f64) {
        let (mut steps, mut spent) = (Vec::new(), 0.0);
        while steps.len() < 100 {
            let next = search.next(Duration::from_secs_f64((budget - spent).max(0.0)));
            let (at, seen) = match next {
                Next::Look(at, samples) => (at, look(at, u64::from(samples), None)),
                Next::Whole(at) => {
                    let kept = limit.is_none_or(|limit| 1000.0 * (at + 1) as f64 * 1.05 < limit);
                    (at, look(at, 64, Some(kept)))
                }
                Next::Done => break,
            };
            spent += seen.took.as_secs_f64();
            search.saw(at, &seen);
            steps.push(next);
        }
        (steps, spent)
    }

    #[test]
    fn the_best_is_found_and_measured_whole_and_few_others_are_looked_at() {
        // Merit rises by 0.04 a millisecond, the price of latency by less from 5 ms on.
        let mut search = Search::new(aim(None), &prospects(), Duration::ZERO);
        let (steps, _) = run(&mut search, 10.0, None);
        assert!(matches!(steps[0], Next::Look(_, GLANCE)), "{steps:?}");
        assert_eq!(search.leader(), Some(9));
        assert!(steps.contains(&Next::Whole(9)), "{steps:?}");
        assert!(steps.len() < 10, "one look has told of the others: {steps:?}");
    }

    #[test]
    fn a_short_budget_keeps_room_to_measure_the_best_so_far() {
        let mut search = Search::new(aim(None), &prospects(), Duration::ZERO);
        let (steps, spent) = run(&mut search, 1.5, None);
        let leader = search.leader().unwrap();
        assert_eq!(steps.last(), Some(&Next::Whole(leader)), "{steps:?}");
        assert!(spent <= 1.5, "{spent}");
    }

    #[test]
    fn what_breaks_the_limit_is_not_chosen() {
        let mut search = Search::new(aim(Some(7200.0)), &prospects(), Duration::ZERO);
        let (steps, _) = run(&mut search, 10.0, Some(7200.0));
        assert_eq!(search.leader(), Some(5), "{steps:?}");
        assert_eq!(search.hopeless_above(5), Some(Micros(7200.0)));
    }

    #[test]
    fn a_prediction_alone_throws_nobody_out() {
        let mut wrong = prospects();
        for prospect in &mut wrong {
            let macs = prospect.traits.ln_macs.exp();
            // Twenty times as slow as it is: all of it far over the limit.
            prospect.traits.ln_predicted = Some((20.0 * 1000.0 * macs / 5e6).ln());
        }
        let mut search = Search::new(aim(Some(7200.0)), &wrong, Duration::ZERO);
        assert!(search.believed(0)[0].0 > 7200.0);
        let (steps, _) = run(&mut search, 10.0, Some(7200.0));
        assert_eq!(search.leader(), Some(5), "{steps:?}");
        assert!(search.believed(9)[0].0 < 12_000.0, "the board is as fast as it is");
    }

    #[test]
    fn what_cannot_be_used_is_left_alone_and_hopeless_is_behind_the_best() {
        let mut search = Search::new(aim(None), &prospects(), Duration::ZERO);
        search.lost(9);
        let (steps, _) = run(&mut search, 10.0, None);
        assert_eq!(search.leader(), Some(8), "{steps:?}");
        // With a merit 0.02 higher at 9 ms, the slower one would have to be 10 % slower at most.
        let behind = search.hopeless_above(9).unwrap().0;
        assert!((9000.0..11_500.0).contains(&behind), "{behind}");
        assert_eq!(Search::new(aim(None), &[], Duration::ZERO).next(Duration::MAX), Next::Done);
    }

    #[test]
    fn merit_that_is_unknown_may_be_all_there_is_and_costs_its_lessons() {
        let mut unknown = prospects();
        for prospect in &mut unknown {
            prospect.merit = Merit { expected: 0.5, at_best: 1.0 };
            prospect.lessons = 1000.0;
        }
        let mut search = Search::new(aim(None), &unknown, Duration::ZERO);
        search.saw(2, &look(2, 5, None));
        assert!(matches!(search.next(Duration::from_secs(60)), Next::Look(..)));
        // A thousand inferences of a millisecond or more do not fit in here.
        assert_eq!(search.next(Duration::from_millis(900)), Next::Whole(2));
        let all = Merit { expected: 1.0, at_best: 1.0 };
        search.learned(2, all, Duration::from_secs(9));
        search.saw(2, &look(2, 64, Some(true)));
        assert_eq!(search.next(Duration::from_secs(60)), Next::Done, "nothing can be better");
        // That lesson took six seconds beside a thousand inferences of three milliseconds.
        assert!(search.reserved().is_zero() && !search.reserved_for(0).is_zero());
        assert!(search.price(0, None) > 3.0, "the next may take as long");
    }
}
