//! Quantise followed by nothing but dequantise is one pass over the tensor, in place.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::EngineError;
use crate::model::onnx::Node;

use super::custom;
use crate::engine::lower::draft::Draft;

/// Fuses the pairs.
pub(super) fn pass(draft: &mut Draft) -> Result<(), EngineError> {
    let mut readers: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, node) in draft.nodes.iter().enumerate() {
        let mut names = Vec::new();
        crate::engine::lower::boundary::reads(node, &mut names);
        names.into_iter().for_each(|name| readers.entry(name).or_default().push(at));
    }
    let kept: BTreeSet<&String> = draft.outputs.iter().collect();
    let mut merged: BTreeMap<usize, Node> = BTreeMap::new();
    for quantize in draft.nodes.iter().filter(|node| node.op_type == custom::QUANTIZE) {
        let Some(codes) = quantize.output.first() else { continue };
        let after = readers.get(codes).map_or(&[][..], Vec::as_slice);
        let pairs: Vec<_> = after
            .iter()
            .filter_map(|&at| Some((at, fused(quantize, draft.nodes.get(at)?)?)))
            .collect();
        if pairs.len() == after.len() && !kept.contains(codes) {
            merged.extend(pairs);
        }
    }
    for (at, node) in draft.nodes.iter_mut().enumerate() {
        if let Some(fused) = merged.remove(&at) {
            *node = fused;
        }
    }
    Ok(())
}

fn fused(quantize: &Node, dequantize: &Node) -> Option<Node> {
    if dequantize.op_type != custom::DEQUANTIZE {
        return None;
    }
    let mut node = dequantize.clone();
    custom::FAKE_QUANTIZE.clone_into(&mut node.op_type);
    node.input.clone_from(&quantize.input);
    node.attribute.extend(quantize.attribute.iter().cloned());
    Some(node)
}
