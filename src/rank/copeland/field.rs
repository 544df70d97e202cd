//! A block of opponents, ready for many duels.
//!
//! A criterion's comparison is monotone in the opponent's score: those that a challenger
//! beats are the first so many in ascending order, those that it loses to the last so
//! many. So each opponent keeps its *place* in each order, a challenger two bounds, and a
//! duel is two comparisons of 16-bit integers for each criterion, over lanes that the
//! compiler turns into vector instructions. The bounds are found with the very
//! subtraction of the plain definition, so that both always agree.

use std::ops::AddAssign;

/// Opponents in one field: places must stay below [`i16::MAX`].
pub(super) const MOST_OPPONENTS: usize = 32_000;
/// Opponents that are met at once.
const LANES: usize = 128;
/// Lower than any place: a missing score is at most this.
const NOWHERE: i16 = -1;

/// What a challenger does to one block: duels won and lost, margins summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Bout {
    pub(super) won: i64,
    pub(super) lost: i64,
    /// In units of the weights.
    pub(super) margin: i64,
}

impl AddAssign for Bout {
    fn add_assign(&mut self, other: Self) {
        self.won += other.won;
        self.lost += other.lost;
        self.margin += other.margin;
    }
}

/// Weights as whole numbers without a common divisor, in the narrowest type that holds
/// the sum of all.
#[derive(Debug, Clone)]
pub(super) struct Weights {
    narrow: Option<Vec<i16>>,
    wide: Vec<i64>,
    /// What one unit is worth, in thousandths.
    pub(super) unit: i64,
}

impl Weights {
    /// From weights in thousandths.
    pub(super) fn of(thousandths: &[i64]) -> Self {
        let divisor = thousandths.iter().fold(0, |divisor, weight| common(divisor, *weight)).max(1);
        let wide: Vec<i64> = thousandths.iter().map(|weight| weight / divisor).collect();
        let fits = wide.iter().sum::<i64>() <= i64::from(i16::MAX);
        let narrow = || wide.iter().filter_map(|weight| i16::try_from(*weight).ok()).collect();
        Self { narrow: fits.then(narrow), wide, unit: divisor }
    }
}

/// Greatest common divisor.
fn common(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { common(b, a % b) }
}

/// Opponents, criterion by criterion.
#[derive(Debug)]
pub(super) struct Field {
    criteria: Vec<Places>,
    size: usize,
}

/// Places of all opponents in the ascending order of one criterion.
#[derive(Debug)]
struct Places {
    sorted: Vec<f64>,
    /// A missing score is beyond all, so that nobody beats it.
    below: Vec<i16>,
    /// A missing score is before all, so that it beats nobody; none if none is missing.
    above: Option<Vec<i16>>,
}

/// What a challenger beats and loses to in one criterion: places before `low`, and from
/// `high` on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    low: i16,
    high: i16,
}

impl Field {
    /// Of some of the items, [`MOST_OPPONENTS`] at most.
    pub(super) fn of<T: Copy + Into<f64>>(columns: &[Vec<T>], items: &[u32]) -> Self {
        let items = items.get(..MOST_OPPONENTS).unwrap_or(items);
        let criteria = columns.iter().map(|column| Places::of(column, items)).collect();
        Self { criteria, size: items.len() }
    }

    /// Bounds of an item with these scores, which go with the criteria's indifference.
    pub(super) fn bounds<T: Copy + Into<f64>>(
        &self,
        columns: &[Vec<T>],
        indifference: &[f64],
        item: usize,
        bounds: &mut Vec<Bounds>,
    ) {
        bounds.clear();
        let known = self.criteria.iter().zip(columns).zip(indifference);
        bounds.extend(known.map(|((places, column), within)| {
            places.bounds(column.get(item).map_or(f64::NAN, |score| (*score).into()), *within)
        }));
    }

    /// Duels with all opponents.
    pub(super) fn meet(&self, bounds: &[Bounds], weights: &Weights) -> Bout {
        let mut bout = Bout::default();
        match &weights.narrow {
            Some(narrow) => self.lanes(bounds, narrow, |_, lanes: &[i16; LANES]| {
                bout.won += i64::from(lanes.iter().map(|m| i16::from(*m > 0)).sum::<i16>());
                bout.lost += i64::from(lanes.iter().map(|m| i16::from(*m < 0)).sum::<i16>());
            }),
            None => self.lanes(bounds, &weights.wide, |_, lanes: &[i64; LANES]| {
                bout.won += lanes.iter().map(|m| i64::from(*m > 0)).sum::<i64>();
                bout.lost += lanes.iter().map(|m| i64::from(*m < 0)).sum::<i64>();
            }),
        }
        // The sum of margins needs no duel: in each criterion so many are beaten.
        let criteria = self.criteria.iter().zip(bounds).zip(&weights.wide);
        bout.margin =
            criteria.map(|((places, bounds), weight)| weight * places.balance(*bounds)).sum();
        bout
    }

