//! LogME: the log evidence of a linear model on frozen features, per sample.
//!
//! For every class, `y ~ N(0, I/β + F Fᵀ/α)` with the 0/1 target of that class; the
//! score is the mean over the classes present of the evidence at its best α and β, in
//! nats per sample (You et al., ICML 2021). The published fixed point may diverge and
//! is wrong where there are fewer samples than features, which is just the case on a
//! device; here the evidence is a function of λ = α/β alone and is maximised by a
//! grid and a golden section, which cannot diverge.

use super::moments::{check_side, member};
use super::project::{Projected, project};
use super::spectrum::check_finite;
use super::{Matrix, Moments, Undefined, classes, defined};

/// A residual below this share of `yᵀy` is a perfect fit; the floor keeps the evidence finite.
const RESIDUAL_FLOOR: f64 = 1e-12;
const LN_TWO_PI: f64 = 1.837_877_066_409_345_5;
const GRID: u32 = 129;
/// No factor is over `1 + 1e8`: another fits.
const MANY_FACTORS: f64 = 1e250;
/// `ln 1e8`: λ is searched this far to both sides of the largest eigenvalue.
const REACH: f64 = 18.420_680_743_952_367;

/// The evidence of one target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TargetEvidence {
    /// Nats per sample.
    pub evidence: f64,
    /// Precision of the weights.
    pub alpha: f64,
    /// Precision of the noise.
    pub beta: f64,
    /// The fit was perfect: the value is set by the residual floor.
    pub saturated: bool,
    /// The features explain nothing: the best weights are zero.
    pub uninformative: bool,
}

/// Exact LogME of features (one sample per row) for class labels.
///
/// # Errors
/// [`Undefined`] with fewer than two samples or classes, or a feature that is not finite.
pub fn logme(features: &Matrix, labels: &[u32]) -> Result<f64, Undefined> {
    let per_class = logme_per_class(features, labels)?;
    defined(mean(per_class.iter().map(|(_, evidence)| evidence.evidence)))
}

/// The evidence of every class present, by class.
///
/// # Errors
/// As [`logme`].
pub fn logme_per_class(
    features: &Matrix,
    labels: &[u32],
) -> Result<Vec<(u32, TargetEvidence)>, Undefined> {
    let present = classes(features, labels)?;
    if features.nrows() > features.ncols() {
        return Moments::of(features, labels)?.logme_per_class();
    }
    let mut targets = Matrix::zeros(present.len(), labels.len());
    for (mut row, class) in targets.row_iter_mut().zip(&present) {
        row.tr_copy_from(&member(labels, *class));
    }
    Ok(present.into_iter().zip(evidence(features, targets)?).collect())
}

impl Moments {
    /// [`logme`] of what was gathered, for more samples than features.
    ///
    /// # Errors
    /// As [`Moments::logme_per_class`].
    pub fn logme(&self) -> Result<f64, Undefined> {
        let per_class = self.logme_per_class()?;
        defined(mean(per_class.iter().map(|(_, evidence)| evidence.evidence)))
    }

    /// [`logme_per_class`] of what was gathered, for more samples than features.
    ///
    /// # Errors
    /// [`Undefined`] with fewer than two classes, or moments of few samples, whose features
    /// are not known any more.
    pub fn logme_per_class(&self) -> Result<Vec<(u32, TargetEvidence)>, Undefined> {
        if self.classes() < 2 {
            return Err(Undefined("fewer than two classes present".to_owned()));
        }
        let raw = self.raw().ok_or_else(|| Undefined("fewer samples than features".to_owned()))?;
        let mut sums = Matrix::zeros(self.classes(), raw.nrows());
        for (mut row, class) in sums.row_iter_mut().zip(&self.classes) {
            // The products of the features with the 0/1 target are the class's sum.
            row.tr_copy_from(&(&class.mean * class.count));
        }
        let Projected { sigma, along } = project(raw, sums)?;
        let per_class = self.classes.iter().zip(along.row_iter()).map(|(class, along)| {
            let each = along.iter().zip(&sigma).map(|(x, sigma)| x * x / sigma);
            let problem = Problem::new(self.samples, &sigma, each.collect(), class.count);
            (class.label, problem.maximise(self.scale))
        });
        Ok(per_class.collect())
    }
}

/// The evidence of one real-valued target.
///
/// # Errors
/// As [`logme`], and a target that is constant zero or not finite.
pub fn logme_regression(features: &Matrix, target: &[f64]) -> Result<TargetEvidence, Undefined> {
    check_targets(features, &Matrix::from_column_slice(target.len(), 1, target))?;
    let target = Matrix::from_row_slice(1, target.len(), target);
    let found = evidence(features, target)?.pop();
    found.ok_or_else(|| Undefined("no target".to_owned()))
}

/// LogME of several real-valued targets, one per column: the mean of their evidence.
///
/// # Errors
/// As [`logme_regression`], for any of them, and with no targets.
pub fn logme_targets(features: &Matrix, targets: &Matrix) -> Result<f64, Undefined> {
    check_targets(features, targets)?;
    let found = evidence(features, targets.transpose())?;
    defined(mean(found.iter().map(|target| target.evidence)))
}

