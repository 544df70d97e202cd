//! The new board as a draw from a Gaussian process over models.
//!
//! What the known boards have in common is the mean; how they differ from it, board by
//! board, is the main part of the covariance (a factor model without cutting factors off,
//! since the pool is the prior and a few anchors are the data). To it come what no board of
//! the pool may have shown: another slope over the size of models, another price of eight
//! bits, and a smooth function of what models are made of. So a board where eight bits lose
//! is believed after a few anchors of both kinds, and a model that nobody measured is
//! predicted from its traits, with the wider interval that it deserves.

use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

use super::features::Features;
use super::fill::{Filled, fill};
use super::pool::Pool;
use super::{Anchor, CostError, Guess, Traits};

/// Variances of the parts: of `boards`, `slope` and the four after them as shares of what the
/// pool shows, of `level` and `noise` in squared logarithms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scales {
    /// Variance of the level of a new board beyond that of the pool's, in squared logarithms.
    pub level: f64,
    /// How much of the differences among known boards a new one may show.
    pub boards: f64,
    /// Another slope over the mean of the boards.
    pub slope: f64,
    /// Another price of eight bits, for all models alike.
    pub kind: f64,
    /// The same, growing with the size of the model.
    pub kind_slope: f64,
    /// A linear function of the traits.
    pub linear: f64,
    /// A smooth function of the traits.
    pub smooth: f64,
    /// Its length, in standard deviations of a trait.
    pub length: f64,
    /// What measuring again would change.
    pub noise: f64,
}

impl Default for Scales {
    fn default() -> Self {
        Self {
            // None is sure.
            level: 1.0,
            boards: 1.0,
            slope: 0.02,
            kind: 0.1,
            kind_slope: 0.01,
            linear: 0.02,
            smooth: 0.01,
            length: 0.6,
            noise: 0.003,
        }
    }
}

/// Two models of different type are this much less alike than two of one type.
const ACROSS_KINDS: f64 = 0.135;

/// A pool made ready to predict from.
#[derive(Debug, Clone)]
pub struct Process {
    pub(super) kernel: Kernel,
    pool: Pool,
}

impl Process {
    /// Makes a pool ready.
    ///
    /// # Errors
    /// [`CostError`] if there are not as many traits as models, or nothing to predict from.
    pub fn of(pool: &Pool, traits: &[Traits], scales: Scales) -> Result<Self, CostError> {
        let models = pool.models();
        if traits.len() != models {
            return Err(CostError::Mismatch { what: "traits", found: traits.len(), models });
        }
        let features = Features::of(traits);
        let filled = fill(pool, &features, scales)?;
        Ok(Self { kernel: Kernel::of(&filled, features, scales), pool: pool.clone() })
    }

    /// Predicts all models from those measured on the new board.
    ///
    /// # Errors
    /// [`CostError`] for anchors that are no costs of these models.
    pub fn predict(&self, anchors: &[Anchor]) -> Result<Vec<Guess>, CostError> {
        let posterior = self.kernel.given(&self.pool.anchors(anchors)?)?;
        let guess = |model| {
            let (mean, variance) = posterior.of(&self.kernel, model);
            Guess::of(mean, (variance * posterior.surprise + self.kernel.scales.noise).sqrt())
        };
        Ok((0..self.pool.models()).map(guess).collect())
    }

    /// The same, but each measured model from the others alone, as if it had not been measured.
    ///
    /// # Errors
    /// [`CostError`] for anchors that are no costs of these models.
    pub fn predict_from_others(&self, anchors: &[Anchor]) -> Result<Vec<Guess>, CostError> {
        let mut guesses = self.predict(anchors)?;
        let known = self.pool.anchors(anchors)?;
        let posterior = self.kernel.given(&known)?;
        let left_out = posterior.left_out(&known);
        for ((model, _), (mean, variance)) in known.iter().zip(left_out) {
            if let Some(guess) = guesses.get_mut(*model) {
                *guess = Guess::of(mean, (variance * posterior.surprise).sqrt());
            }
        }
        Ok(guesses)
    }

