//! The card: what a model is made of, from its file alone.
//!
//! Figures are at batch 1 (open dimensions count as 1). A figure that rests on an unknown
//! shape is absent, never guessed. docs/models.md defines each figure.

mod activations;
mod macs;
mod scheme;
mod tap;
mod weights;
mod work;

use std::collections::BTreeMap;

use super::onnx::{Graph, Model, Node};
use super::shape::{self, Shapes};
use super::{Card, Dtype, Preprocess, TensorInfo};

pub(super) use tap::scores;
pub use weights::{Elements, elements};

/// Makes the card. The model need not be valid; of a broken one less is known.
#[must_use]
pub fn card(model: &Model) -> Card {
    let empty = Graph::default();
    let graph = model.graph.as_ref().unwrap_or(&empty);
    let shapes = shape::shapes(model, &[]);
    let outputs: Vec<TensorInfo> =
        graph.output.iter().map(|output| filled(output.info(), &shapes)).collect();
    let tap = tap::feature_tap(graph, &outputs, &shapes);
    let mut card = Card {
        opset: model.opset().unwrap_or_default(),
        inputs: graph.real_inputs().into_iter().map(|input| input.info()).collect(),
        outputs,
        ops: operators(graph),
        params: elements(model).weights,
        macs: macs::macs(graph, &shapes),
        work: work::works(graph, &shapes),
        weight_bytes: weights::bytes_by_type(graph),
        peak_activation_bytes: activations::peak(graph, &shapes),
        quantization: scheme::scheme(graph),
        feature_size: tap.as_deref().and_then(|tap| shapes.get(tap)?.count()),
        feature_tap: tap,
    };
    let layout = Preprocess::guesses(&card).first().map(|guess| guess.layout);
    let picture = layout.and_then(|layout| work::picture(&card.inputs, layout));
    if let Some(picture) = picture.filter(|_| !card.work.is_empty()) {
        card.work.insert(0, picture);
    }
    card
}

/// An output with what the file leaves open filled in from inference, but for the batch.
fn filled(mut info: TensorInfo, shapes: &Shapes) -> TensorInfo {
    let Some(fact) = shapes.get(&info.name) else { return info };
    if info.dtype == Dtype::Other {
        info.dtype = fact.dtype.unwrap_or(Dtype::Other);
    }
    let Some(shape) = &fact.shape else { return info };
    if info.shape.is_empty() {
        info.shape = shape.iter().copied().map(Some).collect();
    }
    for (stated, inferred) in info.shape.iter_mut().zip(shape).skip(1) {
        *stated = stated.or(Some(*inferred));
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
pub(in crate::model) fn all_nodes(graph: &Graph) -> Vec<&Node> {
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
