//! How well a ranking agrees with the truth, and what believing it would have cost.
//!
//! One room for the tests, the trainer and `umbra eval`. Every figure takes plain slices, one
//! value per item, higher being better in all of them; each is a finite number or has a reason
//! why it is [`Undefined`], and none depends on the order of the items. Nothing is read,
//! printed or drawn at random here.
//!
//! [`weighted_tau`], [`spearman`] and [`pearson`] judge a whole order; [`regret_at_1`],
//! [`top_recall`] and [`violation_rate`] judge what somebody would do with it.
//! [`concordance`] says how much there is to win: where all tasks order the models alike, a
//! constant list wins, whatever the samples say.

mod choice;
mod concordance;
mod correlation;
mod ranks;
mod tau;

pub use choice::{regret_at_1, top_recall, violation_rate};
pub use concordance::concordance;
pub use correlation::{pearson, spearman};
pub use ranks::mean_ranks;
pub use tau::{WeightedTau, weighted_tau};

use crate::task::Undefined;

/// All that is said of one score against the truth.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// Weighted Kendall tau, both definitions.
    pub tau: Result<WeightedTau, Undefined>,
    /// Spearman's rank correlation.
    pub spearman: Result<f64, Undefined>,
    /// What taking the first costs, in the unit of the truth.
    pub regret: Result<f64, Undefined>,
    /// Whether the best is among the first three, 0 to 1.
    pub recall: Result<f64, Undefined>,
}

impl Agreement {
    /// Of a score with the truth.
    #[must_use]
    pub fn of(truth: &[f64], score: &[f64]) -> Self {
        Self {
            tau: weighted_tau(truth, score),
            spearman: spearman(truth, score),
            regret: regret_at_1(truth, score),
            recall: top_recall(truth, score, 3),
        }
    }
}

/// Two sides that can be compared: as many values, all finite, and at least so many.
fn check(truth: &[f64], score: &[f64], least: usize) -> Result<(), Undefined> {
    if truth.len() != score.len() {
        return Err(Undefined(format!("{} truths for {} scores", truth.len(), score.len())));
    }
    if truth.len() < least {
        let few = if least == 1 { "no items" } else { "fewer than two items" };
        return Err(Undefined(few.to_owned()));
    }
    if truth.iter().chain(score).any(|value| !value.is_finite()) {
        return Err(Undefined("a value that is not finite".to_owned()));
    }
    Ok(())
}

fn constant() -> Undefined {
    Undefined("one side is constant".to_owned())
}
