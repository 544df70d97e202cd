//! The rankers inside this program; docs/ranker.md says what they know.

/// Scores models for a task.
pub const SPIDER: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/onnx/ranker/spider.onnx"));
/// Scores models for a task on a board.
pub const FUSION: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/onnx/ranker/fusion.onnx"));
/// Corrects predicted costs.
pub const SHADOW: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/onnx/ranker/shadow.onnx"));
