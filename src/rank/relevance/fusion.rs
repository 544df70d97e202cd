//! Several views of the same candidates as one: by fitted weights where these apply
//! ([`fitted`](super::fitted)), and otherwise the mean of their ranks.
//!
//! The prior counts as much as all scores of the samples together; a view that abstains on a
//! candidate says nothing of it. Ranks, not values: nats, shares and multiply-accumulates say
//! nothing about each other, and a mean of two rankings is what Copeland's method makes of them.
//! The halves of the samples are the same for all candidates, so every half gives a whole
//! ranking of its own, and their spread is how far to trust the one of all samples.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::evaluate::mean_ranks;
use super::fitted::{Kin, fitted};
use crate::task::{Estimate, Judged, Scored, Scores, Undefined};

/// What a ranking of the candidates may come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum View {
    /// Expected before any sample was seen.
    Prior,
    /// Exact LogME.
    LogMe,
    /// H-score with a shrunk covariance.
    HScore,
    /// Negative conditional entropy, given the model's own classes.
    Nce,
}

impl View {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Prior, Self::LogMe, Self::HScore, Self::Nce];

    /// As people write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Prior => "prior",
            Self::LogMe => "LogME",
            Self::HScore => "H-score",
            Self::Nce => "NCE",
        }
    }

    /// The score of this view, if it is one and does not abstain.
    #[must_use]
    pub fn scored(self, scores: &Scores) -> Option<&Scored> {
        self.judged(scores)?.as_ref().ok().filter(|scored| scored.value.is_finite())
    }

    /// Why the score of this view abstains, if it does.
    #[must_use]
    pub fn silence(self, scores: &Scores) -> Option<&Undefined> {
        self.judged(scores)?.as_ref().err()
    }

    fn judged(self, scores: &Scores) -> Option<&Judged> {
        match self {
            Self::Prior => None,
            Self::LogMe => Some(&scores.logme),
            Self::HScore => Some(&scores.hscore),
            Self::Nce => Some(&scores.nce),
        }
    }
}

/// Where a candidate stands among the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// Share of the others that it stands before, mean over views, 1 being best; with a 95 %
    /// interval.
    pub share: Estimate,
    /// What the fitted weights expect of it, in standard deviations of the candidates, higher being
    /// better; where they apply.
    #[serde(default)]
    pub fitted: Option<Estimate>,
    /// Rank by the fitted value, else by the share, 1 being best; equals share the mean of their
    /// places.
    pub rank: f64,
    /// Best and worst rank that 95 % of the halves give.
    pub rank_interval: [f64; 2],
    /// Rank in each view that has something to say.
    pub views: BTreeMap<View, f64>,
    /// The halves do not tell it from the first.
    pub like_first: bool,
}

/// The standing of every candidate on which the samples were shown to say something.
///
/// `prior` and `scores` have an entry for each candidate, in the same order, and so has `kin`,
/// where the fitted weights are to decide.
#[must_use]
pub fn fuse(
    prior: &[Option<f64>],
    scores: &[Option<&Scores>],
    kin: Option<&[Kin]>,
) -> Vec<Option<Standing>> {
    let whole = Table::of(prior, scores, None);
    let halves: Vec<Table> =
        (0..fewest(scores)).map(|half| Table::of(prior, scores, Some(half))).collect();
    let shares = Merged::of(&whole, &halves, &Table::shares);
    let fitted = kin.map(|kin| Merged::of(&whole, &halves, &|table| fitted(&table.0, kin)));
    let decides = fitted.as_ref().unwrap_or(&shares);
    let (ranks, half_ranks) = decides.ranks();
    let best = ranks.iter().flatten().copied().min_by(f64::total_cmp);
    let first = ranks.iter().position(|rank| rank.is_some() && *rank == best);
    let standing = |at: usize| {
        Some(Standing {
            share: shares.estimate(at)?,
            fitted: fitted.as_ref().and_then(|fitted| fitted.estimate(at)),
            rank: (*ranks.get(at)?)?,
            rank_interval: interval(column(&half_ranks, at), (*ranks.get(at)?)?),
            views: whole.ranks_of(at),
            like_first: first.is_some_and(|first| !decides.apart(first, at)),
        })
    };
    (0..scores.len()).map(standing).collect()
}

/// One number for each candidate, of all samples and of every half.
struct Merged {
    whole: Vec<Option<f64>>,
    halves: Vec<Vec<Option<f64>>>,
}

