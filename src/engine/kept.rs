//! What an engine keeps of a model, so that its file need not be understood again.
//!
//! A kept form is sealed: it says which model it was made of, by which version of which
//! engine, for which instruction set and which wish, and carries a digest of itself. One that
//! is damaged, or belongs to anything else, is as good as none: the model is then loaded from
//! its file. What is inside is read by the engine like a file of a stranger.
//!
//! The digest is there against damage. It is a fast one, since SHA-256 takes longer on a
//! Cortex-A72 than what the form saves, and neither tells a forger, who would seal the form
//! again.

use rapidhash::v3::rapidhash_v3;
use serde::{Deserialize, Serialize};

use super::{Engine, EngineError, LoadOptions, Loaded};
use crate::base::Digest;

/// Counts changes of how forms are written down.
const SCHEMA: u32 = 1;

/// What is kept of one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept<'a> {
    /// Hash of the model's file.
    pub model: Digest,
    /// The sealed form of an earlier load; empty where there is none.
    #[serde(borrow, serialize_with = "whole")]
    pub sealed: &'a [u8],
}

/// A loaded model, and its sealed form where that is new.
pub type AndSealed = (Box<dyn Loaded>, Option<Vec<u8>>);

/// A sealed form.
#[derive(Serialize, Deserialize)]
struct Sealed<'a> {
    /// What it was made of, by whom and for what.
    key: Digest,
    /// Of `form`.
    digest: u64,
    #[serde(borrow, serialize_with = "whole")]
    form: &'a [u8],
}

fn whole<S: serde::Serializer>(form: &[u8], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_bytes(form)
}

/// Loads a validated model: from what was kept of it where that serves, else from its file.
/// The second is the sealed form to keep, where there is a new one.
///
/// # Errors
/// Those of [`Engine::load`].
pub fn load_kept(
    engine: &dyn Engine,
    model: &[u8],
    options: &LoadOptions,
    kept: Kept<'_>,
) -> Result<AndSealed, EngineError> {
    let key = key(engine, kept.model, options);
    let recalled = open(key, kept.sealed).and_then(|form| engine.recall(form, options));
    if let Some(loaded) = recalled {
        return Ok((loaded, None));
    }
    let loaded = engine.load(model, options)?;
    let sealed = loaded.keep().and_then(|form| seal(key, &form));
    Ok((loaded, sealed))
}

/// All that decides what an engine makes of a model. How many threads run it does not.
fn key(engine: &dyn Engine, model: Digest, options: &LoadOptions) -> Digest {
    let LoadOptions { outputs, input_shapes, threads: _ } = options;
    let engine = (engine.name(), engine.version(), engine.isa());
    let of = (SCHEMA, engine, model, outputs, input_shapes);
    Digest::of(&postcard::to_stdvec(&of).unwrap_or_default())
}

fn seal(key: Digest, form: &[u8]) -> Option<Vec<u8>> {
    postcard::to_stdvec(&Sealed { key, digest: rapidhash_v3(form), form }).ok()
}

/// The form inside, if it is whole and this key's.
fn open(key: Digest, sealed: &[u8]) -> Option<&[u8]> {
    let found: Sealed<'_> = postcard::from_bytes(sealed).ok()?;
    (found.key == key && rapidhash_v3(found.form) == found.digest).then_some(found.form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_changed_form_every_cut_and_every_other_key_is_refused() {
        let key = Digest::of(b"key");
        let sealed = seal(key, b"form").unwrap();
        assert_eq!(open(key, &sealed), Some(&b"form"[..]));
        assert_eq!(open(Digest::of(b"other"), &sealed), None);
        for bit in 0..sealed.len() * 8 {
            let mut bad = sealed.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            // A digit of a digest in upper case says the same.
            let found = open(key, &bad);
            assert!(found.is_none() || found == Some(b"form"), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert_eq!(open(key, &sealed[..length]), None);
        }
    }
}
