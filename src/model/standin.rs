//! Stand-in until the room is built.

use super::{Candidate, Preprocess, Rejection, Source, Stage};

impl Candidate {
    /// Its bytes.
    ///
    /// # Errors
    /// A rejection.
    pub fn read(&self) -> Result<Vec<u8>, Rejection> {
        match &self.source {
            Source::Memory(bytes) => Ok(bytes.to_vec()),
            Source::File(path) => std::fs::read(path).map_err(|error| Rejection {
                stage: Stage::Read,
                reason: error.to_string(),
                help: None,
            }),
        }
    }

    /// From its sidecar.
    #[must_use]
    pub fn preprocess(&self) -> Option<Preprocess> {
        self.manifest.as_ref()?.preprocess.clone()
    }

    /// From its sidecar or card.
    #[must_use]
    pub fn output_for_features(&self) -> Option<String> {
        let named = self.manifest.as_ref().and_then(|m| m.outputs.as_ref()?.features.clone());
        named.or_else(|| self.card.as_ref()?.feature_tap.clone())
    }

    /// From its sidecar or card.
    #[must_use]
    pub fn output_for_scores(&self) -> Option<String> {
        let named = self.manifest.as_ref().and_then(|m| m.outputs.as_ref()?.scores.clone());
        named.or_else(|| Some(self.card.as_ref()?.outputs.first()?.name.clone()))
    }
}