    /// Which of some models to measure next so as to learn most about one that is not to be
    /// measured: the one whose cost explains the largest share of the other's variance.
    ///
    /// # Errors
    /// [`CostError`] for anchors that are no costs of these models.
    pub fn informative(
        &self,
        anchors: &[Anchor],
        about: usize,
        among: &[usize],
    ) -> Result<Option<usize>, CostError> {
        let posterior = self.kernel.given(&self.pool.anchors(anchors)?)?;
        let near = posterior.explaining(&self.kernel, about);
        let explained = |model: usize| {
            let shared = posterior.near(&self.kernel, model).dot(&near);
            let covariance = self.kernel.between(model, about) - shared;
            let (_, variance) = posterior.of(&self.kernel, model);
            covariance * covariance / (variance + self.kernel.scales.noise)
        };
        let models = among.iter().copied().filter(|model| *model != about);
        let scored = models.map(|model| (explained(model), model));
        Ok(scored.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, model)| model))
    }
}

/// The prior: a mean and a covariance of models.
#[derive(Debug, Clone)]
pub(super) struct Kernel {
    /// Mean logarithm over the boards.
    mean: Vec<f64>,
    /// The same, centred.
    shape: Vec<f64>,
    /// What each board has beyond the mean, over the root of their number; a row per model.
    deviations: DMatrix<f64>,
    /// Variance of a mean that rests on filled cells.
    doubt: Vec<f64>,
    /// Variance of the level among the boards.
    level: f64,
    /// Variance of the models' mean logarithms: what a share of one means for the traits.
    spread: f64,
    features: Features,
    pub(super) scales: Scales,
}

impl Kernel {
    pub(super) fn of(filled: &Filled, features: Features, scales: Scales) -> Self {
        let costs = &filled.costs;
        let boards = costs.ncols().max(1) as f64;
        let levels = costs.row_mean();
        let mean = costs.column_mean();
        let average = mean.mean();
        let deviations = DMatrix::from_fn(costs.nrows(), costs.ncols(), |i, j| {
            let level = levels.get(j).unwrap_or(&0.0) - average;
            (costs.get((i, j)).unwrap_or(&0.0) - mean.get(i).unwrap_or(&0.0) - level)
                / boards.sqrt()
        });
        let shape: Vec<f64> = mean.iter().map(|mean| mean - average).collect();
        let squares: f64 = shape.iter().map(|shape| shape * shape).sum();
        Self {
            spread: if costs.is_empty() { 1.0 } else { squares / shape.len().max(1) as f64 },
            shape,
            mean: mean.iter().copied().collect(),
            deviations,
            doubt: filled.doubt.clone(),
            level: if costs.ncols() > 1 { levels.variance() } else { 0.0 },
            features,
            scales,
        }
    }

    pub(super) fn mean(&self, model: usize) -> f64 {
        self.mean.get(model).copied().unwrap_or(0.0)
    }

    /// Covariance of two models.
    pub(super) fn between(&self, i: usize, j: usize) -> f64 {
        self.parts(i, j).weighed(&self.scales)
    }

    /// What the covariance of two models is made of, whatever the scales but the length.
    pub(super) fn parts(&self, i: usize, j: usize) -> Parts {
        let features = &self.features;
        let shape = |model: usize| self.shape.get(model).copied().unwrap_or(0.0);
        let (kind_i, kind_j) = (features.kind(i), features.kind(j));
        let (product, distance) = features.relate(i, j);
        let alike = if kind_i == kind_j { 1.0 } else { ACROSS_KINDS };
        let length = self.scales.length;
        let doubt = if i == j { self.doubt.get(i).copied().unwrap_or(0.0) } else { 0.0 };
        Parts {
            boards: self.shared(i, j),
            slope: shape(i) * shape(j),
            kind: self.spread * kind_i * kind_j,
            kind_slope: self.spread * kind_i * features.work(i) * kind_j * features.work(j),
            linear: self.spread * product,
            smooth: self.spread * (-0.5 * distance / (length * length)).exp() * alike,
            fixed: self.level + doubt,
        }
    }

