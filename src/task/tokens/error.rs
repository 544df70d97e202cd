//! What can be wrong with tokens.

use crate::base::Digest;
use crate::base::record::RecordError;

/// Tokens that cannot be made or read, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The checksum does not hold.
    #[error("cut short or damaged")]
    Damaged,
    /// Written by another version, or not to be written.
    #[error(transparent)]
    Record(RecordError),
    /// Something else.
    #[error("not a token file")]
    NotTokens,
    /// Parts that do not fit together.
    #[error("no sound token file: {0}")]
    Unsound(String),
    /// Made by another extractor.
    #[error(
        "made by another extractor: sha256 {}, this program has {}",
        found.short(),
        wanted.short()
    )]
    OtherExtractor {
        /// In the tokens.
        found: Digest,
        /// This program's.
        wanted: Digest,
    },
    /// The task asks for a number.
    #[error("a task of real targets has no classes to make tokens of")]
    NoClasses,
    /// The extractor did not run.
    #[error("the extractor failed: {0}")]
    Extractor(String),
}

impl From<RecordError> for TokenError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Damaged(_) => Self::Damaged,
            RecordError::OtherSchema { .. } | RecordError::Codec(_) => Self::Record(error),
        }
    }
}

impl TokenError {
    /// Stable name, for scripts.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Damaged => "tokens-damaged",
            Self::Record(_) => "tokens-schema",
            Self::NotTokens => "tokens-unknown",
            Self::Unsound(_) => "tokens-unsound",
            Self::OtherExtractor { .. } => "tokens-extractor",
            Self::NoClasses => "tokens-no-classes",
            Self::Extractor(_) => "tokens-extraction",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Damaged | Self::Unsound(_) => {
                "copy it again, or build it again with `umbra task build`"
            }
            Self::Record(_) => "use the program that wrote it, or build the tokens again",
            Self::NoClasses => "tokens are for tasks with labels",
            Self::NotTokens => "name a file that `umbra task build` wrote",
            Self::OtherExtractor { .. } => {
                "build the tokens again with this program: those of different extractors do not compare"
            }
            Self::Extractor(_) => {
                "the program and the extractor in it do not fit together: install it again"
            }
        }
    }
}