impl Merged {
    fn of(whole: &Table, halves: &[Table], merge: &dyn Fn(&Table) -> Vec<Option<f64>>) -> Self {
        Self { whole: merge(whole), halves: halves.iter().map(merge).collect() }
    }

    fn estimate(&self, at: usize) -> Option<Estimate> {
        let value = (*self.whole.get(at)?)?;
        let reach = 1.96 * deviation(&column(&self.halves, at));
        Some(Estimate { value, low: value - reach, high: value + reach })
    }

    fn ranks(&self) -> (Vec<Option<f64>>, Vec<Vec<Option<f64>>>) {
        (ranks(&self.whole), self.halves.iter().map(|half| ranks(half)).collect())
    }

    /// Whether the halves tell one candidate from a better one.
    fn apart(&self, better: usize, at: usize) -> bool {
        let of = |list: &[Option<f64>]| Some((*list.get(better)?)? - (*list.get(at)?)?);
        let spread = deviation(&self.halves.iter().filter_map(|half| of(half)).collect::<Vec<_>>());
        of(&self.whole).is_some_and(|difference| difference > 1.96 * spread)
    }
}

/// Halves that every score has.
fn fewest(scores: &[Option<&Scores>]) -> usize {
    let scored = scores.iter().flatten().flat_map(|scores| {
        View::ALL.iter().filter_map(|view| view.scored(scores)).map(|scored| scored.halves.len())
    });
    scored.min().unwrap_or(0)
}

/// Values per view and candidate.
struct Table(Vec<(View, Vec<Option<f64>>)>);

impl Table {
    /// Of all samples, or of one half.
    fn of(prior: &[Option<f64>], scores: &[Option<&Scores>], half: Option<usize>) -> Self {
        let value = |view: View, at: usize| -> Option<f64> {
            let scores = (*scores.get(at)?)?;
            match (view, half) {
                (View::Prior, _) => *prior.get(at)?,
                (_, None) => view.scored(scores).map(|scored| scored.value),
                (_, Some(half)) => {
                    view.scored(scores)?.halves.get(half).map(|value| f64::from(*value))
                }
            }
        };
        let column = |view: View| (view, (0..scores.len()).map(|at| value(view, at)).collect());
        Self(View::ALL.into_iter().map(column).collect())
    }

    /// Share of the others that each candidate stands before: half by the prior, half by the
    /// mean over scores, or all by the one of the two that there is.
    fn shares(&self) -> Vec<Option<f64>> {
        let standings: Vec<(View, Vec<Option<f64>>)> =
            self.0.iter().map(|(view, values)| (*view, before(values))).collect();
        let items = self.0.first().map_or(0, |(_, values)| values.len());
        let share = |at: usize| {
            let of = |prior: bool| {
                let found = standings.iter().filter(|(view, _)| (*view == View::Prior) == prior);
                mean(found.filter_map(|(_, shares)| *shares.get(at)?))
            };
            // The prior alone is no evidence.
            let scores = of(false)?;
            let share = of(true).map_or(scores, |prior| f64::midpoint(prior, scores));
            // Equals stay equal, whatever their thirds were rounded to.
            Some((share * 1e9).round() / 1e9)
        };
        (0..items).map(share).collect()
    }

    fn ranks_of(&self, at: usize) -> BTreeMap<View, f64> {
        let rank =
            |(view, values): &(View, Vec<Option<f64>>)| Some((*view, (*ranks(values).get(at)?)?));
        self.0.iter().filter_map(rank).collect()
    }
}

/// Share of the others that each stands before; of a single one nothing can be said.
fn before(values: &[Option<f64>]) -> Vec<Option<f64>> {
    let present = values.iter().flatten().count() as f64;
    let share = |rank: f64| (present - rank) / (present - 1.0);
    ranks(values).into_iter().map(|rank| rank.filter(|_| present > 1.0).map(share)).collect()
}

/// Ranks among those that have a value.
fn ranks(values: &[Option<f64>]) -> Vec<Option<f64>> {
    let present: Vec<f64> = values.iter().flatten().copied().collect();
    let mut ranks = mean_ranks(&present).into_iter();
    values.iter().map(|value| value.and_then(|_| ranks.next())).collect()
}

