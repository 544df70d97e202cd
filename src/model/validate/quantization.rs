//! Scales that scale, and zero points that fit what they belong to.

use std::collections::{HashMap, HashSet};

use super::{node_name, quoted, refuse};
use crate::model::card::all_nodes;
use crate::model::onnx::{Graph, Model, Node, TensorData};
use crate::model::quant::{Parameters, parameters};
use crate::model::shape::Shapes;
use crate::model::shape::place;
use crate::model::{Dtype, Rejection};

const HELP: &str = "quantise the model again";

pub(super) fn check(model: &Model, shapes: &Shapes) -> Result<(), Rejection> {
    let Some(graph) = &model.graph else { return Ok(()) };
    let constants = constants(graph);
    // Values are looked at once, however many nodes share them.
    let mut seen: HashSet<&str> = HashSet::new();
    for node in all_nodes(graph) {
        for at in parameters(node) {
            Checked { node, at, constants: &constants, shapes }.check(&mut seen)?;
        }
    }
    Ok(())
}

type Constants<'a> = HashMap<&'a str, &'a TensorData>;

/// Constants of the main graph and of all bodies, by name. A body that reuses a name is checked
/// against one of its values only; the engine does not run bodies.
fn constants(graph: &Graph) -> Constants<'_> {
    let mut found: Constants<'_> = HashMap::new();
    for node in all_nodes(graph) {
        if let ("Constant", Some(tensor)) = (node.op_type.as_str(), node.attr_t("value")) {
            found.extend(node.output.first().map(|name| (name.as_str(), tensor)));
        }
        for body in node.subgraphs() {
            found.extend(body.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor)));
        }
    }
    found.extend(graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor)));
    found
}

/// One quantised tensor of a node.
struct Checked<'a> {
    node: &'a Node,
    at: Parameters,
    constants: &'a Constants<'a>,
    shapes: &'a Shapes,
}

impl<'a> Checked<'a> {
    fn check(&self, seen: &mut HashSet<&'a str>) -> Result<(), Rejection> {
        if let Some(name) = self.name(self.at.scale) {
            self.scale_type(name)?;
            if seen.insert(name) {
                self.scale_values(name)?;
            }
        }
        if let Some(name) = self.name(self.at.zero_point) {
            self.zero_type(name)?;
            if seen.insert(name) {
                self.zero_values(name)?;
            }
            self.as_many(name)?;
        }
        self.axis()
    }

    fn name(&self, at: Option<usize>) -> Option<&'a str> {
        self.node.input_at(at?)
    }

    fn fault(&self, what: &str) -> Rejection {
        refuse(format!("{} {what}", node_name(self.node)), HELP)
    }

    /// Element type, from the constant itself or from inference.
    fn dtype(&self, name: &str) -> Option<Dtype> {
        let constant = self.constants.get(name).map(|tensor| tensor.dtype());
        constant.or_else(|| self.shapes.get(name)?.dtype)
    }

    fn count(&self, name: &str) -> Option<u64> {
        let constant = self.constants.get(name).and_then(|tensor| tensor.count());
        constant.map(|count| count as u64).or_else(|| self.shapes.get(name)?.count())
    }

    fn scale_type(&self, name: &str) -> Result<(), Rejection> {
        let of = |what: &str| self.fault(&format!("has a {what} scale: {}", quoted(name)));
        if let Some(dtype) =
            self.dtype(name).filter(|dtype| !dtype.is_float() && *dtype != Dtype::Other)
        {
            return Err(of(dtype.name()));
        }
        Ok(())
    }

    fn scale_values(&self, name: &str) -> Result<(), Rejection> {
        let of = |what: &str| self.fault(&format!("has a {what} scale: {}", quoted(name)));
        let values = self.constants.get(name).and_then(|tensor| tensor.to_f32());
        for value in values.unwrap_or_default() {
            match value {
                value if value.is_nan() => return Err(of("NaN")),
                value if value.is_infinite() => return Err(of("infinite")),
                0.0 => return Err(of("zero")),
                value if value < 0.0 => return Err(of("negative")),
                _ => {}
            }
        }
        Ok(())
    }

    /// Whole numbers of at most 16 bits, like the tensor they belong to; those of a dequantised
    /// bias have 32.
    fn zero_type(&self, name: &str) -> Result<(), Rejection> {
        let Some(dtype) = self.dtype(name) else { return Ok(()) };
        let fault = |what: String| {
            Err(self.fault(&format!("has a zero point {} of type {what}", quoted(name))))
        };
        match dtype {
            Dtype::Int8 | Dtype::UInt8 | Dtype::Int16 | Dtype::UInt16 | Dtype::Other => {}
            Dtype::Int32 if self.node.op_type == "DequantizeLinear" => {}
            other => return fault(other.name().to_owned()),
        }
        match self.name(self.at.tensor).and_then(|tensor| self.dtype(tensor)) {
            Some(tensor) if tensor != dtype => {
                fault(format!("{} for a tensor of type {}", dtype.name(), tensor.name()))
            }
            _ => Ok(()),
        }
    }

    /// A bias has no zero point but zero.
    fn zero_values(&self, name: &str) -> Result<(), Rejection> {
        let constant = self.constants.get(name).filter(|tensor| tensor.dtype() == Dtype::Int32);
        match constant.and_then(|tensor| tensor.to_i64()) {
            Some(values) if values.iter().any(|value| *value != 0) => Err(self.fault(&format!(
                "has a zero point {} of type int32 that is not zero",
                quoted(name)
            ))),
            _ => Ok(()),
        }
    }

    /// As many zero points as scales.
    fn as_many(&self, zero_point: &str) -> Result<(), Rejection> {
        let Some(scale) = self.name(self.at.scale) else { return Ok(()) };
        match (self.count(scale), self.count(zero_point)) {
            (Some(scales), Some(zeros)) if scales != zeros => Err(self.fault(&format!(
                "has {scales} scales ({}) and {zeros} zero points",
                quoted(scale)
            ))),
            _ => Ok(()),
        }
    }

    /// Several scales belong to one dimension, and are as many as it is long.
    fn axis(&self) -> Result<(), Rejection> {
        let (default, tensor) = match (self.node.op_type.as_str(), self.at.scale) {
            ("QuantizeLinear" | "DequantizeLinear", _) => (1, Some(0)),
            // Weights of a convolution: one scale per output channel.
            ("QLinearConv", Some(4)) => (0, Some(3)),
            _ => return Ok(()),
        };
        let blocked = self.node.attr_i("block_size").unwrap_or(0) != 0;
        let sizes = || {
            let scales = self.count(self.name(self.at.scale)?)?;
            let shape = self.shapes.shape(self.name(tensor)?)?;
            let axis = match self.node.op_type.as_str() {
                "QLinearConv" => default,
                _ => self.node.attr_i("axis").unwrap_or(default),
            };
            let size = place(axis, shape.len()).and_then(|at| shape.get(at).copied());
            Some((scales, size.unwrap_or(0), axis))
        };
        match sizes() {
            Some((scales, size, axis)) if scales > 1 && scales != size && !blocked => {
                Err(self.fault(&format!("has {scales} scales for {size} channels (axis {axis})")))
            }
            _ => Ok(()),
        }
    }
}
