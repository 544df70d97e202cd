//! Graphs that would take more than any board has.

use super::{node_name, quoted, refuse};
use crate::model::card::all_nodes;
use crate::model::onnx::{Graph, Model, Node};
use crate::model::shape::Shapes;
use crate::model::{Fact, Rejection, Value};

/// One activation at batch 1, in bytes.
const LARGEST_TENSOR: u64 = 1 << 30;
/// Rounds of a loop whose number is a constant.
const MOST_ROUNDS: i64 = 1_000_000;

pub(super) fn check(model: &Model, shapes: &Shapes) -> Result<(), Rejection> {
    let Some(graph) = &model.graph else { return Ok(()) };
    for input in graph.real_inputs() {
        size(|| format!("input {}", quoted(&input.name)), &input.name, shapes)?;
    }
    for node in &graph.node {
        for name in node.output.iter().filter(|name| !name.is_empty()) {
            size(|| node_name(node), name, shapes)?;
        }
    }
    rounds(graph, shapes)
}

fn size(who: impl Fn() -> String, name: &str, shapes: &Shapes) -> Result<(), Rejection> {
    let Some(fact) = shapes.get(name) else { return Ok(()) };
    let Some(shape) = &fact.shape else { return Ok(()) };
    // An unknown type has at least a byte per element.
    let bytes = fact.bytes().or_else(|| Fact::count(fact)).unwrap_or(u64::MAX);
    if bytes <= LARGEST_TENSOR || shape.contains(&0) {
        return Ok(());
    }
    let shape: Vec<String> = shape.iter().take(8).map(u64::to_string).collect();
    Err(refuse(
        format!("{} makes a tensor of shape [{}], more than 1 GiB", who(), shape.join("x")),
        "use a smaller model or a smaller input",
    ))
}

fn rounds(graph: &Graph, shapes: &Shapes) -> Result<(), Rejection> {
    let trips = |node: &Node| match shapes.get(node.input_at(0)?)?.value.as_ref()? {
        Value::Ints(values) => values.first().copied(),
        Value::Floats(_) => None,
    };
    for node in all_nodes(graph).into_iter().filter(|node| node.op_type == "Loop") {
        if let Some(trips) = trips(node).filter(|trips| *trips > MOST_ROUNDS) {
            return Err(refuse(
                format!("{} goes round {trips} times", node_name(node)),
                "export the model without the loop",
            ));
        }
    }
    Ok(())
}
