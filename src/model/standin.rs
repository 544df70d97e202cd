//! Stand-in until the room is built.

use super::{Candidate, Image, Preprocess, Rejection, Source, Stage};

/// A picture of noise.
#[must_use]
pub fn golden_image(seed: u64, height: u32, width: u32, channels: u32) -> Image {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 56) as u8
    };
    let pixels =
        (0..height as usize * width as usize * channels as usize).map(|_| next()).collect();
    Image { height, width, channels, pixels }
}

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
