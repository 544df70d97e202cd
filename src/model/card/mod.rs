//! The card: what a model is made of, from its file alone.
//!
//! Figures are at batch 1 (open dimensions count as 1). A figure that rests on an unknown
//! shape is absent, never guessed. docs/models.md defines each figure.

mod activations;
mod macs;
mod scheme;
mod tap;
mod weights;

use std::collections::BTreeMap;

use super::onnx::{Graph, Model, Node};
use super::shape::{self, Shapes};
use super::{Card, TensorInfo};

pub use weights::{Elements, elements};

/// Makes the card. The model need not be valid; of a broken one less is known.
#[must_use]
pub fn card(model: &Model) -> Card {
    let empty = Graph::default();
    let graph = model.graph.as_ref().unwrap_or(&empty);
    let shapes = shape::shapes(model, &[]);
    let tap = tap::feature_tap(graph, &shapes);
    Card {
        opset: model.opset().unwrap_or_default(),
        inputs: graph.real_inputs().into_iter().map(|input| input.info()).collect(),
        outputs: graph.output.iter().map(|output| filled(output.info(), &shapes)).collect(),
        ops: operators(graph),
        params: elements(model).weights,
        macs: macs::macs(graph, &shapes),
        weight_bytes: weights::bytes_by_type(graph),
        peak_activation_bytes: activations::peak(graph, &shapes),
        quantization: scheme::scheme(graph),
        feature_size: tap.as_deref().and_then(|tap| shapes.get(tap)?.count()),
        feature_tap: tap,
    }
}

/// An output of which the file does not even state the number of dimensions, with the inferred
/// ones.
fn filled(mut info: TensorInfo, shapes: &Shapes) -> TensorInfo {
    if info.shape.is_empty()
        && let Some(shape) = shapes.shape(&info.name)
    {
        info.shape = shape.iter().copied().map(Some).collect();
    }
    info
}

/// Operator counts of the main graph; bodies of `If`, `Loop` and `Scan` count too.
fn operators(graph: &Graph) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for node in all_nodes(graph) {
        *counts.entry(node.op()).or_insert(0) += 1;
    }
    counts
}

/// All nodes, those of bodies included; without recursion.
pub(super) fn all_nodes(graph: &Graph) -> Vec<&Node> {
    let mut nodes = Vec::new();
    let mut graphs = vec![graph];
    while let Some(graph) = graphs.pop() {
        for node in &graph.node {
            nodes.push(node);
            graphs.extend(node.subgraphs());
        }
    }
    nodes
}
