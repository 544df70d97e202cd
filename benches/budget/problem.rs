//! One problem, and the ways to solve it.

use std::time::Duration;

use umbra::base::random::SplitMix64;
use umbra::base::{Clock, FakeClock, Micros};
use umbra::bench::{Latency, Plan, latency, steady};
use umbra::decide::look::{Aim, Look, Merit, Next, Prospect, Search};

use super::table::{Board, Row};

/// Starting a worker, seconds.
const START: f64 = 0.03;
/// Loading and optimising, in inferences: `umbra bench` shows between one and thirty for the
/// bundled zoo, most about eight.
const LOAD: f64 = 8.0;
/// Candidates of a problem at least.
const FEWEST: usize = 16;

pub(crate) struct Outcome {
    pub(crate) good: bool,
    /// Share of the exhaustive time.
    pub(crate) spent: f64,
    /// What the choice lacks of the best utility, as a share of it.
    pub(crate) regret: f64,
    pub(crate) looks: u64,
}

/// A whole measurement: its figures, and the seconds that it took.
type Measured = (Latency, f64);

pub(crate) struct Problem<'b> {
    rows: Vec<&'b Row>,
    aim: Aim,
    /// What the exhaustive way saw, and its utility.
    exhaustive: Vec<(Measured, f64)>,
    best: usize,
    random: SplitMix64,
}

impl<'b> Problem<'b> {
    /// `None` where the draw has too few candidates or none within the limit.
    pub(crate) fn draw(boards: &'b [Board], seed: u64) -> Option<Self> {
        let mut random = SplitMix64::new(seed);
        let board = &boards[random.below(boards.len())];
        let mut rows: Vec<&Row> = board.rows.iter().collect();
        rows.retain(|_| random.below(3) < 2);
        let mut medians: Vec<f64> = rows.iter().map(|row| row.p50).collect();
        medians.sort_by(f64::total_cmp);
        let quantile = |share: f64| medians[((medians.len() - 1) as f64 * share) as usize];
        if rows.len() < FEWEST {
            return None;
        }
        let price = log_uniform(&mut random, 0.02, 0.2);
        let target = log_uniform(&mut random, quantile(0.1), quantile(0.6));
        let limited = random.below(2) == 0;
        let limit = limited.then(|| Micros(target * log_uniform(&mut random, 1.2, 5.0)));
        let aim = Aim { price, target: Micros(target), limit };
        let mut problem = Self { rows, aim, exhaustive: Vec::new(), best: 0, random };
        problem.exhaustive = problem.measure_all();
        problem.best = best(&problem.exhaustive);
        (problem.exhaustive[problem.best].1 > 0.0).then_some(problem)
    }

    fn measure_all(&mut self) -> Vec<(Measured, f64)> {
        let mut all = Vec::new();
        for at in 0..self.rows.len() {
            let measured = self.whole(at, &Plan::default());
            all.push((measured, self.utility(at, &measured.0)));
        }
        all
    }

    /// Accuracy less the price of latency; nothing for one that breaks the limit or whose
    /// bound is not known.
    fn utility(&self, at: usize, found: &Latency) -> f64 {
        let kept = |limit: Micros| found.p90_upper.is_some_and(|upper| upper <= limit);
        if !self.aim.limit.is_none_or(kept) {
            return 0.0;
        }
        self.aim.worth(self.rows[at].accuracy, found.p50).max(0.0)
    }

    fn is_good(&self, at: usize) -> bool {
        at == self.best || self.exhaustive[at].1 >= 0.99 * self.exhaustive[self.best].1
    }

    /// Whether a second exhaustive run chooses well.
    pub(crate) fn again(&mut self) -> bool {
        let again = self.measure_all();
        self.is_good(best(&again))
    }

    fn total(&self) -> f64 {
        self.exhaustive.iter().map(|((_, seconds), _)| seconds).sum()
    }

    /// The rule, with this share of the exhaustive time.
    pub(crate) fn spend(&mut self, share: f64) -> Outcome {
        let (total, prospects) = (self.total(), self.prospects());
        let least = Plan::default().min_time * 4 / 3;
        let mut search = Search::new(self.aim, &prospects, least);
        let (mut spent, mut looks, mut choice) = (0.0, 0, None::<(usize, f64)>);
        while spent < share * total {
            let left = Duration::from_secs_f64(share * total - spent);
            let (at, look) = match search.next(left) {
                Next::Done => break,
                Next::Look(at, samples) => (at, self.glance(at, samples)),
                Next::Whole(at) => {
                    let (found, seconds) = self.whole(at, &shortened(left));
                    let utility = self.utility(at, &found);
                    let in_time = spent + seconds <= share * total;
                    if in_time && choice.is_none_or(|(_, best)| utility > best) {
                        choice = Some((at, utility));
                    }
                    (at, seen(&found, seconds, utility > 0.0))
                }
            };
            looks += 1;
            spent += look.took.as_secs_f64();
            search.saw(at, &look);
        }
        let choice = choice.filter(|(_, utility)| *utility > 0.0).map(|(at, _)| at);
        let (found, best) = (choice.map_or(0.0, |at| self.exhaustive[at].1), self.best_utility());
        Outcome {
            good: choice.is_some_and(|at| self.is_good(at)),
            spent: spent / total,
            regret: 1.0 - found / best,
            looks,
        }
    }

