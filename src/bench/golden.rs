//! Golden vectors: does the pipeline compute what the model says?

use serde::{Deserialize, Serialize};

use crate::engine::PipelineSpec;
use crate::model::{Candidate, Golden, Head, Rejection, Stage};

/// A picture and what must come out of the pipeline for it.
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
    golden.filter_map(|golden| expected(golden, spec, is_features, is_scores)).collect()
}

fn expected(
    golden: &Golden,
    spec: &PipelineSpec,
    is_features: bool,
    is_scores: bool,
) -> Option<Expected> {
    let features = golden.features.as_ref().filter(|_| is_features);
    let values = features.or(golden.logits.as_ref().filter(|_| is_scores))?;
    let (seed, tolerance) = (golden.seed, golden.tolerance);
    Some(match &spec.head {
        None => Expected { seed, tolerance, values: values.clone() },
        // A head can make an accepted difference larger, by its row's absolute sum at most.
        Some(head) => {
            let gain = rows(head).map(|(row, _)| row.iter().map(|w| w.abs()).sum::<f32>());
            let tolerance = tolerance * gain.fold(1.0, f32::max);
            Expected { seed, tolerance, values: apply(head, values) }
        }
    })
}

fn rows(head: &Head) -> impl Iterator<Item = (&[f32], f32)> {
    head.weights.chunks(head.features.max(1)).zip(head.bias.iter().copied())
}

fn apply(head: &Head, features: &[f32]) -> Vec<f32> {
    let dot = |row: &[f32]| row.iter().zip(features).map(|(w, f)| w * f).sum::<f32>();
    rows(head).map(|(row, bias)| dot(row) + bias).collect()
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
    match worst {
        Some((at, pair)) if distance(pair) > expected.tolerance => Err(wrong(format!(
            "output {at} is {}, the golden vector says {} (tolerance {})",
            pair.1, pair.0, expected.tolerance
        ))),
        _ => Ok(()),
    }
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
    fn a_head_carries_the_expectation_over() {
        let head = Head {
            labels: vec!["a".into(), "b".into()],
            features: 2,
            weights: vec![1.0, -3.0, 0.5, 0.5],
            bias: vec![10.0, 0.0],
        };
        let golden =
            Golden { seed: 5, tolerance: 0.1, logits: None, features: Some(vec![2.0, 1.0]) };
        let spec =
            PipelineSpec { preprocess: None, output: "f".into(), head: Some(head), threads: 1 };
        let found = expected(&golden, &spec, true, false).unwrap();
        assert_eq!(found.values, [9.0, 1.5]);
        assert!((found.tolerance - 0.4).abs() < 1e-6);
        assert_eq!(expected(&golden, &spec, false, true), None);
    }
}
