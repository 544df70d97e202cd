//! H-score: how much of the features' variance is variance between classes.
//!
//! `H = tr(cov(F)⁺ cov(E[F|y]))` (Bao et al., ICIP 2019), with `0 <= H <= min(rank, C-1)`.
//! With fewer samples than features it is `C-1` for every model, whence the shrunk form:
//! the covariance of Ledoit and Wolf (2004) in its place (Ibrahim et al., 2022).

use super::{Matrix, Moments, Undefined, defined};

/// The H-score of features (one sample per row); higher is better, without a unit.
///
/// 0 with one class or constant features. With `N <= D + 1` samples in general position
/// it is `C - 1` whatever the features; use [`hscore_shrunk`] there.
///
/// # Errors
/// [`Undefined`] with fewer than two samples, a feature that is not finite, or more than
/// 4096 samples of more than 4096 features.
pub fn hscore(features: &Matrix, labels: &[u32]) -> Result<f64, Undefined> {
    Moments::of(features, labels)?.hscore()
}

/// The H-score with a Ledoit-Wolf covariance; compare only with its like.
///
/// # Errors
/// As [`hscore`].
pub fn hscore_shrunk(features: &Matrix, labels: &[u32]) -> Result<f64, Undefined> {
    Moments::of(features, labels)?.hscore_shrunk()
}

impl Moments {
    /// [`hscore`] of what was gathered.
    ///
    /// # Errors
    /// [`Undefined`] where the result is not finite.
    pub fn hscore(&self) -> Result<f64, Undefined> {
        if self.classes() < 2 {
            return Ok(0.0);
        }
        let spectral = self.spectral()?;
        let between = self.classes.iter().zip(&spectral.sums).map(|(class, sums)| {
            let whitened = sums.iter().zip(&spectral.sigma).map(|(sum, sigma)| sum / sigma);
            whitened.sum::<f64>() / class.count
        });
        defined(between.sum())
    }

    /// [`hscore_shrunk`] of what was gathered.
    ///
    /// # Errors
    /// As [`Moments::hscore`].
    pub fn hscore_shrunk(&self) -> Result<f64, Undefined> {
        let samples = self.samples as f64;
        let mean_variance = self.gram().trace() / samples / self.mean.len() as f64;
        if mean_variance <= 0.0 || self.classes() < 2 {
            return Ok(0.0);
        }
        let shrinkage = self.shrinkage();
        let spectral = self.spectral()?;
        let between = self.classes.iter().zip(&spectral.sums).map(|(class, sums)| {
            let whitened = sums.iter().zip(&spectral.sigma).map(|(sum, sigma)| {
                sum / ((1.0 - shrinkage) * sigma / samples + shrinkage * mean_variance)
            });
            whitened.sum::<f64>() / (samples * class.count)
        });
        defined((1.0 - shrinkage) * between.sum::<f64>())
    }

    /// The share of the identity in Ledoit and Wolf's covariance, 0 to 1.
    #[must_use]
    pub fn shrinkage(&self) -> f64 {
        let (samples, features) = (self.samples as f64, self.mean.len() as f64);
        let frobenius = self.gram().norm_squared() / (samples * samples);
        let mean_variance = self.gram().trace() / samples / features;
        let distance = frobenius / features - mean_variance * mean_variance;
        let noise = (self.fourth - samples * frobenius) / (samples * samples * features);
        // One feature, or a covariance that is the identity already.
        if distance <= f64::EPSILON * mean_variance * mean_variance {
            return if noise > 0.0 { 1.0 } else { 0.0 };
        }
        (noise / distance).clamp(0.0, 1.0)
    }
}
