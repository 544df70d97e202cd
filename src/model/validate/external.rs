//! Weights in other files: joined with the model, or refused.
//!
//! Such a file lies in the model's folder or below, after all links are followed, is a
//! regular file, and holds what the tensor claims.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Component, Path, PathBuf};

use super::{quoted, refuse};
use crate::model::Rejection;
use crate::model::onnx::{Model, TensorData};

/// External data of one model, in bytes.
const MOST: u64 = 1 << 30;
const HELP: &str = "keep the data file beside the model, or save the model in one file";

/// Joins; tells whether there was anything to join.
pub(super) fn join(model: &mut Model, dir: Option<&Path>) -> Result<bool, Rejection> {
    let Some(graph) = &mut model.graph else { return Ok(false) };
    let mut total = 0u64;
    let mut joined = false;
    for tensor in graph.initializer.iter_mut().filter(|tensor| tensor.is_external()) {
        let Some(dir) = dir else {
            return Err(fault(tensor, "has external data, but the model comes without a folder"));
        };
        let data = read(tensor, dir, &mut total)?;
        tensor.raw_data = data;
        tensor.external_data.clear();
        tensor.data_location = 0;
        joined = true;
    }
    Ok(joined)
}

fn fault(tensor: &TensorData, what: &str) -> Rejection {
    refuse(format!("tensor {} {what}", quoted(&tensor.name)), HELP)
}

fn read(tensor: &TensorData, dir: &Path, total: &mut u64) -> Result<Vec<u8>, Rejection> {
    let entry = |key: &str| {
        tensor.external_data.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str())
    };
    let number = |key: &str| match entry(key) {
        None => Ok(None),
        Some(text) => text
            .parse::<u64>()
            .map(Some)
            .map_err(|_| fault(tensor, &format!("has a bad external {key}: {}", quoted(text)))),
    };
    let location =
        entry("location").ok_or_else(|| fault(tensor, "has external data without a location"))?;
    let wanted = tensor
        .count()
        .and_then(|count| super::tensors::stored(tensor.data_type, count))
        .ok_or_else(|| fault(tensor, "has impossible dimensions"))?;
    let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?.unwrap_or(wanted));
    if length != wanted {
        let what = format!("needs {wanted} bytes, its external data has {length}");
        return Err(fault(tensor, &what));
    }
    *total = total.saturating_add(wanted);
    if *total > MOST {
        return Err(fault(tensor, &format!("brings external data over {MOST} bytes")));
    }
    let path = inside(tensor, dir, location)?;
    part(&path, offset, wanted).map_err(|why| {
        fault(tensor, &format!("has external data in {} that {why}", quoted(location)))
    })
}

/// The file at a location, if it is inside the folder.
fn inside(tensor: &TensorData, dir: &Path, location: &str) -> Result<PathBuf, Rejection> {
    let outside = || {
        let what = format!("has external data outside the model's folder: {}", quoted(location));
        fault(tensor, &what)
    };
    let missing = |error: std::io::Error| {
        fault(tensor, &format!("has external data in {}: {error}", quoted(location)))
    };
    let relative = Path::new(location);
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if location.is_empty() || location.contains('\\') || !relative.components().all(plain) {
        return Err(outside());
    }
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    let dir = dir.canonicalize().map_err(missing)?;
    let path = dir.join(relative).canonicalize().map_err(missing)?;
    if path.starts_with(&dir) { Ok(path) } else { Err(outside()) }
}

/// A part of a regular file.
fn part(path: &Path, offset: u64, length: u64) -> Result<Vec<u8>, String> {
    // Looked at before it is opened: opening a pipe would wait for its writer.
    let metadata = path.metadata().map_err(|error| format!("cannot be read: {error}"))?;
    if !metadata.is_file() {
        return Err("is no regular file".to_owned());
    }
    let end = offset.checked_add(length);
    if end.is_none_or(|end| end > metadata.len()) {
        let held = metadata.len();
        return Err(format!("is too short: {held} bytes, {length} wanted from byte {offset}"));
    }
    let mut data = Vec::new();
    let read = File::open(path).and_then(|mut file| {
        file.seek(SeekFrom::Start(offset))?;
        file.take(length).read_to_end(&mut data)
    });
    match read {
        Ok(count) if count as u64 == length => Ok(data),
        Ok(_) => Err("became shorter while it was read".to_owned()),
        Err(error) => Err(format!("cannot be read: {error}")),
    }
}
