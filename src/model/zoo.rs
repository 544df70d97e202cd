//! A zoo: folders and files that hold candidates, and the one inside this program.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use prost::Message as _;

use super::validate::{Valid, validated};
use super::{
    Affinity, Candidate, Config, Manifest, ModelError, Rejection, Source, Stage, card, demo,
    sidecar,
};
use crate::base::{Digest, parallel};

/// Largest model file that is read.
const LARGEST_FILE: u64 = 1 << 30;
/// Largest sidecar that is read.
const LARGEST_SIDECAR: u64 = 4 << 20;

/// Opens files and folders (a folder is its `*.onnx`, sorted). Every file becomes a candidate; a
/// broken one carries its rejection.
///
/// # Errors
/// [`ModelError`] if a path is missing or unreadable, or a folder holds no model.
pub fn open(paths: &[PathBuf]) -> Result<Vec<Candidate>, ModelError> {
    if paths.is_empty() {
        return Err(ModelError::NothingNamed);
    }
    let mut files = Vec::new();
    for path in paths {
        files.extend(models_at(path)?);
    }
    let mut candidates = parallel::map(&files, |file| from_file(file));
    refuse_repeated_ids(&mut candidates);
    Ok(candidates)
}

/// The zoo inside this program; empty without feature `demo`.
#[must_use]
pub fn bundled() -> Vec<Candidate> {
    let sidecar = |id: &str| {
        let name = format!("{id}.toml");
        let found = demo::DEMO_ZOO.iter().find(|(file, _)| *file == name);
        found.map(|(_, bytes)| Ok(String::from_utf8_lossy(bytes).into_owned()))
    };
    let files = demo::DEMO_ZOO.iter();
    let models: Vec<(&str, &'static [u8])> =
        files.filter_map(|(file, bytes)| Some((file.strip_suffix(".onnx")?, *bytes))).collect();
    parallel::map(&models, |(id, bytes)| {
        candidate(id, Source::Bundled(bytes), bytes, None, sidecar(id))
    })
}

/// The micro-models that tell how fast a board does what, inside every build.
#[must_use]
pub fn probes() -> Vec<Candidate> {
    let files = demo::PROBES.iter();
    let models = files.filter_map(|(file, bytes)| Some((file.strip_suffix(".onnx")?, *bytes)));
    models.map(|(id, bytes)| candidate(id, Source::Bundled(bytes), bytes, None, None)).collect()
}

/// Which probes this build has.
#[must_use]
pub fn probes_digest() -> Digest {
    Digest::of_parts(demo::PROBES.iter().map(|(_, bytes)| *bytes))
}

fn models_at(path: &Path) -> Result<Vec<PathBuf>, ModelError> {
    let unreadable = |source| ModelError::Unreadable { path: path.to_owned(), source };
    let metadata = path.metadata().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => ModelError::Missing(path.to_owned()),
        _ => unreadable(error),
    })?;
    if !metadata.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if file.extension().is_some_and(|kind| kind == "onnx") {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() { Err(ModelError::Empty(path.to_owned())) } else { Ok(files) }
}

fn from_file(path: &Path) -> Candidate {
    let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let source = Source::File(path.to_owned());
    match read_within(path, LARGEST_FILE) {
        Err(reason) => {
            let help = "check that it is a regular file and its permissions".to_owned();
            let rejection = Rejection {
                stage: Stage::Read,
                reason: format!("the file {reason}"),
                help: Some(help),
            };
            File { id: &id, source, sha256: Digest::of(&[]), bytes: 0 }.rejected(rejection)
        }
        Ok(bytes) => {
            let dir = path.parent().unwrap_or_else(|| Path::new("."));
            candidate(&id, source, &bytes, Some(dir), sidecar_of(path))
        }
    }
}