fn check_targets(features: &Matrix, targets: &Matrix) -> Result<(), Undefined> {
    let (rows, samples) = (targets.nrows(), features.nrows());
    if rows != samples {
        return Err(Undefined(format!("{rows} targets for {samples} samples")));
    }
    if rows < 2 {
        return Err(Undefined("fewer than two samples".to_owned()));
    }
    let empty = |column: nalgebra::MatrixView<'_, f64, nalgebra::Dyn, nalgebra::U1>| {
        column.iter().any(|value| !value.is_finite()) || column.amax() == 0.0
    };
    if targets.ncols() == 0 || targets.column_iter().any(empty) {
        return Err(Undefined("targets that are all zero or not finite".to_owned()));
    }
    Ok(())
}

/// The evidence of each target, a row.
fn evidence(features: &Matrix, targets: Matrix) -> Result<Vec<TargetEvidence>, Undefined> {
    check_finite(features)?;
    check_side(features.nrows().min(features.ncols()))?;
    let largest = features.amax();
    let scale = if largest > 0.0 { largest } else { 1.0 };
    let scaled = features / scale;
    let energies: Vec<f64> = targets.row_iter().map(|target| target.norm_squared()).collect();
    let wide = scaled.nrows() <= scaled.ncols();
    let Projected { sigma, along } = if wide {
        project(&scaled * scaled.transpose(), targets)?
    } else {
        project(scaled.tr_mul(&scaled), targets * &scaled)?
    };
    let of = |(along, energy): (nalgebra::MatrixView1xX<'_, f64, _, _>, f64)| {
        let each = along.iter().zip(&sigma);
        let each = each.map(|(x, sigma)| if wide { x * x } else { x * x / sigma }).collect();
        Problem::new(features.nrows(), &sigma, each, energy).maximise(scale)
    };
    Ok(along.row_iter().zip(energies).map(of).collect())
}

/// What the evidence of one target depends on, apart from λ.
struct Problem<'a> {
    samples: f64,
    sigma: &'a [f64],
    projections: Vec<f64>,
    residual: f64,
    saturated: bool,
}

impl<'a> Problem<'a> {
    /// `energy` is `yᵀy` of the target, `projections` its part along each eigenvector.
    fn new(samples: usize, sigma: &'a [f64], projections: Vec<f64>, energy: f64) -> Self {
        let floor = RESIDUAL_FLOOR * energy;
        let residual = energy - projections.iter().sum::<f64>();
        Self {
            samples: samples as f64,
            sigma,
            projections,
            residual: residual.max(floor),
            saturated: residual <= floor,
        }
    }

    /// Noise variance and log evidence at the best β for this λ.
    fn at(&self, ln_lambda: f64) -> (f64, f64) {
        let lambda = ln_lambda.exp();
        let (mut explained, mut ln_determinant, mut product) = (0.0, 0.0, 1.0);
        for (sigma, x) in self.sigma.iter().zip(&self.projections) {
            let q = 1.0 + sigma / lambda;
            explained += x / q;
            // A logarithm is dear; λ is bounded, so many factors fit into one number.
            product *= q;
            if product > MANY_FACTORS {
                ln_determinant += f64::ln(product);
                product = 1.0;
            }
        }
        ln_determinant += product.ln();
        let variance = (self.residual + explained) / self.samples;
        let twice = self.samples * (LN_TWO_PI + 1.0 + variance.ln()) + ln_determinant;
        (variance, -0.5 * twice)
    }

    /// The best evidence; features were divided by `scale`.
    fn maximise(&self, scale: f64) -> TargetEvidence {
        let Some(largest) = self.sigma.first() else {
            let (variance, evidence) = self.at(0.0);
            return TargetEvidence {
                evidence: evidence / self.samples,
                alpha: f64::INFINITY,
                beta: 1.0 / variance,
                saturated: false,
                uninformative: true,
            };
        };
        let (from, to) = (largest.ln() - REACH, largest.ln() + REACH);
        let best = search(from, to, &|ln_lambda| self.at(ln_lambda).1);
        let (variance, evidence) = self.at(best);
        TargetEvidence {
            evidence: evidence / self.samples,
            alpha: best.exp() / variance * scale.powi(2),
            beta: 1.0 / variance,
            saturated: self.saturated,
            uninformative: best >= to - (to - from) / f64::from(GRID - 1),
        }
    }
}

/// The best of a grid, refined by a golden section in the cells around it.
fn search(from: f64, to: f64, f: &dyn Fn(f64) -> f64) -> f64 {
    let step = (to - from) / f64::from(GRID - 1);
    let mut best = (from, f(from));
    for cell in 1..GRID {
        let x = from + step * f64::from(cell);
        let y = f(x);
        if y > best.1 {
            best = (x, y);
        }
    }
    let refined = golden((best.0 - step).max(from), (best.0 + step).min(to), f);
    if f(refined) > best.1 { refined } else { best.0 }
}

fn golden(mut from: f64, mut to: f64, f: &dyn Fn(f64) -> f64) -> f64 {
    const RATIO: f64 = 0.618_033_988_749_894_9;
    let (mut a, mut b) = (to - RATIO * (to - from), from + RATIO * (to - from));
    let (mut at_a, mut at_b) = (f(a), f(b));
    // 60 steps shrink a cell of 0.6 below 1e-12.
    for _ in 0..60 {
        if at_a >= at_b {
            (to, b, at_b) = (b, a, at_a);
            a = to - RATIO * (to - from);
            at_a = f(a);
        } else {
            (from, a, at_a) = (a, b, at_b);
            b = from + RATIO * (to - from);
            at_b = f(b);
        }
    }
    f64::midpoint(from, to)
}

pub(super) fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len().max(1);
    values.sum::<f64>() / count as f64
}