    /// Scores of the opponents (in halves), twice of those beaten and once of those tied with.
    pub(super) fn spoils(&self, bounds: &[Bounds], weights: &Weights, halves: &[i32]) -> i64 {
        let mut sum = 0;
        match &weights.narrow {
            Some(narrow) => self.lanes(bounds, narrow, |start, lanes: &[i16; LANES]| {
                let spoils = lanes.iter().zip(halves.get(start..).unwrap_or(&[]));
                // At most 128 times four times 32,000: 32 bits hold it.
                let spoils = spoils.map(|(m, halves)| (1 + i32::from(m.signum())) * halves);
                sum += i64::from(spoils.sum::<i32>());
            }),
            None => self.lanes(bounds, &weights.wide, |start, lanes: &[i64; LANES]| {
                let spoils = lanes.iter().zip(halves.get(start..).unwrap_or(&[]));
                sum += spoils.map(|(m, halves)| (1 + m.signum()) * i64::from(*halves)).sum::<i64>();
            }),
        }
        sum
    }

    /// Margins against all opponents, as many at a time as there are lanes; those beyond the
    /// last opponent are tied.
    fn lanes<M: Margin>(
        &self,
        bounds: &[Bounds],
        weights: &[M],
        mut each: impl FnMut(usize, &[M; LANES]),
    ) {
        for start in (0..self.size).step_by(LANES) {
            let mut lanes = [M::default(); LANES];
            for ((places, bounds), weight) in self.criteria.iter().zip(bounds).zip(weights) {
                places.vote(start, *bounds, *weight, &mut lanes);
            }
            each(start, &lanes);
        }
    }
}

impl Places {
    fn of<T: Copy + Into<f64>>(column: &[T], items: &[u32]) -> Self {
        let score = |item: &u32| column.get(*item as usize).map_or(f64::NAN, |s| (*s).into());
        let mut order: Vec<(f64, usize)> =
            items.iter().map(score).zip(0..).filter(|(score, _)| !score.is_nan()).collect();
        order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let padded = items.len().next_multiple_of(LANES);
        let mut below = vec![i16::MAX; padded];
        for (place, (_, at)) in order.iter().enumerate() {
            if let (Some(slot), Ok(place)) = (below.get_mut(*at), i16::try_from(place)) {
                *slot = place;
            }
        }
        let full = order.len() == padded;
        let moved = |place: &i16| if *place == i16::MAX { NOWHERE } else { *place };
        let above = (!full).then(|| below.iter().map(moved).collect());
        Self { sorted: order.into_iter().map(|(score, _)| score).collect(), below, above }
    }

    fn bounds(&self, score: f64, within: f64) -> Bounds {
        if score.is_nan() {
            return Bounds { low: NOWHERE, high: i16::MAX };
        }
        let beats = |one: f64, other: f64| one - other > within;
        let place = |at: usize| i16::try_from(at).unwrap_or(i16::MAX);
        Bounds {
            low: place(self.sorted.partition_point(|other| beats(score, *other))),
            high: place(self.sorted.partition_point(|other| !beats(*other, score))),
        }
    }

    /// Opponents beaten less those lost to.
    fn balance(&self, bounds: Bounds) -> i64 {
        if bounds.low == NOWHERE {
            return 0;
        }
        i64::from(bounds.low) - (self.sorted.len() as i64 - i64::from(bounds.high))
    }

    /// Adds the weight where the opponent is beaten, takes it off where it wins.
    fn vote<M: Margin>(&self, start: usize, bounds: Bounds, weight: M, lanes: &mut [M; LANES]) {
        let block = |places: &[i16]| -> Option<[i16; LANES]> {
            places.get(start..start + LANES)?.try_into().ok()
        };
        let above = self.above.as_ref().unwrap_or(&self.below);
        let (Some(below), Some(above)) = (block(&self.below), block(above)) else { return };
        for ((lane, below), above) in lanes.iter_mut().zip(&below).zip(&above) {
            *lane = lane.swing(weight, *below < bounds.low, *above >= bounds.high);
        }
    }
}

/// A whole number that margins are counted in.
trait Margin: Copy + Default {
    /// More by the weight if won, less by it if lost.
    fn swing(self, weight: Self, won: bool, lost: bool) -> Self;
}

impl Margin for i16 {
    fn swing(self, weight: Self, won: bool, lost: bool) -> Self {
        self + (weight & -Self::from(won)) - (weight & -Self::from(lost))
    }
}

impl Margin for i64 {
    fn swing(self, weight: Self, won: bool, lost: bool) -> Self {
        self + (weight & -Self::from(won)) - (weight & -Self::from(lost))
    }
}