    fn best_utility(&self) -> f64 {
        self.exhaustive[self.best].1
    }

    fn prospects(&self) -> Vec<Prospect> {
        let prospect = |row: &&Row| {
            let merit = Merit { expected: row.accuracy, at_best: row.accuracy };
            Prospect { traits: row.traits, merit, lessons: 0.0 }
        };
        self.rows.iter().map(prospect).collect()
    }

    /// Whether the best of equal shares is a good choice.
    pub(crate) fn uniform(&mut self, share: f64) -> bool {
        let each = share * self.total() / self.rows.len() as f64;
        let mut choice = None::<(usize, f64)>;
        for at in 0..self.rows.len() {
            let mut left = each - START - (LOAD + 2.0) * self.rows[at].p50 * 1e-6;
            let mut samples = Vec::new();
            while left > 0.0 && samples.len() < 64 {
                let nanos = self.sample(at);
                left -= nanos as f64 * 1e-9;
                samples.extend((left >= 0.0).then_some(nanos));
            }
            let Some(found) = latency(&samples) else { continue };
            let most = samples.iter().max().map(|nanos| Micros(*nanos as f64 / 1000.0));
            let kept = self.aim.limit.is_none_or(|limit| most.is_some_and(|most| most <= limit));
            let utility = self.aim.worth(self.rows[at].accuracy, found.p50);
            if kept && choice.is_none_or(|(_, best)| utility > best) {
                choice = Some((at, utility));
            }
        }
        choice.is_some_and(|(at, _)| self.is_good(at))
    }

    /// Nanoseconds of one inference: log-normal, as median and 90th percentile say.
    fn sample(&mut self, at: usize) -> u64 {
        let (row, z) = (self.rows[at], normal(&mut self.random));
        (row.p50 * (row.sigma * z).exp() * 1000.0) as u64
    }

    /// So many inferences and what they took, in seconds.
    fn run(&mut self, at: usize, runs: usize) -> f64 {
        (0..runs).map(|_| self.sample(at) as f64 * 1e-9).sum()
    }

    fn begin(&self, at: usize) -> f64 {
        START + LOAD * self.rows[at].p50 * 1e-6
    }

    /// The real loop with the real stop rule, after a warm-up of the least length.
    fn whole(&mut self, at: usize, plan: &Plan) -> Measured {
        let mut before = self.begin(at);
        let (mut warm, mut runs) = (0.0, 0);
        while runs < 7 || (warm < plan.min_time.as_secs_f64() / 3.0) {
            warm += self.run(at, 1);
            runs += 1;
        }
        before += warm;
        let clock = FakeClock::default();
        let mut samples = Vec::new();
        let run = || {
            let nanos = self.sample(at);
            clock.advance(Duration::from_nanos(nanos));
            Ok::<u64, ()>(nanos)
        };
        steady(plan, &clock, run, |block| {
            samples.extend_from_slice(block);
            Ok(())
        })
        .unwrap();
        (latency(&samples).unwrap(), before + clock.now().as_secs_f64())
    }

    /// A first or a closer look, after two runs or 10 ms.
    fn glance(&mut self, at: usize, samples: u32) -> Look {
        let mut before = self.begin(at);
        let (mut warm, mut runs) = (0.0, 0);
        while runs < 2 || (warm < 0.01 && runs < 6) {
            warm += self.run(at, 1);
            runs += 1;
        }
        before += warm;
        let samples: Vec<u64> = (0..samples).map(|_| self.sample(at)).collect();
        let seconds = before + samples.iter().sum::<u64>() as f64 * 1e-9;
        let found = latency(&samples).unwrap();
        Look { whole: None, ..seen(&found, seconds, true) }
    }
}

/// The plan of a whole measurement in the time that is left.
fn shortened(left: Duration) -> Plan {
    let plan = Plan::default();
    let max_time = plan.max_time.min(left / 4).max(plan.min_time);
    Plan { max_time, ..plan }
}

fn seen(found: &Latency, seconds: f64, kept: bool) -> Look {
    Look {
        median: found.p50,
        spread: found.spread,
        samples: found.samples,
        took: Duration::from_secs_f64(seconds),
        whole: Some(kept),
    }
}

/// The one of the highest utility.
fn best(all: &[(Measured, f64)]) -> usize {
    (0..all.len()).max_by(|a, b| all[*a].1.total_cmp(&all[*b].1)).unwrap_or(0)
}

fn log_uniform(random: &mut SplitMix64, low: f64, high: f64) -> f64 {
    (low.ln() + random.unit() * (high / low).ln()).exp()
}

fn normal(random: &mut SplitMix64) -> f64 {
    let radius = (-2.0 * (1.0 - random.unit()).ln()).sqrt();
    radius * (std::f64::consts::TAU * random.unit()).cos()
}
