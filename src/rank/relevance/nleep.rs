//! N-LEEP: LEEP without a source head, from clusters of the features.
//!
//! Principal components of 80 % of the variance, a Gaussian mixture on them, LEEP of its
//! responsibilities (Li et al., CVPR 2021). A mixture hangs on its random start, and so do
//! published figures; here the seed is fixed, and equal features give an equal score.

use super::mixture::responsibilities;
use super::spectrum::{check_finite, eigen};
use super::{Matrix, Undefined, classes, leep, moments::check_labels};

/// Share of the variance that is kept.
const KEPT: f64 = 0.8;
/// Most responsibilities: 512 MiB in double precision.
const LARGEST: usize = 1 << 26;

/// N-LEEP of features (one sample per row), nats per sample, at most 0; higher is better.
///
/// The mixture has `max(min(C, N/5), N/10)` components. Another order of the samples is
/// another random start, hence another score.
///
/// # Errors
/// [`Undefined`] with fewer than ten samples or two classes, features that are all the same
/// or not finite, more than 4096 samples of more than 4096 features, or too many samples.
pub fn nleep(features: &Matrix, labels: &[u32], seed: u64) -> Result<f64, Undefined> {
    check_labels(features, labels)?;
    let present = classes(features, labels)?.len();
    check_finite(features)?;
    let samples = labels.len();
    let components = present.min(samples / 5).max(samples / 10);
    if components < 2 {
        return Err(Undefined("fewer than ten samples make no mixture".to_owned()));
    }
    if components.saturating_mul(samples) > LARGEST {
        return Err(Undefined("too many samples for a mixture: take fewer".to_owned()));
    }
    leep(&responsibilities(&principal(features)?, components, seed), labels)
}

/// Leading principal components, the first with a variance of 1.
fn principal(features: &Matrix) -> Result<Matrix, Undefined> {
    let same = || Undefined("the features of all samples are the same".to_owned());
    let largest = features.amax();
    if largest == 0.0 {
        return Err(same());
    }
    let mut centred = features / largest;
    for mut column in centred.column_iter_mut() {
        let mean = column.mean();
        column.add_scalar_mut(-mean);
        if column.amax() <= 1e-12 * mean.abs() {
            column.fill(0.0);
        }
    }
    let few = centred.nrows() <= centred.ncols();
    let gram = if few { &centred * centred.transpose() } else { centred.tr_mul(&centred) };
    let (sigma, vectors) = eigen(gram);
    let first = *sigma.first().ok_or_else(same)?;
    let mut left = KEPT * sigma.iter().sum::<f64>();
    let enough = sigma.iter().position(|sigma| {
        left -= sigma;
        left <= 0.0
    });
    let kept = enough.map_or(sigma.len(), |last| last + 1);
    let vectors = vectors.columns(0, kept).into_owned();
    let unit = (centred.nrows() as f64 / first).sqrt();
    if !few {
        return Ok(centred * vectors * unit);
    }
    let mut scores = vectors;
    for (mut column, sigma) in scores.column_iter_mut().zip(&sigma) {
        column *= sigma.sqrt() * unit;
    }
    Ok(scores)
}
