//! Which constants are weights, and how large they are.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::model::Dtype;
use crate::model::element_bits;
use crate::model::onnx::{Graph, Model, Node, TensorData};
use crate::model::quant::parameters;

/// Elements of all constants (initializers, and tensors of `Constant` nodes) by what they are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Elements {
    /// Weights and biases.
    pub weights: u64,
    /// Scales and zero points.
    pub quantization: u64,
    /// Shapes, axes, indices, bounds, paddings: arguments of operators.
    pub arguments: u64,
}

/// Counts them over the main graph and the bodies of `If`, `Loop` and `Scan`.
#[must_use]
pub fn elements(model: &Model) -> Elements {
    let mut sum = Elements::default();
    let Some(graph) = &model.graph else { return sum };
    let roles = roles(graph);
    for (name, tensor) in constants(graph) {
        let count = tensor.count().unwrap_or(0) as u64;
        let slot = match role(tensor, roles.get(name).map_or(&[], Vec::as_slice)) {
            Role::Weight => &mut sum.weights,
            Role::Quantization => &mut sum.quantization,
            Role::Argument => &mut sum.arguments,
        };
        *slot = slot.saturating_add(count);
    }
    sum
}

/// Bytes of all constants by element type.
pub(super) fn bytes_by_type(graph: &Graph) -> BTreeMap<String, u64> {
    let mut bytes = BTreeMap::new();
    for (_, tensor) in constants(graph) {
        let size = match tensor.dtype() {
            Dtype::String => tensor.string_data.iter().map(|text| text.len() as u64).sum(),
            _ => packed(tensor).unwrap_or(0),
        };
        let slot: &mut u64 = bytes.entry(tensor.dtype().name().to_owned()).or_insert(0);
        *slot = slot.saturating_add(size);
    }
    bytes
}

/// Bytes of a tensor's elements, packed.
fn packed(tensor: &TensorData) -> Option<u64> {
    let bits = u64::from(element_bits(tensor.data_type)?);
    Some((tensor.count()? as u64).checked_mul(bits)?.div_ceil(8))
}

/// Every constant tensor with its name.
fn constants(graph: &Graph) -> Vec<(&str, &TensorData)> {
    let mut found = Vec::new();
    let mut graphs = vec![graph];
    while let Some(graph) = graphs.pop() {
        found.extend(graph.initializer.iter().map(|tensor| (tensor.name.as_str(), tensor)));
        for node in &graph.node {
            if let ("Constant", Some(tensor)) = (node.op_type.as_str(), node.attr_t("value")) {
                found.push((node.output.first().map_or("", String::as_str), tensor));
            }
            graphs.extend(node.subgraphs());
        }
    }
    found
}

/// What a constant is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Weight,
    Quantization,
    Argument,
}

/// What each tensor is used for, by every node that reads it.
fn roles(graph: &Graph) -> HashMap<&str, Vec<Role>> {
    let mut roles: HashMap<&str, Vec<Role>> = HashMap::new();
    for node in super::all_nodes(graph) {
        let quantization: HashSet<usize> =
            parameters(node).into_iter().flat_map(|p| [p.scale, p.zero_point]).flatten().collect();
        for (at, name) in node.input.iter().enumerate() {
            let role = if quantization.contains(&at) {
                Role::Quantization
            } else if is_argument(node, at) {
                Role::Argument
            } else {
                Role::Weight
            };
            roles.entry(name).or_default().push(role);
        }
    }
    roles
}

/// Operands that say how to compute rather than what with.
fn is_argument(node: &Node, at: usize) -> bool {
    match node.op_type.as_str() {
        "Clip" | "Dropout" | "Expand" | "OneHot" | "Pad" | "Range" | "Reshape" | "Resize"
        | "Slice" | "Split" | "Squeeze" | "Tile" | "TopK" | "Unsqueeze" | "Upsample" => at > 0,
        "ConstantOfShape" | "If" | "Loop" => true,
        "Gather" | "GatherElements" | "GatherND" => at == 1,
        op => op.starts_with("Reduce") && at > 0,
    }
}

/// A tensor read as a weight anywhere is one; 64-bit integers, booleans and strings never are.
fn role(tensor: &TensorData, uses: &[Role]) -> Role {
    if matches!(tensor.dtype(), Dtype::Int64 | Dtype::Bool | Dtype::String) {
        return Role::Argument;
    }
    match uses {
        [first, rest @ ..] if rest.iter().all(|role| role == first) => *first,
        _ => Role::Weight,
    }
}
