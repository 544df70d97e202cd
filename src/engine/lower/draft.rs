//! The graph while it is rewritten: nodes, constants, and what the passes ask of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::EngineError;
use crate::engine::quantize::{Dequantize, Quantize, run_length};
use crate::model::onnx::{Attribute, Graph, Node, TensorData};
use crate::model::{Dtype, Stage};

use super::custom;

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
    /// Dequantised forms already made, by tensor and parameters.
    dequantised: BTreeMap<String, String>,
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

    /// Elements of a constant integer tensor.
    pub(super) fn integers(&self, name: &str) -> Option<Vec<i64>> {
        self.constants.get(name)?.to_i64()
    }

    /// Elements of a constant floating point tensor.
    pub(super) fn floats(&self, name: &str) -> Option<Vec<f32>> {
        let tensor = self.constants.get(name)?;
        if tensor.dtype().is_float() { tensor.to_f32() } else { None }
    }

    /// The real values of an integer tensor: folded where it is constant, a node otherwise,
    /// and one node however many readers there are.
    pub(super) fn dequantise(
        &mut self,
        name: &str,
        how: &Dequantize,
    ) -> Result<String, EngineError> {
        if let Some(known) = self.dequantised.get(&key(name, how)) {
            return Ok(known.clone());
        }
        let output = self.fresh(name);
        self.dequantise_as(name, how, &output)?;
        Ok(output)
    }

    /// The same under a given name.
    pub(super) fn dequantise_as(
        &mut self,
        name: &str,
        how: &Dequantize,
        output: &str,
    ) -> Result<(), EngineError> {
        let key = key(name, how);
        if let Some(known) = self.dequantised.get(&key).cloned() {
            self.emit_as("Identity", &[&known], vec![], output);
            return Ok(());
        }
        if self.constants.contains_key(name) {
            let tensor = self.fold(name, how, output)?;
            self.constants.insert(output.to_owned(), tensor);
        } else {
            self.emit_as(custom::DEQUANTIZE, &[name], custom::dequantize_attributes(how), output);
        }
        self.dequantised.insert(key, output.to_owned());
        Ok(())
    }

    fn fold(&self, name: &str, how: &Dequantize, output: &str) -> Result<TensorData, EngineError> {
        let codes = self.integers(name);
        let shape = self.constants.get(name).and_then(TensorData::shape);
        let values = shape.as_ref().zip(codes).and_then(|(shape, codes)| how.fold(shape, &codes));
        let tensor = shape.zip(values);
        tensor.map(|(shape, values)| TensorData::from_f32(output, &shape, &values)).ok_or_else(
            || {
                let reason = format!("constant {name} does not fit its scales and zero points");
                EngineError::new(Stage::Load, reason).help("export the model again")
            },
        )
    }

    /// Codes of a real tensor: folded where it is constant, a node otherwise.
    pub(super) fn quantise(&mut self, name: &str, how: &Quantize, output: &str) {
        match self.fold_codes(name, how, output) {
            Some(tensor) => {
                self.constants.insert(output.to_owned(), tensor);
            }
            None => {
                self.emit_as(custom::QUANTIZE, &[name], custom::quantize_attributes(how), output)
            }
        }
    }

    fn fold_codes(&self, name: &str, how: &Quantize, output: &str) -> Option<TensorData> {
        let values = self.floats(name)?;
        let shape = self.constants.get(name)?.shape()?;
        let lanes = how.lanes()?;
        let inner = run_length(&shape, how.axis, lanes.len())?.max(1);
        let mut channel = lanes.iter().cycle();
        let mut data = Vec::with_capacity(values.len());
        for run in values.chunks(inner) {
            let lane = channel.next()?;
            run.iter().for_each(|&x| push_code(&mut data, how.dtype, lane.code(x)));
        }
        Some(TensorData::raw(output, how.dtype, &shape, data))
    }
}

fn key(name: &str, how: &Dequantize) -> String {
    format!("{name}\u{0}{how:?}")
}

fn push_code(data: &mut Vec<u8>, dtype: Dtype, code: f32) {
    match dtype {
        Dtype::Int8 | Dtype::UInt8 => data.extend((code as i16).to_le_bytes().first()),
        _ => data.extend((code as i32).to_le_bytes().iter().take(2)),
    }
}
