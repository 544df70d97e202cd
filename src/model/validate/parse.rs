//! From bytes to messages.

use prost::Message as _;

use super::wire::{Fault, walk};
use crate::model::onnx::Model;
use crate::model::{Rejection, Stage};

/// What a file is when it is no ONNX: where its mark stands, the mark, its name, what to do.
const FOREIGN: &[(usize, &[u8], &str, &str)] = &[
    (
        0,
        b"version https://git-lfs",
        "is a Git LFS pointer, not the model it stands for",
        "run `git lfs pull` where it came from, then copy the real file",
    ),
    (0, b"PK\x03\x04", "is a zip archive", "unpack it, or export the model to ONNX"),
    (0, b"\x1f\x8b", "is gzip-compressed", "unpack it with gunzip"),
    (0, b"\x89HDF", "is a Keras HDF5 file", "convert it to ONNX, for example with tf2onnx"),
    (4, b"TFL3", "is a TensorFlow Lite file", "convert it to ONNX, for example with tf2onnx"),
    (4, b"ORTM", "is in ONNX Runtime's own format", "use the .onnx file it was made from"),
];
/// How web pages begin.
const HTML: &[&str] = &["<!doctype", "<html", "<head", "<?xml"];

pub(super) fn parse(bytes: &[u8]) -> Result<Model, Rejection> {
    if let Some(foreign) = foreign(bytes) {
        return Err(foreign);
    }
    walk(bytes).map_err(faulty)?;
    Model::decode(bytes)
        .map_err(|error| refuse(format!("is damaged: {error}"), "copy or export the model again"))
}

fn refuse(reason: String, help: &str) -> Rejection {
    Rejection {
        stage: Stage::Read,
        reason: format!("the file {reason}"),
        help: Some(help.to_owned()),
    }
}

fn faulty(fault: Fault) -> Rejection {
    match fault {
        Fault::NotProtobuf => {
            refuse("is no ONNX file: not protobuf".to_owned(), "export the model to ONNX")
        }
        Fault::Damaged => refuse(
            "is damaged: lengths inside it do not add up".to_owned(),
            "copy or download the file again",
        ),
        Fault::Truncated { wanted, left } => refuse(
            format!("is cut off: {wanted} bytes should follow, only {left} are there"),
            "copy or download the file again",
        ),
        Fault::TooLarge => refuse(
            "would take too much memory to decode".to_owned(),
            "use a smaller model, or store its weights as raw data",
        ),
    }
}

fn foreign(bytes: &[u8]) -> Option<Rejection> {
    if bytes.is_empty() {
        let help = "copy or download the file again";
        return Some(refuse("is empty".to_owned(), help));
    }
    let start = String::from_utf8_lossy(bytes.get(..64).unwrap_or(bytes)).to_ascii_lowercase();
    if HTML.iter().any(|mark| start.trim_start().starts_with(mark)) {
        let help = "the download failed: fetch the file itself, not the page about it";
        return Some(refuse("is a web page, not a model".to_owned(), help));
    }
    FOREIGN
        .iter()
        .find(|(at, mark, ..)| bytes.get(*at..).is_some_and(|rest| rest.starts_with(mark)))
        .map(|(.., what, help)| refuse((*what).to_owned(), help))
}
