//! Reading a file into a fused [`Program`].
//!
//! The canonical graph (`lower/`) is walked once, node by node. A name of the file stands
//! for a [`term::Term`]: a constant, a computed tensor, or the real numbers that computed
//! codes stand for; dequantising computes nothing until somebody needs those numbers. An
//! operator is emitted on the codes where it can be, its result real, and quantising that
//! result turns the operator that made it into one on integers. What stayed real gets its
//! dequantisation at the end, and what nothing reads any more is dropped.

mod activation;
mod affine;
mod bias;
mod channel;
mod constant;
mod elementwise;
mod finish;
mod fuse;
#[cfg(test)]
mod goldens;
mod graph;
mod join;
mod layout;
mod linear;
mod operand;
mod pick;
mod pool;
mod quantise;
mod quantised;
mod resample;
mod rules;
mod shape;
mod term;
#[cfg(test)]
mod tests;
mod weights;
mod window;

use std::collections::BTreeSet;

use super::ir::Program;
use crate::engine::lower::{self, Lowered};
use crate::engine::{EngineError, LoadOptions};
use crate::model::{Stage, onnx, shapes};
use graph::Builder;
pub(super) use rules::runs;
pub(super) use shape::{agrees, count};

/// Name of the engine, for refusals.
pub(super) const ENGINE: &str = "umbra-cpu";

/// Reads a validated model.
///
/// # Errors
/// [`EngineError`] names the operator that this engine does not run.
pub(super) fn read(model: onnx::Model, options: &LoadOptions) -> Result<Program, EngineError> {
    let Lowered { mut model, inputs, outputs } = lower::canonical(model, options)?;
    let opset = model.opset().unwrap_or(0);
    let facts = shapes(&model, &options.input_shapes);
    let Some(graph) = model.graph.take() else { return Ok(Program::default()) };
    refuse_unknown(&graph)?;
    let mut builder = Builder::new(&graph, opset, facts);
    graph.initializer.into_iter().for_each(|tensor| builder.store(tensor));
    for input in inputs {
        builder.input(input)?;
    }
    for node in &graph.node {
        builder.node(node)?;
    }
    builder.finish(outputs)
}

/// Names every operator that has no rule.
fn refuse_unknown(graph: &onnx::Graph) -> Result<(), EngineError> {
    let unknown: BTreeSet<String> =
        graph.node.iter().map(onnx::Node::op).filter(|op| rules::rule(op).is_none()).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let (noun, verb) = if unknown.len() == 1 { ("operator", "is") } else { ("operators", "are") };
    let names = unknown.into_iter().collect::<Vec<_>>().join(", ");
    Err(EngineError::new(Stage::Operators, format!("{noun} {names} {verb} not run by {ENGINE}"))
        .help("run the model on another engine, or export it without them"))
}

/// Refuses a node, for instance "with computed weights".
fn refuse(node: &onnx::Node, why: &str) -> EngineError {
    let (op, label) = (node.op(), node.label());
    let reason = format!("operator {op} ({label}) {why} is not run by {ENGINE}");
    EngineError::new(Stage::Operators, reason).help("run the model on another engine")
}
