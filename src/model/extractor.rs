//! The general extractor that every build carries, demo or not: what task tokens are made with.

use super::zoo::candidate;
use super::{Candidate, Source};

const MODEL: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/onnx/ranker/extractor.onnx"));
const SIDECAR: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/onnx/ranker/extractor.toml"));

/// The extractor inside this program.
#[must_use]
pub fn extractor() -> Candidate {
    candidate("extractor", Source::Bundled(MODEL), MODEL, None, Some(Ok(SIDECAR.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extractor_is_small_and_sound() {
        let found = extractor();
        assert_eq!(found.rejection, None);
        assert!(found.bytes <= 400_000);
        assert_eq!(found.output_for_features().as_deref(), Some("features"));
    }
}
