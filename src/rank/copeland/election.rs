//! Copeland's method for catalogues: the same scores as [`super::copeland`], without the
//! table of all margins.
//!
//! Up to [`EXACT`] items every duel is fought. Above that the winner is sought in rounds:
//! the shortlist ([`super::shortlist`]) fights random blocks of opponents, and whoever is
//! surely behind goes home; what remains after the last block has fought everybody. What
//! is then known are scores with bounds that hold together with 99.9 % confidence (the
//! empirical bound of Bernstein and Serfling for draws without replacement, Bardenet and
//! Maillard 2015), and the result says that it is not exact.

use std::cmp::Ordering;

use super::field::{Bounds, Bout, Field, MOST_OPPONENTS, Weights};
use super::shortlist::shortlist;
use super::{UNIT, units};
use crate::base::random::SplitMix64;

/// Most items that all fight all.
pub const EXACT: usize = 20_000;
/// Opponents of the first round, and by how much later ones grow.
const FIRST_ROUND: usize = 512;
const GROWTH: usize = 4;
/// Opponents of the last and longest rounds.
const LONGEST_ROUND: usize = 16_384;
/// Opponents that give an estimate where nobody is eliminated.
const POLL: usize = 4_096;
/// Duels after which the rounds end even if several are left.
const MOST_DUELS: usize = 1 << 30;
/// Chance that any bound is wrong.
const DOUBT: f64 = 1e-3;
/// Fixed, so that equal catalogues give an equal result.
const SEED: u64 = 0;

/// How items compare: weights and indifference of the criteria.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rule {
    /// Weights; a criterion without one counts 1.
    pub weights: Vec<f64>,
    /// Differences up to these are ties; a criterion without one has none.
    pub indifference: Vec<f64>,
}

/// What is known of one item.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// Its index.
    pub item: usize,
    /// Duels won, plus half of those tied; estimated unless `low` equals `high`.
    pub copeland: f64,
    /// Lower bound of the score.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
    /// Scores of the items beaten, plus half of those tied with; none unless all are exact.
    pub second_order: Option<f64>,
    /// Sum of margins, in weight units; estimated like the score.
    pub margin_sum: f64,
}

/// Items in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Election {
    /// Best first: all items, or as many as were asked for.
    pub standings: Vec<Standing>,
    /// Every duel was fought.
    pub exact: bool,
    /// Items on the shortlist; all, if every duel was fought.
    pub shortlisted: usize,
}

/// Orders items by scores (a column per criterion, higher is better, NaN abstains), or finds
/// the `top` best of them. Final ties go to the lower index.
#[must_use]
pub fn elect<T: Copy + Into<f64>>(columns: &[Vec<T>], rule: &Rule, top: Option<usize>) -> Election {
    elect_within(columns, rule, top, EXACT)
}

/// The same with another bound on the exact count, [`EXACT`] at most.
#[must_use]
pub fn elect_within<T: Copy + Into<f64>>(
    columns: &[Vec<T>],
    rule: &Rule,
    top: Option<usize>,
    exact: usize,
) -> Election {
    let contest = Contest::of(columns, rule);
    let exact = contest.items <= exact.min(EXACT);
    let mut found = match top {
        _ if exact => contest.all(),
        Some(top) => contest.race(top.max(1)),
        None => contest.poll(),
    };
    found.standings.truncate(top.unwrap_or(usize::MAX));
    found
}

/// The columns and the rule, made whole.
struct Contest<'a, T> {
    columns: &'a [Vec<T>],
    items: usize,
    weights: Weights,
    indifference: Vec<f64>,
}

/// What a contender has shown against the opponents so far.
#[derive(Clone, Copy)]
struct Record {
    item: u32,
    bout: Bout,
}

impl<'a, T: Copy + Into<f64>> Contest<'a, T> {
    fn of(columns: &'a [Vec<T>], rule: &Rule) -> Self {
        let at = |values: &[f64], at: usize, none: f64| values.get(at).copied().unwrap_or(none);
        let criteria = 0..columns.len();
        let weights: Vec<i64> =
            criteria.clone().map(|a| units(at(&rule.weights, a, 1.0))).collect();
        Self {
            columns,
            items: columns.iter().map(Vec::len).max().unwrap_or(0),
            weights: Weights::of(&weights),
            indifference: criteria.map(|a| at(&rule.indifference, a, 0.0)).collect(),
        }
    }

    /// Every duel.
    fn all(&self) -> Election {
        let everyone: Vec<u32> = (0..self.items as u32).collect();
        let field = Field::of(self.columns, &everyone);
        let mut bounds = Vec::new();
        let mut records: Vec<Record> =
            everyone.iter().map(|item| Record { item: *item, bout: Bout::default() }).collect();
        self.round(&field, &mut records);
        let halves: Vec<i32> = records.iter().map(|record| self.halves(record) as i32).collect();
        let mut standings: Vec<Standing> = records
            .iter()
            .zip(&halves)
            .map(|(record, own)| {
                self.bounds(&field, record.item, &mut bounds);
                // It ties with itself, which is no duel.
                let quarters = field.spoils(&bounds, &self.weights, &halves) - i64::from(*own);
                Standing {
                    second_order: Some(quarters as f64 / 4.0),
                    ..self.standing(record, self.items, 0.0)
                }
            })
            .collect();
        standings.sort_by(better);
        Election { standings, exact: true, shortlisted: self.items }
    }

