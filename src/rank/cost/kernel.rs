//! How models go together over boards: what the pool says of the mean and of the differences.
//!
//! What the known boards have in common is the mean; how they differ from it, board by
//! board, is the main part of the covariance (a factor model without cutting factors off,
//! since the pool is the prior and a few anchors are the data). To it come what no board of
//! the pool may have shown: another slope over the size of models, another price of eight
//! bits, and a smooth function of what models are made of. So a board where eight bits lose
//! is believed after a few anchors of both kinds, and a model that nobody measured is
//! predicted from its traits, with the wider interval that it deserves.

use nalgebra::DMatrix;

use super::features::Features;
use super::fill::Filled;

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

/// The prior: a mean and a covariance of models.
#[derive(Debug, Clone)]
pub(super) struct Kernel {
    centres: DMatrix<f64>,
    /// Mean logarithm over the boards, centred.
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
        let mut centres = costs.clone().insert_column(0, 0.0);
        for (at, mut column) in centres.column_iter_mut().enumerate() {
            match at.checked_sub(1) {
                None => column.copy_from(&mean),
                Some(board) => column.add_scalar_mut(average - levels.get(board).unwrap_or(&0.0)),
            }
        }
        let shape: Vec<f64> = mean.iter().map(|mean| mean - average).collect();
        let squares: f64 = shape.iter().map(|shape| shape * shape).sum();
        Self {
            spread: if costs.is_empty() { 1.0 } else { squares / shape.len().max(1) as f64 },
            centres,
            shape,
            deviations,
            doubt: filled.doubt.clone(),
            level: if costs.ncols() > 1 { levels.variance() } else { 0.0 },
            features,
            scales,
        }
    }

    /// Logarithms that a board may vary about: the mean over the boards, then each board, on one
    /// level; a row per model.
    pub(super) fn centres(&self) -> &DMatrix<f64> {
        &self.centres
    }

    /// Covariances of some models with others.
    pub(super) fn between(&self, rows: &[usize], columns: &[usize]) -> Covariance {
        Covariance::of(&self.parts_between(rows, columns), &self.scales)
    }

    /// The same in parts.
    pub(super) fn parts_between(&self, rows: &[usize], columns: &[usize]) -> DMatrix<Parts> {
        let at = |models: &[usize], at: usize| models.get(at).copied().unwrap_or(usize::MAX);
        DMatrix::from_fn(rows.len(), columns.len(), |i, j| self.parts(at(rows, i), at(columns, j)))
    }

    /// How far measurements are from each centre.
    pub(super) fn beyond(&self, known: &[(usize, f64)]) -> DMatrix<f64> {
        DMatrix::from_fn(known.len(), self.centres.ncols(), |i, j| {
            let (model, cost) = known.get(i).copied().unwrap_or_default();
            cost - self.centres.get((model, j)).unwrap_or(&0.0)
        })
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
            common: self.scales.level + self.level + doubt,
        }
    }

    /// Covariance over the boards of the pool.
    fn shared(&self, i: usize, j: usize) -> f64 {
        let columns = self.deviations.column_iter();
        columns.filter_map(|column| Some(column.get(i)? * column.get(j)?)).sum()
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
    /// What all models share and no scale changes: the level, and the doubt of a mean.
    pub(super) common: f64,
}

impl Parts {
    /// How alike two models deviate.
    pub(super) fn weighed(&self, scales: &Scales) -> f64 {
        scales.boards * self.boards
            + scales.slope * self.slope
            + scales.kind * self.kind
            + scales.kind_slope * self.kind_slope
            + scales.linear * self.linear
            + scales.smooth * self.smooth
    }
}

/// Covariances of models with models, before it is said how much a board deviates.
#[derive(Debug, Clone)]
pub(super) struct Covariance {
    deviation: DMatrix<f64>,
    common: DMatrix<f64>,
}

impl Covariance {
    pub(super) fn of(parts: &DMatrix<Parts>, scales: &Scales) -> Self {
        let deviation = parts.map(|parts| parts.weighed(scales));
        Self { deviation, common: parts.map(|parts| parts.common) }
    }

    /// Of a board that shows a share of the deviations.
    pub(super) fn of_share(&self, share: f64) -> DMatrix<f64> {
        &self.deviation * share + &self.common
    }
}
