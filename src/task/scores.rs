//! What the scores say of a candidate on the samples, with how far to trust each of them.

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use super::{Estimate, Undefined};

/// A score of all samples, and of random halves of them. The halves are the same for every
/// candidate, so what one half says of two candidates belongs together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// Of all samples.
    pub value: f64,
    /// Of each half. A candidate whose score is dear has fewer, the first ones.
    pub halves: Vec<f32>,
}

impl Scored {
    /// The score with a 95 % interval: the delete-half jackknife.
    #[must_use]
    pub fn estimate(&self) -> Estimate {
        let reach = 1.96 * deviation(&self.halves);
        Estimate { value: self.value, low: self.value - reach, high: self.value + reach }
    }
}

/// Standard deviation; 0 of fewer than two values.
fn deviation(values: &[f32]) -> f64 {
    let count = values.len() as f64;
    let values = || values.iter().map(|value| f64::from(*value));
    let mean = values().sum::<f64>() / count.max(1.0);
    let squares: f64 = values().map(|value| (value - mean).powi(2)).sum();
    (squares / (count - 1.0).max(1.0)).sqrt()
}

/// One score, or why it abstains.
pub type Judged = Result<Scored, Undefined>;

/// What each score says; higher is better in all of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Exact LogME of the features, nats per sample.
    pub logme: Judged,
    /// H-score of the features with a shrunk covariance.
    pub hscore: Judged,
    /// Negative conditional entropy of the labels given the source class that the model's own
    /// head names, nats.
    pub nce: Judged,
}

impl Scores {
    /// No score at all, for one reason.
    #[must_use]
    pub fn none(why: &str) -> Self {
        let none = || Err(Undefined(why.to_owned()));
        Self { logme: none(), hscore: none(), nce: none() }
    }
}

/// What a candidate gave for the samples, in their order.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// One sample per row, if it gives any.
    pub features: Option<&'a DMatrix<f64>>,
    /// The source class that the model's own head names, if it has one.
    pub named: Option<&'a [u32]>,
    /// The task's label of each sample.
    pub labels: &'a [u32],
    /// The real target of each sample; none where the labels are what is asked for.
    pub targets: &'a [f64],
}

/// Scores what a candidate gave: handed in from the floor that has the formulas.
pub type Score<'a> = &'a dyn Fn(&Given<'_>) -> Scores;
