//! Moments of the features: all that the linear scores need to know of them.
//!
//! Exact LogME, the H-scores, LFC and GBC depend on the features only through the scatter
//! around their mean, the mean and diagonal variance of every class, and one sum of fourth
//! powers. With more samples than features these are gathered sample by sample
//! ([`Accumulator`]), in memory of D² + CD numbers, so that no device ever holds all the
//! features of a long task. With fewer, the N x N Gram matrix takes the place of the scatter.

mod stream;

use nalgebra::DVector;

pub use stream::Accumulator;

use super::project::{Projected, project};
use super::spectrum::check_finite;
use super::{Matrix, Undefined};

/// A feature that varies by less than this share of its mean is constant but for rounding.
const CONSTANT: f64 = 1e-12;
/// Largest side of a matrix that is decomposed: 128 MiB in double precision.
pub(super) const LARGEST: usize = 4096;

/// Moments of labelled features, N samples of D features.
#[derive(Debug, Clone)]
pub struct Moments {
    /// Samples.
    pub(super) samples: usize,
    /// Features were divided by this, so that no power overflows.
    pub(super) scale: f64,
    /// Mean over all samples, D.
    pub(super) mean: DVector<f64>,
    /// By label, ascending.
    pub(super) classes: Vec<Class>,
    /// Sum over samples of the fourth power of the distance from the mean.
    pub(super) fourth: f64,
    side: Side,
}

/// Moments of one class.
#[derive(Debug, Clone)]
pub(super) struct Class {
    pub(super) label: u32,
    pub(super) count: f64,
    /// Mean, D.
    pub(super) mean: DVector<f64>,
    /// Sum of squared deviations from it, D.
    pub(super) squares: DVector<f64>,
}

/// Products of the centred features `X`, on their smaller side.
#[derive(Debug, Clone)]
enum Side {
    /// `Xᵀ X`, D x D.
    Features(Matrix),
    /// `X Xᵀ`, N x N, and what else needs `X`.
    Samples {
        gram: Matrix,
        labels: Vec<u32>,
        /// `|X mean|²`.
        along_mean: f64,
    },
}

/// The spectrum of the centred features.
#[derive(Debug)]
pub(super) struct Spectral {
    /// Squared singular values, largest first.
    pub(super) sigma: Vec<f64>,
    /// Per class, the squared projections of the sum of its centred samples on the right
    /// singular vectors.
    pub(super) sums: Vec<Vec<f64>>,
}

impl Moments {
    /// Of features (one sample per row) and a label for each.
    ///
    /// # Errors
    /// [`Undefined`] with fewer than two samples, a feature that is not finite, or more
    /// than 4096 samples of more than 4096 features.
    pub fn of(features: &Matrix, labels: &[u32]) -> Result<Self, Undefined> {
        check_labels(features, labels)?;
        check_finite(features)?;
        let largest = features.amax();
        let scale = if largest > 0.0 { largest } else { 1.0 };
        if features.nrows() <= features.ncols() {
            return Self::of_few(features / scale, labels, scale);
        }
        let mut gathered = Accumulator::scaled(features.ncols(), scale)?;
        for (row, label) in features.row_iter().zip(labels) {
            gathered.add(row.iter().copied(), *label)?;
        }
        gathered.finish()
    }

    fn of_few(mut features: Matrix, labels: &[u32], scale: f64) -> Result<Self, Undefined> {
        let classes = classes_of(&features, labels);
        let mean = features.row_mean().transpose();
        for (mut column, mean) in features.column_iter_mut().zip(mean.iter()) {
            column.add_scalar_mut(-mean);
            if column.amax() <= CONSTANT * mean.abs() {
                column.fill(0.0);
            }
        }
        let gram = &features * features.transpose();
        Ok(Self {
            samples: features.nrows(),
            scale,
            classes,
            fourth: gram.diagonal().norm_squared(),
            side: Side::Samples {
                gram,
                labels: labels.to_vec(),
                along_mean: (&features * &mean).norm_squared(),
            },
            mean,
        })
    }

