//! The graph while it is rewritten: nodes, constants, and what the passes ask of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::EngineError;
use crate::model::onnx::{Attribute, Graph, Node, TensorData};

/// A graph under rewriting. Every pass takes the nodes out and puts others in.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// In execution order.
    pub nodes: Vec<Node>,
    /// Constant tensors by name.
    pub constants: BTreeMap<String, TensorData>,
    /// Names of the graph's outputs, in order.
    pub outputs: Vec<String>,
    /// Version of the default operator set.
    pub opset: i64,
    /// Names in use, so that new ones are new.
    taken: BTreeSet<String>,
    /// Dequantised forms that this pass has already made, by tensor and parameters.
    pub dequantised: BTreeMap<String, String>,
}

impl Draft {
    pub(super) fn new(graph: Graph, outputs: Vec<String>, opset: i64) -> Self {
        let constants: BTreeMap<_, _> =
            graph.initializer.into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect();
        let inputs = graph.input.into_iter().map(|input| input.name);
        let made = graph.node.iter().flat_map(|node| node.output.iter().cloned());
        let taken = constants.keys().cloned().chain(inputs).chain(made).collect();
        Self { nodes: graph.node, constants, outputs, opset, taken, ..Self::default() }
    }

    /// Takes the nodes out for a pass.
    pub(super) fn take_nodes(&mut self) -> Vec<Node> {
        self.dequantised.clear();
        std::mem::take(&mut self.nodes)
    }

    /// A name that nothing has, made from one that says where it comes from.
    pub(super) fn fresh(&mut self, stem: &str) -> String {
        let mut name = format!("{stem}~");
        for number in 0_u64.. {
            name = format!("{stem}~{number}");
            if !self.taken.contains(&name) {
                break;
            }
        }
        self.taken.insert(name.clone());
        name
    }

    /// Adds the dequantisation of the tensor whose name, scale and zero point are inputs of a
    /// node from `at`; gives the name of the real tensor.
    pub(super) fn dequantise_input(
        &mut self,
        node: &Node,
        at: usize,
        axis: i64,
    ) -> Result<String, EngineError> {
        let name = node.input_at(at);
        let name =
            name.ok_or_else(|| EngineError::operator(&node.op(), &format!("lacks input {at}")))?;
        let inputs = [Some(name), node.input_at(at + 1), node.input_at(at + 2)];
        let inputs: Vec<&str> = inputs.into_iter().flatten().collect();
        Ok(self.emit("DequantizeLinear", &inputs, vec![Attribute::int("axis", axis)]))
    }

    /// Quantises a real tensor with the scale and zero point at `at`, under the node's output.
    pub(super) fn quantise_output(
        &mut self,
        node: &Node,
        value: &str,
        at: usize,
    ) -> Result<(), EngineError> {
        let output = node.output_at(0);
        let output = output.ok_or_else(|| EngineError::operator(&node.op(), "lacks its output"))?;
        let inputs = [Some(value), node.input_at(at), node.input_at(at + 1)];
        let inputs: Vec<&str> = inputs.into_iter().flatten().collect();
        self.emit_as("QuantizeLinear", &inputs, vec![], output);
        Ok(())
    }

    /// Adds a node whose one output is new; gives that output's name.
    pub(super) fn emit(&mut self, op: &str, inputs: &[&str], attributes: Vec<Attribute>) -> String {
        let output = self.fresh(inputs.first().unwrap_or(&"value"));
        self.emit_as(op, inputs, attributes, &output);
        output
    }

    /// Adds a node whose one output has this name.
    pub(super) fn emit_as(
        &mut self,
        op: &str,
        inputs: &[&str],
        attributes: Vec<Attribute>,
        output: &str,
    ) {
        let mut node = Node::new(op, inputs, &[output]);
        node.attribute = attributes;
        self.nodes.push(node);
    }

    /// Adds a single precision constant; gives its name.
    pub(super) fn constant(&mut self, stem: &str, shape: &[usize], values: &[f32]) -> String {
        let name = self.fresh(stem);
        self.constants.insert(name.clone(), TensorData::from_f32(&name, shape, values));
        name
    }

    /// Elements of a constant floating point tensor.
    pub(super) fn floats(&self, name: &str) -> Option<Vec<f32>> {
        let tensor = self.constants.get(name)?;
        if tensor.dtype().is_float() { tensor.to_f32() } else { None }
    }
}
