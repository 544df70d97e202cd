//! Golden vectors: does the engine compute what the model's maker says?
//!
//! Compared is the output in use itself, features or scores, every element of it; a head
//! that stands behind it would hide most of what can be wrong.

use serde::{Deserialize, Serialize};

use crate::engine::PipelineSpec;
use crate::model::{Candidate, Golden, Rejection, Stage};

/// A picture and what must come out of the model for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Expected {
    /// Of the picture.
    pub(super) seed: u64,
    /// Largest absolute difference accepted.
    pub(super) tolerance: f32,
    /// What must come out.
    pub(super) values: Vec<f32>,
}

/// What the sidecar says of the output in use.
pub(super) fn expectations(candidate: &Candidate, spec: &PipelineSpec) -> Vec<Expected> {
    let is_features = candidate.output_for_features().as_ref() == Some(&spec.output);
    let is_scores = candidate.output_for_scores().as_ref() == Some(&spec.output);
    let golden = candidate.manifest.iter().flat_map(|manifest| &manifest.golden);
    golden.filter_map(|golden| expected(golden, is_features, is_scores)).collect()
}

fn expected(golden: &Golden, is_features: bool, is_scores: bool) -> Option<Expected> {
    let features = golden.features.as_ref().filter(|_| is_features);
    let values = features.or(golden.logits.as_ref().filter(|_| is_scores))?.clone();
    Some(Expected { seed: golden.seed, tolerance: golden.tolerance, values })
}

/// Compares values; not their order, which hides what is wrong.
///
/// # Errors
/// A [`Rejection`] of stage [`Stage::Golden`] that names the worst value.
pub(super) fn check(expected: &Expected, found: &[f32]) -> Result<(), Rejection> {
    if found.len() != expected.values.len() {
        let (found, wanted) = (found.len(), expected.values.len());
        return Err(wrong(format!("{found} values come out, the golden vector has {wanted}")));
    }
    let pairs = expected.values.iter().zip(found).enumerate();
    let worst = pairs.max_by(|a, b| distance(a.1).total_cmp(&distance(b.1)));
    // A tolerance that is no number accepts nothing.
    match worst.filter(|(_, pair)| !is_within(*pair, expected.tolerance)) {
        Some((at, pair)) => Err(wrong(format!(
            "output {at} is {}, the golden vector says {} (tolerance {})",
            pair.1, pair.0, expected.tolerance
        ))),
        None => Ok(()),
    }
}

fn is_within(pair: (&f32, &f32), tolerance: f32) -> bool {
    distance(pair) <= tolerance
}

/// Anything compared with a value that is none is infinitely far away.
fn distance((wanted, found): (&f32, &f32)) -> f32 {
    let distance = (wanted - found).abs();
    if distance.is_nan() { f32::INFINITY } else { distance }
}

fn wrong(reason: String) -> Rejection {
    let help = "The engine computes something else than this file says: use another export of \
                the model (float32, or QDQ), or correct the sidecar's golden vectors.";
    Rejection { stage: Stage::Golden, reason, help: Some(help.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_compared_and_the_worst_is_named() {
        let expected = Expected { seed: 0, tolerance: 0.1, values: vec![1.0, 2.0, 3.0] };
        assert_eq!(check(&expected, &[1.05, 1.95, 3.0]), Ok(()));
        let refused = check(&expected, &[1.2, 2.5, 3.0]).unwrap_err();
        assert!(refused.reason.contains("output 1 is 2.5"), "{}", refused.reason);
        assert!(check(&expected, &[1.0, f32::NAN, 3.0]).is_err());
        assert!(check(&expected, &[1.0, 2.0]).is_err());
    }

    #[test]
    fn a_tolerance_that_is_no_number_accepts_nothing() {
        let expected = Expected { seed: 0, tolerance: f32::NAN, values: vec![1.0] };
        assert!(check(&expected, &[1.0]).is_err());
    }

    #[test]
    fn the_vector_is_that_of_the_output_in_use() {
        let (logits, features) = (Some(vec![1.0]), Some(vec![2.0, 3.0]));
        let golden = Golden { seed: 5, tolerance: 0.1, logits, features };
        let values = |features, scores| Some(expected(&golden, features, scores)?.values);
        assert_eq!(values(true, false), Some(vec![2.0, 3.0]));
        assert_eq!(values(false, true), Some(vec![1.0]));
        assert_eq!(values(false, false), None);
    }
}
