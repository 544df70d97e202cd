//! What each node costs: operations by kind, and bytes that move.
//!
//! The nodes are those that an engine is left with: what follows from constants alone,
//! rearranges nothing in memory, or is drawn into the layer before it (an activation, a
//! constant's sum or product, the quantisation between two layers) costs nothing of its own.
//! No engine is asked; docs/ranking.md says how good the figures are that rest on it.

use std::collections::HashMap;

use super::macs;
use crate::model::onnx::{Graph, Node};
use crate::model::shape::Shapes;
use crate::model::{Kind, Layout, TensorInfo, Work};

/// Operators that move nothing.
const FREE: &[&str] = &[
    "Constant",
    "ConstantOfShape",
    "Dropout",
    "Flatten",
    "Identity",
    "Reshape",
    "Shape",
    "Squeeze",
    "Unsqueeze",
];
/// Operators that end a layer.
const ACTIVATIONS: &[&str] = &["Clip", "LeakyRelu", "PRelu", "Relu"];
/// The same where all inputs but one are constants.
const AFFINE: &[&str] = &["Add", "BatchNormalization", "Div", "Mul", "Sub"];

/// Channels of a picture at most.
const FEW: u64 = 4;

/// Of all nodes in order; empty where a layer's shape is unknown.
pub(super) fn works(graph: &Graph, shapes: &Shapes) -> Vec<Work> {
    let survey = Survey::of(graph, shapes);
    let nodes = graph.node.iter().map(|node| survey.work(node));
    let found: Option<Vec<Option<Work>>> = nodes.collect();
    found.unwrap_or_default().into_iter().flatten().collect()
}

/// Making a picture the input of a model that takes one.
pub(super) fn picture(inputs: &[TensorInfo], layout: Layout) -> Option<Work> {
    let [input] = inputs else { return None };
    let kind = match layout {
        Layout::Nchw => Kind::Planes,
        Layout::Nhwc => Kind::Pixels,
    };
    let ops: u64 = input.shape.iter().map(|dim| dim.unwrap_or(1)).product();
    let size = input.dtype.size()? as u64;
    Some(Work { kind, int8: size == 1, ops, bytes: ops.saturating_mul(1 + size) })
}

/// Who makes and who reads what.
struct Survey<'a> {
    shapes: &'a Shapes,
    makers: HashMap<&'a str, &'a Node>,
    readers: HashMap<&'a str, Vec<&'a Node>>,
}

impl<'a> Survey<'a> {
    fn of(graph: &'a Graph, shapes: &'a Shapes) -> Self {
        let mut survey = Self { shapes, makers: HashMap::new(), readers: HashMap::new() };
        for node in &graph.node {
            survey.makers.extend(node.output.iter().map(|name| (name.as_str(), node)));
            for name in &node.input {
                survey.readers.entry(name).or_default().push(node);
            }
        }
        survey
    }

    /// A node's; `None` of the outer where it cannot be known, of the inner where it is nothing.
    fn work(&self, node: &Node) -> Option<Option<Work>> {
        if self.is_free(node) {
            return Some(None);
        }
        let (kind, ops) = self.operations(node)?;
        let data = node.input.iter().chain(&node.output).filter(|name| !name.is_empty());
        let bytes = data.map(|name| self.bytes(name)).sum::<Option<u64>>()?;
        let int8 =
            node.output_at(0).is_some_and(|name| self.is_code(name)) || self.is_quantised(node);
        Some(Some(Work { kind, int8, ops, bytes }))
    }

    fn operations(&self, node: &Node) -> Option<(Kind, u64)> {
        if macs::is_layer(node) {
            return Some((self.kind(node), macs::of_node(node, self.shapes)?));
        }
        let count = |name: Option<&str>| self.shapes.get(name?)?.count();
        let op = node.op_type.trim_start_matches("QLinear");
        if op.starts_with("Global") && op.ends_with("Pool") {
            return Some((Kind::Pool, count(node.input_at(0))?));
        }
        if !["AveragePool", "MaxPool"].contains(&op) {
            return Some((Kind::Other, macs::of_node(node, self.shapes)?));
        }
        let kernel = node.attr_ints("kernel_shape").unwrap_or_default().iter();
        let kernel: u64 = kernel.filter_map(|size| u64::try_from(*size).ok()).product();
        Some((Kind::Pool, count(node.output_at(0))?.checked_mul(kernel)?))
    }

