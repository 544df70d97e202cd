//! Label-feature correlation: do samples of one class have similar features?
//!
//! Pearson's correlation over all ordered pairs of samples (a sample with itself included)
//! between the products `f_i · f_j` and 1 for the same class, -1 for others (Deshpande et
//! al., 2021). Both sums over pairs follow from the scatter and the class means, so the
//! N x N matrices of the definition are never built.

use super::{Matrix, Moments, Undefined, defined};

/// LFC of features (one sample per row), -1 to 1; higher is better.
///
/// # Errors
/// [`Undefined`] with fewer than two samples or classes, features that are all the same or
/// not finite, or more than 4096 samples of more than 4096 features.
pub fn lfc(features: &Matrix, labels: &[u32]) -> Result<f64, Undefined> {
    Moments::of(features, labels)?.lfc()
}

impl Moments {
    /// [`lfc`] of what was gathered.
    ///
    /// # Errors
    /// [`Undefined`] with one class, or features that are all the same.
    pub fn lfc(&self) -> Result<f64, Undefined> {
        if self.classes() < 2 {
            return Err(Undefined("fewer than two classes present".to_owned()));
        }
        let samples = self.samples as f64;
        let products = self.gram().norm_squared() + 2.0 * samples * self.along_mean();
        if products <= 0.0 {
            return Err(Undefined("the features of all samples are the same".to_owned()));
        }
        let mut together = 0.0;
        let mut same = 0.0;
        for class in &self.classes {
            let apart = &class.mean - &self.mean;
            let pairs = class.count * class.count;
            together += pairs * (2.0 * self.mean.dot(&apart) + apart.norm_squared());
            same += pairs;
        }
        let balance = (2.0 * same - samples * samples) / samples;
        let labels = samples * samples - balance * balance;
        defined(2.0 * together / (products * labels).sqrt())
    }
}
