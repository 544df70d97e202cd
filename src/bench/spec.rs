//! Which part of a candidate would be deployed, hence is timed.

use crate::engine::PipelineSpec;
use crate::model::{Candidate, Head};

/// What would run: the features with the head that is given, or with one of so many
/// labels; otherwise the model's own scores; otherwise its first output. `None` where
/// no output is known.
#[must_use]
pub fn spec_for(
    candidate: &Candidate,
    head: Option<Head>,
    head_labels: Option<u32>,
) -> Option<PipelineSpec> {
    let features = candidate.output_for_features();
    let head = head.or_else(|| {
        let size = features.as_deref().and_then(|name| feature_size(candidate, name))?;
        stand_in(head_labels?, size)
    });
    let own = || {
        let first = || Some(candidate.card.as_ref()?.outputs.first()?.name.clone());
        candidate.output_for_scores().or_else(|| features.clone()).or_else(first)
    };
    let (output, head) = match (&features, head) {
        (Some(features), Some(head)) => (features.clone(), Some(head)),
        _ => (own()?, None),
    };
    let threads = candidate.config.threads;
    Some(PipelineSpec { preprocess: candidate.preprocess(), output, head, threads })
}

/// From the sidecar's golden vectors, else the card.
fn feature_size(candidate: &Candidate, name: &str) -> Option<usize> {
    let golden = candidate.manifest.iter().flat_map(|manifest| &manifest.golden);
    let known = golden.filter_map(|golden| golden.features.as_ref()).map(Vec::len).next();
    known.or_else(|| {
        let card = candidate.card.as_ref()?;
        let output = card.outputs.iter().find(|output| output.name == name);
        let product = output.and_then(|output| {
            output.shape.iter().map(|dim| dim.or(Some(1))).product::<Option<u64>>()
        });
        usize::try_from(card.feature_size.or(product)?).ok()
    })
}

/// Weights of a stand-in at most: its size comes from a file, its memory from us.
const LARGEST: usize = 1 << 24;

/// A head that costs what a fitted one costs; what it says means nothing.
fn stand_in(labels: u32, features: usize) -> Option<Head> {
    let count = labels as usize;
    let size = count.checked_mul(features).filter(|size| (1..=LARGEST).contains(size))?;
    Some(Head {
        labels: (0..labels).map(|label| label.to_string()).collect(),
        features,
        weights: vec![1.0 / features as f32; size],
        bias: vec![0.0; count],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stand_in_is_as_large_as_a_fitted_head_and_bounded() {
        let head = stand_in(3, 6).unwrap();
        assert_eq!((head.weights.len(), head.bias.len(), head.labels.len()), (18, 3, 3));
        assert_eq!(stand_in(0, 6), None);
        assert_eq!(stand_in(10, usize::MAX / 4), None);
    }
}