    fn is_free(&self, node: &Node) -> bool {
        let constant = node.output.iter().all(|name| self.shapes.is_constant(name));
        let op = node.op_type.as_str();
        constant || FREE.contains(&op) || self.is_drawn_in(node) || self.is_between(node)
    }

    /// Done by the layer before it.
    fn is_drawn_in(&self, node: &Node) -> bool {
        let op = node.op_type.as_str();
        let mut data = node.input.iter().filter(|name| self.is_data(name));
        let (Some(first), None) = (data.next(), data.next()) else { return false };
        let ends = ACTIVATIONS.contains(&op) || AFFINE.contains(&op);
        let before = self.makers.get(first.as_str());
        ends && before.is_some_and(|before| self.is_layer_behind(before))
    }

    /// A layer, or what was drawn into one, or the quantisation behind one.
    fn is_layer_behind(&self, node: &Node) -> bool {
        let mut at = node;
        // Chains are short; a limit ends the walk in any graph.
        for _ in 0..8 {
            if macs::is_layer(at) {
                return true;
            }
            let op = at.op_type.as_str();
            let passed = ACTIVATIONS.contains(&op) || AFFINE.contains(&op) || is_quantisation(op);
            let before = at.input_at(0).and_then(|name| self.makers.get(name));
            let Some(before) = before.filter(|_| passed) else { return false };
            at = before;
        }
        false
    }

    /// Quantisation between two nodes that both work on codes.
    fn is_between(&self, node: &Node) -> bool {
        let made = |name: &str| self.makers.contains_key(name);
        match node.op_type.as_str() {
            "QuantizeLinear" => node.input_at(0).is_some_and(made),
            "DequantizeLinear" => {
                node.output_at(0).is_some_and(|name| self.readers.contains_key(name))
            }
            _ => false,
        }
    }

    fn is_data(&self, name: &str) -> bool {
        !name.is_empty() && !self.shapes.is_constant(name)
    }

    /// A layer's kind, by the shape of its weights.
    fn kind(&self, node: &Node) -> Kind {
        let weights = macs::weights(node).and_then(|at| self.shapes.shape(node.input_at(at)?));
        match weights {
            Some([_, inputs, kernel @ ..]) if !kernel.is_empty() => {
                let grouped = node.attr_i("group").unwrap_or(1) > 1;
                match (grouped && *inputs == 1, kernel.iter().all(|size| *size == 1)) {
                    (true, _) => Kind::Depthwise,
                    (false, _) if !grouped && *inputs <= FEW => Kind::Stem,
                    (false, true) => Kind::Pointwise,
                    (false, false) => Kind::Convolution,
                }
            }
            _ => Kind::Product,
        }
    }

    /// Works on codes.
    fn is_quantised(&self, node: &Node) -> bool {
        let op = node.op_type.as_str();
        let by_name = op.starts_with("QLinear")
            || ["QGemm", "ConvInteger", "MatMulInteger", "DynamicQuantizeMatMul"].contains(&op);
        by_name || node.input_at(0).is_some_and(|name| self.is_code(name))
    }

    /// Whether a tensor is codes, or stands for codes that the file makes of it.
    fn is_code(&self, name: &str) -> bool {
        let maker = self.makers.get(name).map(|node| node.op_type.as_str());
        let mut readers = self.readers.get(name).into_iter().flatten().peekable();
        let narrow = self.shapes.get(name).and_then(|fact| fact.dtype?.size()) == Some(1);
        let quantised = readers.peek().is_some()
            && readers.all(|reader| reader.op_type == "QuantizeLinear")
            && maker.is_some();
        narrow || maker == Some("DequantizeLinear") || quantised
    }

    /// Bytes of a tensor as an engine would hold it.
    fn bytes(&self, name: &str) -> Option<u64> {
        let fact = self.shapes.get(name);
        let count = fact.and_then(|fact| fact.count());
        match (self.is_code(name), count) {
            (true, Some(count)) => Some(count),
            // An optional output that no rule describes.
            _ => fact.map_or(Some(0), |fact| fact.bytes()),
        }
    }
}

fn is_quantisation(op: &str) -> bool {
    matches!(op, "QuantizeLinear" | "DequantizeLinear")
}
