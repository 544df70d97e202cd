//! Shapes, element types and small constants of every tensor, from the graph alone.
//!
//! One pass over the nodes in order; one rule per operator ([`table`]). What a rule
//! cannot know stays unknown, and so does everything behind it: an unknown operator is
//! no error here. Types that the file states for inner tensors are believed only where
//! no rule knows better. Open dimensions of inputs count as 1, so a model with an open
//! batch is seen at batch 1.

mod arithmetic;
mod constant;
mod elementwise;
mod fact;
mod layout;
mod linear;
mod quantized;
mod recurrent;
mod reduce;
mod resample;
mod select;
mod site;
mod table;
mod window;

use std::collections::HashMap;

pub(crate) use fact::MOST_DIMENSIONS;
pub use fact::{Fact, Value};
pub(crate) use linear::gemm_sizes;
use site::Site;
pub(crate) use site::place;
pub(crate) use table::is_known;

use super::onnx::{Graph, Model, Node, ValueInfo};

/// What is known of each tensor, by name.
#[derive(Debug, Clone, Default)]
pub struct Shapes {
    facts: HashMap<String, Fact>,
}

impl Shapes {
    /// Everything known of a tensor.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Fact> {
        self.facts.get(name)
    }

    /// Its dimensions.
    #[must_use]
    pub fn shape(&self, name: &str) -> Option<&[u64]> {
        self.get(name)?.shape.as_deref()
    }

    /// Its size; none where type or shape is unknown.
    #[must_use]
    pub fn bytes(&self, name: &str) -> Option<u64> {
        self.get(name)?.bytes()
    }

    /// Whether it follows from constants alone.
    #[must_use]
    pub fn is_constant(&self, name: &str) -> bool {
        self.get(name).is_some_and(|fact| fact.constant)
    }
}

/// Infers them. `inputs` gives shapes by input name; an open dimension of any other input is 1.
#[must_use]
pub fn shapes(model: &Model, inputs: &[(String, Vec<usize>)]) -> Shapes {
    let mut shapes = Shapes::default();
    let Some(graph) = &model.graph else { return shapes };
    for input in &graph.input {
        let given = inputs.iter().find(|(name, _)| *name == input.name);
        let mut fact = declared(input);
        if let Some((_, shape)) = given {
            fact.shape = Some(shape.iter().map(|dim| *dim as u64).collect());
        }
        shapes.facts.insert(input.name.clone(), fact);
    }
    for tensor in &graph.initializer {
        shapes.facts.insert(tensor.name.clone(), Fact::constant(tensor));
    }
    let declared = declarations(graph);
    let rules = table::rules();
    let opset = model.opset().unwrap_or_default();
    for node in &graph.node {
        let found = apply(node, opset, &rules, &shapes);
        for (name, fact) in node.output.iter().zip(found) {
            if !name.is_empty() {
                let fact = fact.bounded().or_declared(declared.get(name.as_str()).copied());
                shapes.facts.insert(name.clone(), fact);
            }
        }
    }
    shapes
}

/// What one node's outputs are; as many facts as outputs.
fn apply(node: &Node, opset: i64, rules: &table::Rules, shapes: &Shapes) -> Vec<Fact> {
    let inputs: Vec<Option<&Fact>> =
        node.input.iter().map(|name| shapes.facts.get(name.as_str())).collect();
    let site = Site { node, opset, inputs: &inputs };
    let mut found = rules.get(node.op().as_str()).map(|rule| rule(&site)).unwrap_or_default();
    found.resize_with(node.output.len(), Fact::default);
    let constant = site.is_constant();
    for fact in &mut found {
        fact.constant |= constant;
    }
    found
}

/// What the file states of a value, open dimensions taken as 1.
fn declared(value: &ValueInfo) -> Fact {
    let shape = value.dims().map(|dims| dims.iter().map(|dim| dim.unwrap_or(1)).collect());
    Fact { dtype: value.tensor_type().map(|_| value.dtype()), shape, ..Fact::default() }.bounded()
}

fn declarations(graph: &Graph) -> HashMap<&str, &ValueInfo> {
    graph.value_info.iter().chain(&graph.output).map(|v| (v.name.as_str(), v)).collect()
}

impl Fact {
    /// Fills what no rule knew with what the file states.
    fn or_declared(mut self, stated: Option<&ValueInfo>) -> Self {
        if self.shape.is_some() && self.dtype.is_some() {
            return self;
        }
        if let Some(stated) = stated.map(declared) {
            self.shape = self.shape.or(stated.shape);
            self.dtype = self.dtype.or(stated.dtype);
        }
        self
    }
}