    /// Classes present.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes.len()
    }

    /// No feature varies.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        self.gram().trace() <= 0.0
    }

    pub(super) fn gram(&self) -> &Matrix {
        match &self.side {
            Side::Features(gram) | Side::Samples { gram, .. } => gram,
        }
    }

    /// `|X mean|²` of the centred features.
    pub(super) fn along_mean(&self) -> f64 {
        match &self.side {
            Side::Features(gram) => self.mean.dot(&(gram * &self.mean)),
            Side::Samples { along_mean, .. } => *along_mean,
        }
    }

    /// `Fᵀ F` of the features as they are, where that is the smaller product.
    pub(super) fn raw(&self) -> Option<Matrix> {
        let Side::Features(gram) = &self.side else { return None };
        Some(gram + &self.mean * self.mean.transpose() * self.samples as f64)
    }

    /// Decomposes the centred features.
    pub(super) fn spectral(&self) -> Result<Spectral, Undefined> {
        let Projected { sigma, along } = project(self.gram().clone(), self.sums())?;
        // With the samples on the smaller side, the singular values are still to be counted in.
        let scaled = |(x, sigma): (&f64, &f64)| match &self.side {
            Side::Features(_) => x * x,
            Side::Samples { .. } => x * x * sigma,
        };
        let sums = along.row_iter().map(|row| row.iter().zip(&sigma).map(scaled).collect());
        Ok(Spectral { sums: sums.collect(), sigma })
    }

    /// One row per class: the sum of its centred samples, or which samples are its own.
    fn sums(&self) -> Matrix {
        let side = self.gram().nrows();
        let mut sums = Matrix::zeros(self.classes.len(), side);
        for (mut row, class) in sums.row_iter_mut().zip(&self.classes) {
            match &self.side {
                Side::Features(_) => {
                    row.tr_copy_from(&((&class.mean - &self.mean) * class.count));
                }
                Side::Samples { labels, .. } => row.tr_copy_from(&member(labels, class.label)),
            }
        }
        sums
    }
}

impl Class {
    fn new(label: u32, features: usize) -> Self {
        let zeros = DVector::zeros(features);
        Self { label, count: 0.0, mean: zeros.clone(), squares: zeros }
    }

    /// Welford's update: no difference of large sums.
    fn add(&mut self, sample: impl Iterator<Item = f64>) {
        self.count += 1.0;
        for ((mean, squares), x) in self.mean.iter_mut().zip(self.squares.iter_mut()).zip(sample) {
            let before = x - *mean;
            *mean += before / self.count;
            *squares += before * (x - *mean);
        }
    }
}

/// 1 for the samples of a class, 0 for the others.
pub(super) fn member(labels: &[u32], class: u32) -> DVector<f64> {
    let member = labels.iter().map(|label| f64::from(u8::from(*label == class)));
    DVector::from_iterator(labels.len(), member)
}

fn classes_of(features: &Matrix, labels: &[u32]) -> Vec<Class> {
    let mut classes = std::collections::BTreeMap::new();
    for (row, label) in features.row_iter().zip(labels) {
        let class = classes.entry(*label).or_insert_with(|| Class::new(*label, features.ncols()));
        class.add(row.iter().copied());
    }
    classes.into_values().collect()
}

/// One label for each sample, and two samples at least.
pub(super) fn check_labels(features: &Matrix, labels: &[u32]) -> Result<(), Undefined> {
    if labels.len() != features.nrows() {
        let (labels, samples) = (labels.len(), features.nrows());
        return Err(Undefined(format!("{labels} labels for {samples} samples")));
    }
    if labels.len() < 2 {
        return Err(Undefined("fewer than two samples".to_owned()));
    }
    check_side(features.nrows().min(features.ncols()))
}

/// Bounds memory and time by the side of the matrix that is to be decomposed.
pub(super) fn check_side(side: usize) -> Result<(), Undefined> {
    if side == 0 {
        return Err(Undefined("no features".to_owned()));
    }
    if side > LARGEST {
        return Err(Undefined(format!(
            "more than {LARGEST} samples of more than {LARGEST} features: take fewer samples"
        )));
    }
    Ok(())
}