    /// Everybody against one random block.
    fn poll(&self) -> Election {
        let opponents = self.lots();
        let opponents = opponents.get(..POLL.min(self.items)).unwrap_or(&opponents);
        let mut records = records(0..self.items as u32);
        self.round(&Field::of(self.columns, opponents), &mut records);
        let doubt = DOUBT / self.items as f64;
        let mut standings: Vec<Standing> =
            records.iter().map(|record| self.standing(record, opponents.len(), doubt)).collect();
        standings.sort_by(better);
        Election { standings, exact: false, shortlisted: self.items }
    }

    /// The shortlist against block after block, the hopeless leaving in between.
    fn race(&self, top: usize) -> Election {
        let shortlist = shortlist(self.columns, top);
        let shortlisted = shortlist.len();
        // A geometric row of rounds and then equal ones; every bound of every round counts.
        let rounds = 4 + self.items / LONGEST_ROUND;
        let doubt = DOUBT / (shortlisted * rounds).max(1) as f64;
        let mut live = records(shortlist.into_iter());
        let (mut seen, mut size, mut duels) = (0, FIRST_ROUND, 0usize);
        let lots = self.lots();
        // Several go on, so that their order, too, is that of all duels.
        while seen < self.items && live.len() > 1 {
            let block = lots.get(seen..self.items.min(seen + size)).unwrap_or(&[]);
            duels = duels.saturating_add(block.len() * live.len());
            if duels > MOST_DUELS && seen > 0 {
                break;
            }
            self.round(&Field::of(self.columns, block), &mut live);
            seen += block.len();
            size = (size * GROWTH).min(LONGEST_ROUND).min(MOST_OPPONENTS);
            self.dismiss(&mut live, seen, doubt, top);
        }
        let mut standings: Vec<Standing> =
            live.iter().map(|record| self.standing(record, seen, doubt)).collect();
        standings.sort_by(better);
        Election { standings, exact: false, shortlisted }
    }

    /// All items in random order.
    fn lots(&self) -> Vec<u32> {
        let mut lots: Vec<u32> = (0..self.items as u32).collect();
        SplitMix64::new(SEED).shuffle(&mut lots);
        lots
    }

    fn bounds(&self, field: &Field, item: u32, bounds: &mut Vec<Bounds>) {
        field.bounds(self.columns, &self.indifference, item as usize, bounds);
    }

    fn round(&self, field: &Field, records: &mut [Record]) {
        let mut bounds = Vec::new();
        for record in records {
            self.bounds(field, record.item, &mut bounds);
            record.bout += field.meet(&bounds, &self.weights);
        }
    }

    /// Sends home those that `top` others are surely ahead of.
    fn dismiss(&self, live: &mut Vec<Record>, seen: usize, doubt: f64, top: usize) {
        let mut lows: Vec<f64> =
            live.iter().map(|record| self.standing(record, seen, doubt).low).collect();
        let at = lows.len().saturating_sub(top);
        let (_, bar, _) = lows.select_nth_unstable_by(at, f64::total_cmp);
        let bar = *bar;
        live.retain(|record| self.standing(record, seen, doubt).high >= bar);
    }

    /// Twice the score, if all were met.
    fn halves(&self, record: &Record) -> i64 {
        self.items as i64 - 1 + record.bout.won - record.bout.lost
    }

    /// A record against `seen` of all items as a score with bounds. What is drawn is the
    /// outcome against each item, itself included: a tie.
    fn standing(&self, record: &Record, seen: usize, doubt: f64) -> Standing {
        let (n, all) = (seen.max(1) as f64, self.items as f64);
        let (won, lost) = (record.bout.won as f64, record.bout.lost as f64);
        // One, and so exact, once all were met.
        let share = all / n;
        let copeland = |balance: f64| (all - 1.0 + balance * share) / 2.0;
        let balance = won - lost;
        let mean = balance / n;
        let reach = match seen >= self.items {
            true => 0.0,
            false => n * reach(n, all, (won + lost) / n - mean * mean, doubt),
        };
        let margin = record.bout.margin as f64 * self.weights.unit as f64 / UNIT;
        Standing {
            item: record.item as usize,
            copeland: copeland(balance),
            low: copeland(balance - reach).max(0.0),
            high: copeland(balance + reach).min(all - 1.0),
            second_order: None,
            margin_sum: margin * share,
        }
    }
}

fn records(items: impl Iterator<Item = u32>) -> Vec<Record> {
    items.map(|item| Record { item, bout: Bout::default() }).collect()
}

/// How far the mean of `n` draws out of `all` may be from the true one, if outcomes lie
/// within -1 and 1 and have this variance (Bardenet and Maillard 2015, theorem 4).
fn reach(n: f64, all: f64, variance: f64, doubt: f64) -> f64 {
    const RANGE: f64 = 2.0;
    let rho =
        if n <= all / 2.0 { 1.0 - (n - 1.0) / all } else { (1.0 - n / all) * (1.0 + 1.0 / n) };
    // Twice: below and above.
    let surprise = (2.0 * 5.0 / doubt).ln();
    let kappa = 7.0 / 3.0 + 3.0 / std::f64::consts::SQRT_2;
    (2.0 * rho * variance.max(0.0) * surprise / n).sqrt() + kappa * RANGE * surprise / n
}

/// Best first: score, second-order score, margins, index.
fn better(a: &Standing, b: &Standing) -> Ordering {
    b.copeland
        .total_cmp(&a.copeland)
        .then_with(|| b.second_order.partial_cmp(&a.second_order).unwrap_or(Ordering::Equal))
        .then_with(|| b.margin_sum.total_cmp(&a.margin_sum))
        .then_with(|| a.item.cmp(&b.item))
}
