//! Task tokens: what a task is about, in a few kilobytes and without its images.
//!
//! A token is the mean of what the general extractor sees in the samples of one class. A fleet is
//! sent tokens instead of photographs, and a learned ranker reads them. [`build`] runs the
//! extractor over a task's samples; [`TaskTokens::encode`] and [`TaskTokens::decode`] are the
//! file. The format and what a token still reveals: docs/task-tokens.md.
//!
//! Every feature vector is brought to length 1 before the mean is taken, so a prototype is never
//! longer than 1, and how much shorter it is says how far its samples lie apart.

mod apart;
mod build;
mod error;

use serde::{Deserialize, Serialize};

pub use build::build;
pub use error::TokenError;

pub use super::TaskKind;
use crate::base::Digest;
use crate::base::record::{self, RecordError};

/// Schema of the file.
const SCHEMA: u16 = 1;
/// First in the record, so that a record of another kind is told from a damaged one.
const FORMAT: &str = "umbra task tokens";

/// One class of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassToken {
    /// Its label.
    pub name: String,
    /// Samples behind it.
    pub samples: u32,
    /// Mean of its samples' features, each of length 1; as long as the extractor's output.
    pub prototype: Vec<f32>,
}

/// A task as a general extractor sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskTokens {
    /// What the task asks for.
    pub kind: TaskKind,
    /// The task's name.
    pub name: String,
    /// Hash of the task's labels and samples.
    pub task: Digest,
    /// Hash of the extractor's file. Tokens of different extractors do not compare.
    pub extractor: Digest,
    /// Values of a prototype.
    pub features: u32,
    /// The classes, in the task's order.
    pub classes: Vec<ClassToken>,
}

impl TaskTokens {
    /// The bytes of a token file.
    ///
    /// # Errors
    /// [`TokenError::Record`] where they cannot be encoded.
    pub fn encode(&self) -> Result<Vec<u8>, TokenError> {
        Ok(record::encode(SCHEMA, &(FORMAT, self))?)
    }

    /// The tokens in a file.
    ///
    /// # Errors
    /// [`TokenError`] says whether it is cut short or damaged, no token file, or of another schema.
    pub fn decode(bytes: &[u8]) -> Result<Self, TokenError> {
        if !bytes.is_empty() && !record::is_record(bytes) {
            return Err(TokenError::NotTokens);
        }
        let (format, found): (String, Self) = match record::decode(SCHEMA, bytes) {
            Err(RecordError::Codec(_)) => return Err(TokenError::NotTokens),
            other => other?,
        };
        if format != FORMAT {
            return Err(TokenError::NotTokens);
        }
        found.check()?;
        Ok(found)
    }

    /// Refuses tokens that this extractor did not make.
    ///
    /// # Errors
    /// [`TokenError::OtherExtractor`].
    pub fn made_by(&self, extractor: Digest) -> Result<(), TokenError> {
        if self.extractor == extractor {
            return Ok(());
        }
        Err(TokenError::OtherExtractor { found: self.extractor, wanted: extractor })
    }

    /// Samples of all classes.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.classes.iter().map(|class| u64::from(class.samples)).sum()
    }

    /// Whether the parts fit together: a checksum says only that nobody changed them since.
    fn check(&self) -> Result<(), TokenError> {
        if self.classes.len() < 2 {
            return Err(TokenError::Unsound("it has fewer than two classes".to_owned()));
        }
        for ClassToken { name, samples, prototype } in &self.classes {
            let sound = prototype.len() == self.features as usize
                && prototype.iter().all(|value| value.is_finite());
            if !sound || *samples == 0 || self.features == 0 {
                return Err(TokenError::Unsound(format!(
                    "the token of class {name:?} is empty, of another size or not finite"
                )));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> TaskTokens {
        let class = |name: &str, prototype: &[f32]| ClassToken {
            name: name.to_owned(),
            samples: 3,
            prototype: prototype.to_vec(),
        };
        TaskTokens {
            kind: TaskKind::Classification,
            name: "pets".to_owned(),
            task: Digest::of(b"task"),
            extractor: Digest::of(b"extractor"),
            features: 2,
            classes: vec![class("cat", &[1.0, 0.0]), class("dog", &[0.0, 0.8])],
        }
    }

    #[test]
    fn a_file_comes_back_and_its_faults_have_names() {
        let bytes = tokens().encode().unwrap();
        assert_eq!(TaskTokens::decode(&bytes).unwrap(), tokens());
        let code = |bytes: &[u8]| TaskTokens::decode(bytes).unwrap_err().code();
        assert_eq!(code(&bytes[..bytes.len() - 1]), "tokens-damaged");
        assert_eq!(code(&[]), "tokens-damaged");
        assert_eq!(code(b"schema = 1\n and so on, a text"), "tokens-unknown");
        let mut flipped = bytes.clone();
        flipped[20] ^= 1;
        assert_eq!(code(&flipped), "tokens-damaged");
        let another = record::encode(SCHEMA, &(7u32, "a record of something else")).unwrap();
        assert_eq!(code(&another), "tokens-unknown");
        let newer = record::encode(SCHEMA + 1, &(FORMAT, tokens())).unwrap();
        assert_eq!(code(&newer), "tokens-schema");
    }

    #[test]
    fn tokens_whose_parts_do_not_fit_together_are_refused() {
        let refused = |change: fn(&mut TaskTokens)| {
            let mut changed = tokens();
            change(&mut changed);
            TaskTokens::decode(&changed.encode().unwrap()).unwrap_err().code()
        };
        assert_eq!(refused(|tokens| tokens.classes.truncate(1)), "tokens-unsound");
        assert_eq!(refused(|tokens| tokens.features = 3), "tokens-unsound");
        assert_eq!(refused(|tokens| tokens.classes[1].prototype[0] = f32::NAN), "tokens-unsound");
        assert_eq!(refused(|tokens| tokens.classes[1].samples = 0), "tokens-unsound");
    }

    #[test]
    fn tokens_of_another_extractor_are_told() {
        assert_eq!(tokens().made_by(Digest::of(b"extractor")), Ok(()));
        let error = tokens().made_by(Digest::of(b"another")).unwrap_err();
        assert_eq!(error.code(), "tokens-extractor");
    }
}