    /// Covariance over the boards of the pool.
    fn shared(&self, i: usize, j: usize) -> f64 {
        let columns = self.deviations.column_iter();
        columns.filter_map(|column| Some(column.get(i)? * column.get(j)?)).sum()
    }

    /// What is known once some models were measured.
    pub(super) fn given(&self, known: &[(usize, f64)]) -> Result<Posterior, CostError> {
        let at = |i: usize| known.get(i).map_or((0, 0.0), |known| *known);
        let covariance =
            DMatrix::from_fn(known.len(), known.len(), |i, j| self.between(at(i).0, at(j).0));
        self.given_covariance(known, covariance)
    }

    /// The same, with the covariance of the models known, noise not included.
    pub(super) fn given_covariance(
        &self,
        known: &[(usize, f64)],
        mut covariance: DMatrix<f64>,
    ) -> Result<Posterior, CostError> {
        let at = |i: usize| known.get(i).map_or((0, 0.0), |known| *known);
        let diagonal = covariance.iter_mut().step_by(known.len() + 1);
        diagonal.for_each(|own| *own += self.scales.noise);
        let beyond = DVector::from_fn(known.len(), |i, _| at(i).1 - self.mean(at(i).0));
        let factor = covariance.cholesky().ok_or(CostError::Degenerate(known.len()))?;
        let weights = factor.solve(&beyond);
        let fit = beyond.dot(&weights);
        let models = known.iter().map(|(model, _)| *model).collect();
        // A board that fits the prior worse than it should gets wider intervals.
        let surprise = (fit / known.len().max(1) as f64).max(1.0);
        Ok(Posterior { models, weights, factor, fit, surprise })
    }
}

/// Covariance of two models, part by part, each to be weighed by its scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Parts {
    boards: f64,
    slope: f64,
    kind: f64,
    kind_slope: f64,
    linear: f64,
    smooth: f64,
    /// What no scale changes.
    fixed: f64,
}

impl Parts {
    pub(super) fn weighed(&self, scales: &Scales) -> f64 {
        scales.boards * self.boards
            + scales.slope * self.slope
            + scales.kind * self.kind
            + scales.kind_slope * self.kind_slope
            + scales.linear * self.linear
            + scales.smooth * self.smooth
            + scales.level
            + self.fixed
    }
}

/// What a few measurements say.
pub(super) struct Posterior {
    models: Vec<usize>,
    weights: DVector<f64>,
    factor: Cholesky<f64, Dyn>,
    fit: f64,
    surprise: f64,
}

impl Posterior {
    /// Mean and variance of a model's logarithm, noise not included.
    pub(super) fn of(&self, kernel: &Kernel, model: usize) -> (f64, f64) {
        let near = self.near(kernel, model);
        let explained = near.dot(&self.factor.solve(&near));
        let mean = kernel.mean(model) + near.dot(&self.weights);
        (mean, (kernel.between(model, model) - explained).max(0.0))
    }

    /// Mean and variance of each measurement given the others, noise included: what the
    /// inverse of the covariance says without solving again.
    fn left_out(&self, known: &[(usize, f64)]) -> Vec<(f64, f64)> {
        let inverse = self.factor.inverse();
        let precisions = inverse.diagonal();
        let each = known.iter().zip(self.weights.iter()).zip(precisions.iter());
        each.map(|(((_, cost), weight), own)| (cost - weight / own, own.recip())).collect()
    }

    /// Covariances of a model with those measured.
    fn near(&self, kernel: &Kernel, model: usize) -> DVector<f64> {
        let measured = self.models.iter().map(|known| kernel.between(model, *known));
        DVector::from_iterator(self.models.len(), measured)
    }

    /// The same, solved for what each measurement says of the model.
    fn explaining(&self, kernel: &Kernel, model: usize) -> DVector<f64> {
        self.factor.solve(&self.near(kernel, model))
    }

    /// Logarithm of the density of the measurements under the prior.
    pub(super) fn evidence(&self) -> f64 {
        let count = self.models.len() as f64;
        -0.5 * (self.fit + self.factor.ln_determinant() + count * std::f64::consts::TAU.ln())
    }
}