/// The text of `<id>.toml` beside a model; `None` if there is none.
fn sidecar_of(path: &Path) -> Option<Result<String, String>> {
    let path = path.with_extension("toml");
    if !path.exists() {
        return None;
    }
    let text = |bytes| String::from_utf8(bytes).map_err(|_| "is no UTF-8".to_owned());
    Some(read_within(&path, LARGEST_SIDECAR).and_then(text))
}

/// A regular file of at most so many bytes, or why not.
fn read_within(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let cannot = |error: std::io::Error| format!("cannot be read: {error}");
    // Looked at before it is opened: opening a pipe would wait for its writer.
    let metadata = path.metadata().map_err(cannot)?;
    if !metadata.is_file() {
        return Err("is no regular file".to_owned());
    }
    if metadata.len() > most {
        return Err(format!("has {} bytes, more than {most}", metadata.len()));
    }
    std::fs::read(path).map_err(cannot)
}

/// A candidate from what was read; broken ones carry their rejection.
pub(super) fn candidate(
    id: &str,
    source: Source,
    bytes: &[u8],
    dir: Option<&Path>,
    sidecar: Option<Result<String, String>>,
) -> Candidate {
    let file = File { id, source, sha256: Digest::of(bytes), bytes: bytes.len() };
    let manifest = match manifest(id, file.sha256, sidecar) {
        Ok(manifest) => manifest,
        Err(rejection) => return file.rejected(rejection),
    };
    match validated(bytes, dir) {
        Ok(valid) => file.accepted(manifest, &valid),
        Err(rejection) => {
            let mut candidate = file.rejected(rejection);
            candidate.manifest = manifest;
            candidate
        }
    }
}

fn manifest(
    id: &str,
    sha256: Digest,
    text: Option<Result<String, String>>,
) -> Result<Option<Manifest>, Rejection> {
    let Some(text) = text else { return Ok(None) };
    let text = text.map_err(|why| Rejection {
        stage: Stage::Read,
        reason: format!("the sidecar {why}"),
        help: Some("correct or remove it".to_owned()),
    })?;
    sidecar::read(&text, id, sha256).map(Some)
}

/// What is known of a model's file before anything in it is believed.
struct File<'a> {
    id: &'a str,
    source: Source,
    sha256: Digest,
    bytes: usize,
}

impl File<'_> {
    fn accepted(self, manifest: Option<Manifest>, valid: &Valid) -> Candidate {
        let card = card(&valid.model);
        let disagrees = |manifest| sidecar::agrees(manifest, &card, &valid.model).err();
        let rejection = manifest.as_ref().and_then(disagrees);
        let file = if valid.changed { self.holding(valid.model.encode_to_vec()) } else { self };
        Candidate { manifest, card: Some(card), rejection, ..file.candidate() }
    }

    fn rejected(self, rejection: Rejection) -> Candidate {
        Candidate { rejection: Some(rejection), ..self.candidate() }
    }

    /// The same with other bytes.
    fn holding(self, whole: Vec<u8>) -> Self {
        let (sha256, bytes) = (Digest::of(&whole), whole.len());
        Self { source: Source::Memory(Arc::from(whole)), sha256, bytes, ..self }
    }

    fn candidate(self) -> Candidate {
        Candidate {
            id: self.id.to_owned(),
            source: self.source,
            sha256: self.sha256,
            bytes: self.bytes as u64,
            config: Config::default(),
            manifest: None,
            card: None,
            rejection: None,
        }
    }
}

/// The first of several candidates of one name stays.
fn refuse_repeated_ids(candidates: &mut [Candidate]) {
    let mut seen = HashSet::new();
    for candidate in candidates {
        if !seen.insert(candidate.id.clone()) {
            candidate.rejection = Some(Rejection {
                stage: Stage::Read,
                reason: format!("another candidate is named {:?}", candidate.id),
                help: Some("rename one of the files".to_owned()),
            });
        }
    }
}

impl Default for Config {
    /// One thread of whichever engine of the house runs the model, wherever the kernel puts it.
    fn default() -> Self {
        Self { engine: Self::AUTO.to_owned(), threads: 1, affinity: Affinity::Any }
    }
}
