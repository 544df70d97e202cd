//! The validator: what stands between a file and any engine.
//!
//! Engines crash, hang or silently compute something else on files that no correct
//! exporter writes. Here such files are refused with the name of the node or tensor and
//! what to do. Bounded on hostile input: time and memory grow with the file (and the
//! data it points to) alone, nesting is limited by the decoder, nothing panics.
//! docs/models.md lists the rules.

mod external;
mod graph;
mod limits;
mod order;
mod parse;
mod quantization;
mod tensors;
mod wire;

use std::path::Path;

use super::onnx::Model;
use super::{Rejection, Stage, shape};

/// Reads and checks a model; external data is joined, unsorted nodes are sorted. `dir` is the
/// folder that external data may come from.
///
/// # Errors
/// [`Rejection`] with stage, reason and help.
pub fn validate(bytes: &[u8], dir: Option<&Path>) -> Result<Model, Rejection> {
    validated(bytes, dir).map(|valid| valid.model)
}

/// A valid model.
pub(super) struct Valid {
    pub(super) model: Model,
    /// Whether it is no longer what the file says word by word: data joined, or nodes sorted.
    pub(super) changed: bool,
}

pub(super) fn validated(bytes: &[u8], dir: Option<&Path>) -> Result<Valid, Rejection> {
    let mut model = parse::parse(bytes)?;
    graph::check(&model)?;
    let moved = order::sort(&mut model)?;
    tensors::check(&model)?;
    let joined = external::join(&mut model, dir)?;
    let shapes = shape::shapes(&model, &[]);
    quantization::check(&model, &shapes)?;
    limits::check(&model, &shapes)?;
    Ok(Valid { model, changed: moved || joined })
}

/// Refuses at stage `validate`.
fn refuse(reason: String, help: &str) -> Rejection {
    Rejection { stage: Stage::Validate, reason, help: Some(help.to_owned()) }
}

/// A name from a file, safe to print: escaped, in quotes, and cut.
fn quoted(name: &str) -> String {
    const LONGEST: usize = 60;
    let mut shown: String = name.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if name.chars().nth(LONGEST).is_some() {
        shown.push_str("...");
    }
    format!("'{shown}'")
}

/// A node for people: `node 'name' (Op)`.
fn node_name(node: &super::onnx::Node) -> String {
    let op: String = node.op().chars().take(60).flat_map(char::escape_debug).collect();
    format!("node {} ({op})", quoted(node.label()))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn names_cannot_talk_to_the_terminal() {
        assert_eq!(quoted("a\u{1b}[2Jb"), "'a\\u{1b}[2Jb'");
        assert_eq!(quoted(&"x".repeat(99)).len(), 65);
    }
}
