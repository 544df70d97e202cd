//! Moments gathered sample by sample.
//!
//! Blocks of samples are merged into what was gathered before by the pairwise update of
//! Chan, Golub and LeVeque (1979), extended to the third and fourth moment of the distance
//! from the mean: all sums are around a mean, so features far from zero lose no digits.

use std::collections::BTreeMap;

use nalgebra::DVector;

use super::{CONSTANT, Class, Moments, Side, check_side};
use crate::rank::relevance::{Matrix, Undefined};

/// Samples merged at once: a product of matrices is much faster than as many of vectors.
const BLOCK: usize = 64;

/// Gathers [`Moments`] of samples that come one after the other.
///
/// Holds D² + 2CD + 64 D numbers for D features and C classes, whatever the number of
/// samples. For more samples than features; with fewer it is correct, but not cheap.
#[derive(Debug, Clone)]
pub struct Accumulator {
    features: usize,
    scale: f64,
    /// Samples not merged yet, one after the other.
    waiting: Vec<f64>,
    classes: BTreeMap<u32, Class>,
    count: f64,
    mean: DVector<f64>,
    /// Sum of `d dᵀ` over deviations `d` from the mean.
    scatter: Matrix,
    /// Sum of `|d|² d`.
    third: DVector<f64>,
    /// Sum of `|d|⁴`.
    fourth: f64,
}

impl Accumulator {
    /// For samples of so many features.
    ///
    /// # Errors
    /// [`Undefined`] with no features, or more than 4096.
    pub fn new(features: usize) -> Result<Self, Undefined> {
        Self::scaled(features, 1.0)
    }

    /// The same; features are divided by a scale.
    pub(super) fn scaled(features: usize, scale: f64) -> Result<Self, Undefined> {
        check_side(features)?;
        Ok(Self {
            features,
            scale,
            waiting: Vec::with_capacity(BLOCK * features),
            classes: BTreeMap::new(),
            count: 0.0,
            mean: DVector::zeros(features),
            scatter: Matrix::zeros(features, features),
            third: DVector::zeros(features),
            fourth: 0.0,
        })
    }

    /// Adds a sample.
    ///
    /// # Errors
    /// [`Undefined`] where it has another number of features, or one that is not finite;
    /// it is then not added.
    pub fn add(
        &mut self,
        sample: impl IntoIterator<Item = f64>,
        label: u32,
    ) -> Result<(), Undefined> {
        let from = self.waiting.len();
        self.waiting.extend(sample.into_iter().map(|x| x / self.scale));
        let sample = self.waiting.get(from..).unwrap_or_default();
        let number = self.count as usize + from / self.features;
        let wrong = if sample.len() != self.features {
            Some(format!("sample {number} has {} features, not {}", sample.len(), self.features))
        } else {
            let at = sample.iter().position(|x| !x.is_finite());
            at.map(|index| format!("non-finite feature {index} of sample {number}"))
        };
        if let Some(wrong) = wrong {
            self.waiting.truncate(from);
            return Err(Undefined(wrong));
        }
        let class = self.classes.entry(label).or_insert_with(|| Class::new(label, self.features));
        class.add(sample.iter().copied());
        if self.waiting.len() == BLOCK * self.features {
            self.merge();
        }
        Ok(())
    }

    /// What was gathered.
    ///
    /// # Errors
    /// [`Undefined`] with fewer than two samples, or features whose squares overflow.
    pub fn finish(mut self) -> Result<Moments, Undefined> {
        self.merge();
        if self.count < 2.0 {
            return Err(Undefined("fewer than two samples".to_owned()));
        }
        if !self.fourth.is_finite() || self.scatter.iter().any(|x| !x.is_finite()) {
            return Err(Undefined("features so large that their powers overflow".to_owned()));
        }
        let mut scatter = self.scatter;
        for (at, mean) in self.mean.iter().enumerate() {
            let varies = scatter.column(at).get(at).copied().unwrap_or(0.0);
            if varies <= self.count * (CONSTANT * mean).powi(2) {
                scatter.column_mut(at).fill(0.0);
                scatter.row_mut(at).fill(0.0);
            }
        }
        Ok(Moments {
            samples: self.count as usize,
            scale: self.scale,
            mean: self.mean,
            classes: self.classes.into_values().collect(),
            fourth: self.fourth,
            side: Side::Features(scatter),
        })
    }

    fn merge(&mut self) {
        let columns = self.waiting.len() / self.features;
        if columns == 0 {
            return;
        }
        let mut block = Matrix::from_column_slice(self.features, columns, &self.waiting);
        self.waiting.clear();
        let (before, count) = (self.count, columns as f64);
        let mean = block.column_mean();
        for mut sample in block.column_iter_mut() {
            sample -= &mean;
        }
        let apart = mean - &self.mean;
        let (mine, its) =
            (&apart * (count / (before + count)), &apart * (-before / (before + count)));
        let own = self.shifted(&mine);
        let other = Shift::of_block(&block, &its);
        (self.third, self.fourth) = (own.third + other.third, own.fourth + other.fourth);
        self.scatter.gemm(1.0, &block, &block.transpose(), 1.0);
        self.scatter.ger(before * count / (before + count), &apart, &apart, 1.0);
        self.mean += mine;
        self.count += count;
    }

    fn shifted(&self, by: &DVector<f64>) -> Shift {
        let scattered = &self.scatter * by;
        Shift::by(by, self.count, &self.third, self.fourth, self.scatter.trace(), &scattered)
    }
}

/// Third and fourth moments around another mean.
struct Shift {
    third: DVector<f64>,
    fourth: f64,
}

impl Shift {
    /// From those around the own mean, with the trace of the scatter and its product with `by`.
    fn by(
        by: &DVector<f64>,
        count: f64,
        third: &DVector<f64>,
        fourth: f64,
        trace: f64,
        scattered: &DVector<f64>,
    ) -> Self {
        let square = by.norm_squared();
        Self {
            third: third - by * (trace + count * square) - scattered * 2.0,
            fourth: fourth - 4.0 * by.dot(third)
                + 4.0 * by.dot(scattered)
                + 2.0 * square * trace
                + count * square * square,
        }
    }

    /// Of centred samples, one per column.
    fn of_block(block: &Matrix, by: &DVector<f64>) -> Self {
        let squares = DVector::from_iterator(
            block.ncols(),
            block.column_iter().map(|sample| sample.norm_squared()),
        );
        let scattered = block * block.tr_mul(by);
        let count = block.ncols() as f64;
        Self::by(by, count, &(block * &squares), squares.norm_squared(), squares.sum(), &scattered)
    }
}
