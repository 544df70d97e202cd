//! Peak activation memory by liveness over the execution order.
//!
//! An activation lives from the node that makes it (inputs: from the start) to its last
//! reader (outputs: to the end). Nothing is computed in place and nothing shares memory.
//! What follows from constants alone is weight, not activation.

use std::collections::HashMap;

use crate::model::onnx::{Graph, Node};
use crate::model::shape::Shapes;

/// Largest sum of live activations; none where one has no known size.
pub(super) fn peak(graph: &Graph, shapes: &Shapes) -> Option<u64> {
    let last = last_uses(graph);
    let size = |name: &str| match shapes.is_constant(name) {
        true => Some(0),
        false => shapes.bytes(name),
    };
    let mut live = 0u64;
    // What is freed after each node.
    let mut dying: HashMap<usize, u64> = HashMap::new();
    for input in graph.real_inputs() {
        let bytes = size(&input.name)?;
        live = live.saturating_add(bytes);
        let end = last.get(input.name.as_str()).copied().unwrap_or(0);
        let slot = dying.entry(end).or_insert(0);
        *slot = slot.saturating_add(bytes);
    }
    let mut peak = live;
    for (at, node) in graph.node.iter().enumerate() {
        for name in node.output.iter().filter(|name| !name.is_empty()) {
            let bytes = size(name)?;
            live = live.saturating_add(bytes);
            let end = last.get(name.as_str()).copied().unwrap_or(at).max(at);
            let slot = dying.entry(end).or_insert(0);
            *slot = slot.saturating_add(bytes);
        }
        peak = peak.max(live);
        live = live.saturating_sub(dying.remove(&at).unwrap_or(0));
    }
    Some(peak)
}

/// The last node that reads each tensor; outputs are read after the last node.
fn last_uses(graph: &Graph) -> HashMap<&str, usize> {
    let mut last = HashMap::new();
    for (at, node) in graph.node.iter().enumerate() {
        for name in reads(node) {
            last.insert(name, at);
        }
    }
    for output in &graph.output {
        last.insert(output.name.as_str(), graph.node.len());
    }
    last
}

/// Names a node reads, those that its bodies read included.
fn reads(node: &Node) -> Vec<&str> {
    let mut names: Vec<&str> = node.input.iter().map(String::as_str).collect();
    for body in node.subgraphs() {
        names
            .extend(super::all_nodes(body).iter().flat_map(|n| n.input.iter().map(String::as_str)));
        names.extend(body.output.iter().map(|output| output.name.as_str()));
    }
    names
}
