//! The most probable rates under a prior, and what they say of models.

use nalgebra::{Cholesky, DMatrix, Dyn};
use umbra::rank::cost::roofline::Rates;
use umbra::rank::cost::{CostError, Guess};

use super::bill::{Bills, Logs};

/// Steps of Gauss and Newton, at most, and halvings of one.
const STEPS: usize = 30;
const HALVINGS: usize = 12;
/// An improvement of the squares that is none.
const ENOUGH: f64 = 1e-9;

/// What is known of rates before a board is measured: their logarithms are normal.
#[derive(Debug, Clone)]
pub(crate) struct Prior {
    pub(super) bills: Bills,
    pub(super) mean: Logs,
    /// Inverse of the covariance.
    pub(super) precision: DMatrix<f64>,
    /// Variance of a logarithm of a cost that no rates explain.
    pub(super) noise: f64,
}

/// What is known once some models were measured.
#[derive(Debug, Clone)]
pub(crate) struct Posterior {
    pub(super) logs: Logs,
    pub(super) covariance: DMatrix<f64>,
}

/// Measured models and the logarithms of their costs.
pub(super) type Known = [(usize, f64)];

impl Prior {
    pub(super) fn new(
        bills: Bills,
        mean: Logs,
        covariance: DMatrix<f64>,
        noise: f64,
    ) -> Result<Self, CostError> {
        let width = mean.len();
        let factor = covariance.cholesky().ok_or(CostError::Degenerate(width))?;
        Ok(Self { bills, mean, precision: factor.inverse(), noise })
    }

    /// The most probable rates, and their covariance by Laplace's approximation. Models without
    /// nodes say nothing.
    pub(crate) fn given(&self, known: &Known) -> Result<Posterior, CostError> {
        let known: Vec<(usize, f64)> =
            known.iter().copied().filter(|(model, _)| self.bills.knows(*model)).collect();
        let mut logs = self.mean.clone();
        let mut squares = self.squares(&logs, &known);
        for _ in 0..STEPS {
            let (slope, curvature) = self.around(&logs, &known)?;
            let step = curvature.solve(&slope);
            let Some((better, less)) = self.improved(&logs, &step, squares, &known) else { break };
            let gained = squares - less;
            (logs, squares) = (better, less);
            if gained < ENOUGH * (1.0 + squares) {
                break;
            }
        }
        let (_, curvature) = self.around(&logs, &known)?;
        Ok(Posterior { logs, covariance: curvature.inverse() })
    }

    /// The step, or as much of it as makes things better.
    fn improved(
        &self,
        logs: &Logs,
        step: &Logs,
        squares: f64,
        known: &Known,
    ) -> Option<(Logs, f64)> {
        let shares = std::iter::successors(Some(1.0), |share| Some(0.5 * share)).take(HALVINGS);
        let tried = shares.map(|share| {
            let moved = logs + step * share;
            let found = self.squares(&moved, known);
            (moved, found)
        });
        tried.into_iter().find(|(_, found)| *found < squares)
    }

    /// Twice the negative logarithm of the probability, but for a constant.
    fn squares(&self, logs: &Logs, known: &Known) -> f64 {
        let apart = logs - &self.mean;
        let rates = logs.map(f64::exp);
        let misses = known.iter().map(|(model, cost)| {
            (cost - self.bills.cost(rates.as_slice(), *model).0).powi(2) / self.noise
        });
        apart.dot(&(&self.precision * &apart)) + misses.sum::<f64>()
    }

    /// Where it falls and how it bends.
    fn around(&self, logs: &Logs, known: &Known) -> Result<(Logs, Cholesky<f64, Dyn>), CostError> {
        let rates = logs.map(f64::exp);
        let mut slope = &self.precision * (&self.mean - logs);
        let mut curvature = self.precision.clone();
        for (model, cost) in known {
            let (said, gradient) = self.bills.cost(rates.as_slice(), *model);
            slope.axpy((cost - said) / self.noise, &gradient, 1.0);
            curvature.ger(1.0 / self.noise, &gradient, &gradient, 1.0);
        }
        let factor = curvature.cholesky().ok_or(CostError::Degenerate(known.len()))?;
        Ok((slope, factor))
    }

    /// Mean and variance of the logarithm of what a model costs, noise not included.
    pub(super) fn of(&self, posterior: &Posterior, model: usize) -> (f64, f64) {
        let rates = posterior.logs.map(f64::exp);
        let (mean, gradient) = self.bills.cost(rates.as_slice(), model);
        (mean, gradient.dot(&(&posterior.covariance * &gradient)).max(0.0))
    }

    /// Deviation of the logarithm of what a model costs, noise included.
    pub(crate) fn deviation(&self, posterior: &Posterior, model: usize) -> f64 {
        (self.of(posterior, model).1 + self.noise).sqrt()
    }

    /// What all models cost; no number where the nodes of a model are not known.
    pub(crate) fn guesses(&self, posterior: &Posterior, models: usize) -> Vec<Guess> {
        let guess = |model: usize| {
            let (mean, variance) = match self.bills.knows(model) {
                true => self.of(posterior, model),
                false => (f64::NAN, f64::NAN),
            };
            Guess::of(mean, (variance + self.noise).sqrt())
        };
        (0..models).map(guess).collect()
    }

    /// The most probable rates, as the agent has them.
    pub(crate) fn rates(&self, posterior: &Posterior) -> Rates {
        self.bills.rates(&posterior.logs)
    }
}
