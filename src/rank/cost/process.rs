//! The new board as a draw from a mixture of Gaussian processes over models.
//!
//! The pool is the prior ([`super::kernel`]), in as many variants as boards differ
//! ([`super::mixture`]); a few anchors are the data. What is predicted of a model is the mean of
//! what the variants say, each as likely as the anchors make it, and its variance is theirs and
//! that among them.

use nalgebra::{DMatrix, DVector};

use super::features::Features;
use super::fill::fill;
use super::kernel::Kernel;
use super::mixture::{Member, Prior, normalised, weigh};
use super::pool::Pool;
use super::{Anchor, CostError, Guess, Traits};

/// A pool made ready to predict from.
#[derive(Debug, Clone)]
pub struct Process {
    kernel: Kernel,
    prior: Prior,
    pool: Pool,
}

/// What is believed of the logarithms of some models' costs.
#[derive(Debug, Clone)]
pub struct Joint {
    /// Their means.
    pub mean: DVector<f64>,
    /// Their covariance.
    pub covariance: DMatrix<f64>,
    /// Variance of what measuring would add to each.
    pub noise: f64,
}

impl Process {
    /// Makes a pool ready.
    ///
    /// # Errors
    /// [`CostError`] if there are not as many traits as models, or nothing to predict from.
    pub fn of(pool: &Pool, traits: &[Traits], prior: impl Into<Prior>) -> Result<Self, CostError> {
        let (models, prior) = (pool.models(), prior.into());
        if traits.len() != models {
            return Err(CostError::Mismatch { what: "traits", found: traits.len(), models });
        }
        let features = Features::of(traits);
        let filled = fill(pool, &features, prior.scales)?;
        let kernel = Kernel::of(&filled, features, prior.scales);
        Ok(Self { kernel, prior, pool: pool.clone() })
    }

    /// Predicts all models from those measured on the new board.
    ///
    /// # Errors
    /// [`CostError`] for anchors that are no costs of these models.
    pub fn predict(&self, anchors: &[Anchor]) -> Result<Vec<Guess>, CostError> {
        let all: Vec<usize> = (0..self.pool.models()).collect();
        let posterior = self.given(anchors)?;
        let moments = posterior.moments(&self.kernel, &all);
        Ok(moments.iter().map(|(mean, variance)| Guess::of(*mean, variance.sqrt())).collect())
    }

    /// The same, but each measured model from the others alone, as if it had not been measured.
    ///
    /// # Errors
    /// [`CostError`] for anchors that are no costs of these models.
    pub fn predict_from_others(&self, anchors: &[Anchor]) -> Result<Vec<Guess>, CostError> {
        let mut guesses = self.predict(anchors)?;
        let posterior = self.given(anchors)?;
        for ((model, _), (mean, variance)) in posterior.known.iter().zip(posterior.left_out()) {
            if let Some(guess) = guesses.get_mut(*model) {
                *guess = Guess::of(mean, variance.sqrt());
            }
        }
        Ok(guesses)
    }

    /// What is believed of some models together, as one Gaussian.
    ///
    /// # Errors
    /// [`CostError`] for anchors that are no costs of these models.
    pub fn joint(&self, anchors: &[Anchor], models: &[usize]) -> Result<Joint, CostError> {
        Ok(self.given(anchors)?.joint(&self.kernel, models))
    }

    fn given(&self, anchors: &[Anchor]) -> Result<Posterior, CostError> {
        Posterior::of(&self.kernel, &self.prior, self.pool.anchors(anchors)?)
    }
}

/// What a few measurements say.
pub(super) struct Posterior {
    known: Vec<(usize, f64)>,
    measured: Vec<usize>,
    members: Vec<Member>,
}

impl Posterior {
    pub(super) fn of(
        kernel: &Kernel,
        prior: &Prior,
        known: Vec<(usize, f64)>,
    ) -> Result<Self, CostError> {
        let members = weigh(&prior.variants, &kernel.witness(&known, 1.0))?;
        Ok(Self { measured: known.iter().map(|(model, _)| *model).collect(), known, members })
    }

