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
use crate::base::Digest;

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
    let mut candidates: Vec<Candidate> = files.iter().map(|file| from_file(file)).collect();
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
    let models =
        demo::DEMO_ZOO.iter().filter_map(|(file, b)| Some((file.strip_suffix(".onnx")?, b)));
    models
        .map(|(id, bytes)| {
            let source = Source::Memory(Arc::from(*bytes));
            candidate(id, source, bytes, None, sidecar(id))
        })
        .collect()
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
            rejected(&id, source, &[], rejection)
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
fn candidate(
    id: &str,
    source: Source,
    bytes: &[u8],
    dir: Option<&Path>,
    sidecar: Option<Result<String, String>>,
) -> Candidate {
    let manifest = match manifest(id, bytes, sidecar) {
        Ok(manifest) => manifest,
        Err(rejection) => return rejected(id, source, bytes, rejection),
    };
    match validated(bytes, dir) {
        Ok(valid) => accepted(id, source, bytes, manifest, &valid),
        Err(rejection) => {
            let mut candidate = rejected(id, source, bytes, rejection);
            candidate.manifest = manifest;
            candidate
        }
    }
}

fn manifest(
    id: &str,
    bytes: &[u8],
    text: Option<Result<String, String>>,
) -> Result<Option<Manifest>, Rejection> {
    let Some(text) = text else { return Ok(None) };
    let text = text.map_err(|why| Rejection {
        stage: Stage::Read,
        reason: format!("the sidecar {why}"),
        help: Some("correct or remove it".to_owned()),
    })?;
    sidecar::read(&text, id, Digest::of(bytes)).map(Some)
}

fn accepted(
    id: &str,
    source: Source,
    bytes: &[u8],
    manifest: Option<Manifest>,
    valid: &Valid,
) -> Candidate {
    let card = card(&valid.model);
    let disagrees = |manifest| sidecar::agrees(manifest, &card, &valid.model).err();
    let rejection = manifest.as_ref().and_then(disagrees);
    let whole: Option<Vec<u8>> = valid.changed.then(|| valid.model.encode_to_vec());
    let (sha256, bytes) = match &whole {
        Some(whole) => (Digest::of(whole), whole.len()),
        None => (Digest::of(bytes), bytes.len()),
    };
    let source = whole.map_or(source, |whole| Source::Memory(Arc::from(whole)));
    let candidate = blank(id, source, sha256, bytes);
    Candidate { manifest, card: Some(card), rejection, ..candidate }
}

fn rejected(id: &str, source: Source, bytes: &[u8], rejection: Rejection) -> Candidate {
    let candidate = blank(id, source, Digest::of(bytes), bytes.len());
    Candidate { rejection: Some(rejection), ..candidate }
}

fn blank(id: &str, source: Source, sha256: Digest, bytes: usize) -> Candidate {
    Candidate {
        id: id.to_owned(),
        source,
        sha256,
        bytes: bytes as u64,
        config: Config::default(),
        manifest: None,
        card: None,
        rejection: None,
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
    /// One thread of the engine that is always there, wherever the kernel puts it.
    fn default() -> Self {
        Self { engine: "tract-cpu".to_owned(), threads: 1, affinity: Affinity::Any }
    }
}
