//! GBC: how little the classes overlap, as Gaussians with diagonal covariance.
//!
//! `-Σ exp(-B_ij)` over ordered pairs of classes, `B` being the Bhattacharyya distance
//! (Pándy et al., CVPR 2022), all in logarithms: the determinants of the published code
//! overflow and give values far outside of the bound `|GBC| <= C(C-1)`. Not invariant to
//! the scale of the features: variances have a floor, which is added.

use super::moments::Class;
use super::{Matrix, Moments, Undefined, defined};

/// Added to every variance of a feature within a class.
const FLOOR: f64 = 1e-6;

/// GBC of features (one sample per row), `-C(C-1)` to 0; higher is better.
///
/// 0 with one class. Variances are biased (divided by the number of samples).
///
/// # Errors
/// [`Undefined`] with fewer than two samples, a feature that is not finite, or more than
/// 4096 samples of more than 4096 features.
pub fn gbc(features: &Matrix, labels: &[u32]) -> Result<f64, Undefined> {
    Moments::of(features, labels)?.gbc()
}

impl Moments {
    /// [`gbc`] of what was gathered.
    ///
    /// # Errors
    /// [`Undefined`] where squares of features overflow.
    pub fn gbc(&self) -> Result<f64, Undefined> {
        let square = self.scale * self.scale;
        let mut overlap = 0.0;
        for (at, one) in self.classes.iter().enumerate() {
            for other in self.classes.iter().skip(at + 1) {
                overlap += 2.0 * (-distance(one, other, square)).exp();
            }
        }
        defined(0.0 - overlap)
    }
}

/// Bhattacharyya distance; squares of features are in units of `square`.
fn distance(one: &Class, other: &Class, square: f64) -> f64 {
    let one_each = one.mean.iter().zip(one.squares.iter());
    let other_each = other.mean.iter().zip(other.squares.iter());
    let per_feature = one_each.zip(other_each).map(|((m, s), (n, t))| {
        let v = s / one.count * square + FLOOR;
        let w = t / other.count * square + FLOOR;
        let between = f64::midpoint(v, w);
        (m - n).powi(2) * square / (8.0 * between) + 0.5 * (between.ln() - 0.5 * (v.ln() + w.ln()))
    });
    per_feature.sum()
}