    /// Mean and variance of the logarithm of some models, noise included.
    pub(super) fn moments(&self, kernel: &Kernel, models: &[usize]) -> Vec<(f64, f64)> {
        let near = kernel.between(&self.measured, models);
        let own: Vec<_> = models.iter().map(|model| kernel.parts(*model, *model)).collect();
        let mut sums = vec![Moments::default(); models.len()];
        for member in &self.members {
            let near = near.of_share(member.share);
            let shifts = member.account.shifts(&near);
            let explaining = member.account.explaining(&near);
            for (at, (sum, own)) in sums.iter_mut().zip(&own).enumerate() {
                let explained = explaining.column_iter().nth(at).map_or(0.0, |c| c.norm_squared());
                let prior = member.share * own.weighed(&kernel.scales) + own.common;
                let left = (prior - explained).max(0.0);
                let model = models.get(at).copied().unwrap_or(usize::MAX);
                for (centre, weight) in member.centres() {
                    let mean = kernel.centres().get((model, centre)).unwrap_or(&0.0)
                        + shifts.get((at, centre)).unwrap_or(&0.0);
                    let variance = left * member.account.surprise(centre) + member.noise;
                    sum.add(weight, mean, variance);
                }
            }
        }
        sums.iter().map(Moments::whole).collect()
    }

    /// Mean and variance of each measurement given the others, noise included. How likely a
    /// variant is without a measurement follows from how likely it makes that measurement.
    fn left_out(&self) -> Vec<(f64, f64)> {
        let mut said: Vec<Vec<(f64, f64, f64)>> = vec![Vec::new(); self.known.len()];
        for member in &self.members {
            let (errors, variances) = member.account.left_out();
            for (centre, weight) in member.centres() {
                let errors = errors.column_iter().nth(centre);
                let errors = errors.iter().flat_map(|column| column.iter());
                let each = errors.zip(variances.iter()).zip(&self.known);
                for (said, ((error, variance), (_, cost))) in said.iter_mut().zip(each) {
                    let own = error * error / variance;
                    let density = -0.5 * (own + variance.ln());
                    let surprise = member.account.surprise_without(centre, own);
                    said.push((weight.ln() - density, cost - error, variance * surprise));
                }
            }
        }
        let whole = |said: &Vec<(f64, f64, f64)>| {
            let likely: Vec<f64> = said.iter().map(|(likely, ..)| *likely).collect();
            let mut sum = Moments::default();
            for (weight, (_, mean, variance)) in normalised(&likely).into_iter().zip(said) {
                sum.add(weight, *mean, *variance);
            }
            sum.whole()
        };
        said.iter().map(whole).collect()
    }

    fn joint(&self, kernel: &Kernel, models: &[usize]) -> Joint {
        let moments = self.moments(kernel, models);
        let mean = DVector::from_iterator(models.len(), moments.iter().map(|(mean, _)| *mean));
        let (near, prior) =
            (kernel.between(&self.measured, models), kernel.between(models, models));
        let centres = kernel.centres().select_rows(models);
        let mut covariance = DMatrix::zeros(models.len(), models.len());
        let mut noise = 0.0;
        for member in &self.members {
            let near = near.of_share(member.share);
            let explaining = member.account.explaining(&near);
            let left = prior.of_share(member.share) - explaining.tr_mul(&explaining);
            let means = &centres + member.account.shifts(&near);
            for (centre, weight) in member.centres() {
                covariance += &left * (weight * member.account.surprise(centre));
                noise += weight * member.noise;
                if let Some(own) = means.column_iter().nth(centre) {
                    let apart = own - &mean;
                    covariance.ger(weight, &apart, &apart, 1.0);
                }
            }
        }
        Joint { mean, covariance, noise }
    }
}

/// Means and variances, weighed.
#[derive(Debug, Clone, Default)]
struct Moments {
    weight: f64,
    mean: f64,
    /// Weighed sum of squares about the mean so far.
    apart: f64,
    variance: f64,
}

impl Moments {
    fn add(&mut self, weight: f64, mean: f64, variance: f64) {
        let all = self.weight + weight;
        let (beyond, share) = (mean - self.mean, weight / all);
        self.mean += share * beyond;
        self.apart += weight * (1.0 - share) * beyond * beyond;
        self.variance += weight * variance;
        self.weight = all;
    }

    fn whole(&self) -> (f64, f64) {
        (self.mean, (self.apart + self.variance) / self.weight)
    }
}