fn column(lists: &[Vec<Option<f64>>], at: usize) -> Vec<f64> {
    lists.iter().filter_map(|list| *list.get(at)?).collect()
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
    (count > 0.0).then(|| sum / count)
}

fn deviation(values: &[f64]) -> f64 {
    let Some(mean) = mean(values.iter().copied()) else { return 0.0 };
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (values.len() as f64 - 1.0).max(1.0)).sqrt()
}

/// What the middle 95 % span, with the rank of all samples.
fn interval(mut ranks: Vec<f64>, rank: f64) -> [f64; 2] {
    ranks.sort_by(f64::total_cmp);
    let outside = (ranks.len() as f64 * 0.025).floor() as usize;
    let ends = (ranks.get(outside), ranks.iter().rev().nth(outside));
    match ends {
        (Some(best), Some(worst)) => [best.min(rank), worst.max(rank)],
        _ => [rank, rank],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(logme: f64, halves: &[f32]) -> Scores {
        let logme = Ok(Scored { value: logme, halves: halves.to_vec() });
        Scores { logme, ..Scores::none("none") }
    }

    #[test]
    fn the_prior_counts_as_much_as_all_scores_and_nothing_without_any() {
        let shown = [scores(3.0, &[]), scores(2.0, &[]), scores(1.0, &[])];
        let all: Vec<Option<&Scores>> = shown.iter().map(Some).collect();
        let share = |prior: &[Option<f64>], scores: &[Option<&Scores>]| -> Vec<Option<f64>> {
            fuse(prior, scores, None)
                .iter()
                .map(|found| Some(found.as_ref()?.share.value))
                .collect()
        };
        assert_eq!(share(&[None; 3], &all), [Some(1.0), Some(0.5), Some(0.0)]);
        let against = [Some(1.0), Some(2.0), Some(3.0)];
        assert_eq!(share(&against, &all), [Some(0.5); 3]);
        assert_eq!(share(&against, &[all[0], None, all[2]]), [Some(0.5), None, Some(0.5)]);
        assert_eq!(share(&against, &[None; 3]), [None; 3]);
        // One score alone is no ranking.
        assert_eq!(share(&[None; 3], &[all[0], None, None]), [None; 3]);
    }

    #[test]
    fn the_halves_say_how_sure_a_rank_is_and_who_is_like_the_first() {
        let sure = [scores(3.0, &[3.1, 2.9]), scores(2.0, &[2.1, 1.9]), scores(1.0, &[1.1, 0.9])];
        let all: Vec<Option<&Scores>> = sure.iter().map(Some).collect();
        let found: Vec<Standing> = fuse(&[None; 3], &all, None).into_iter().flatten().collect();
        assert_eq!(found[0].rank_interval, [1.0, 1.0]);
        assert_eq!(found.iter().map(|of| of.like_first).collect::<Vec<_>>(), [true, false, false]);
        // The first two change places from half to half.
        let unsure = [scores(3.0, &[2.0, 3.1]), scores(2.9, &[3.0, 1.9]), scores(1.0, &[1.1, 0.9])];
        let all: Vec<Option<&Scores>> = unsure.iter().map(Some).collect();
        let found: Vec<Standing> = fuse(&[None; 3], &all, None).into_iter().flatten().collect();
        assert_eq!(found[0].rank_interval, [1.0, 2.0]);
        assert_eq!(found.iter().map(|of| of.like_first).collect::<Vec<_>>(), [true, true, false]);
        assert!(found[1].share.low < found[1].share.value);
    }

    #[test]
    fn a_view_abstains_where_it_has_a_reason() {
        let mut named = scores(1.0, &[1.0, 1.0]);
        named.nce = Ok(Scored { value: -0.1, halves: vec![-0.1, -0.2] });
        let blind = scores(2.0, &[2.0, 2.0]);
        assert_eq!(blind.nce, Err(Undefined("none".to_owned())));
        let found = fuse(&[Some(1.0), Some(1.0)], &[Some(&named), Some(&blind)], None);
        let [Some(named), Some(blind)] = found.as_slice() else { panic!("{found:?}") };
        // NCE of one candidate alone has a rank and no say.
        assert_eq!(named.views.get(&View::Nce), Some(&1.0));
        assert_eq!(blind.views.keys().copied().collect::<Vec<_>>(), [View::Prior, View::LogMe]);
        assert_eq!((named.share.value, blind.share.value), (0.25, 0.75));
    }
}
