//! The edges of the graph: which inputs with which shapes, which outputs, and what is dead.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::{EngineError, LoadOptions};
use crate::model::onnx::{
    Dimension, DimensionValue, Graph, Node, Shape, TensorType, TypeValue, ValueInfo,
};
use crate::model::{Dtype, Stage, TensorInfo};

fn tensor_type(info: &ValueInfo) -> Option<&TensorType> {
    let TypeValue::Tensor(tensor) = info.r#type.as_ref()?.value.as_ref()?;
    Some(tensor)
}

/// Declared element types of inputs, outputs and inner tensors.
pub(super) fn declared_types(graph: &Graph) -> BTreeMap<String, Dtype> {
    let infos = graph.input.iter().chain(&graph.output).chain(&graph.value_info);
    let typed = infos.filter_map(|info| Some((info, tensor_type(info)?)));
    typed.map(|(info, tensor)| (info.name.clone(), Dtype::from_onnx(tensor.elem_type))).collect()
}

/// Drops initializers from the inputs, fixes every dimension of the others, and lists them.
pub(super) fn fix_inputs(
    graph: &mut Graph,
    options: &LoadOptions,
) -> Result<Vec<TensorInfo>, EngineError> {
    let constants: BTreeSet<&str> = graph.initializer.iter().map(|t| t.name.as_str()).collect();
    graph.input.retain(|input| !constants.contains(input.name.as_str()));
    graph.input.iter_mut().map(|input| fix_input(input, options)).collect()
}

fn fix_input(input: &mut ValueInfo, options: &LoadOptions) -> Result<TensorInfo, EngineError> {
    let refuse = |why: &str| {
        EngineError::new(Stage::Load, format!("input {} {why}", input.name))
            .help("export the model with tensor inputs of known rank")
    };
    let tensor = tensor_type(input).ok_or_else(|| refuse("is no tensor"))?;
    let wish = options.input_shapes.iter().find(|(name, _)| *name == input.name);
    if let (Some((_, wish)), Some(shape)) = (wish, &tensor.shape) {
        agree(&input.name, wish, shape)?;
    }
    let shape: Vec<u64> = match (wish, &tensor.shape) {
        (Some((_, wish)), _) => wish.iter().map(|&dim| dim as u64).collect(),
        (None, Some(shape)) => shape.dim.iter().map(fixed).collect(),
        (None, None) => return Err(refuse("has no shape")),
    };
    let dtype = Dtype::from_onnx(tensor.elem_type);
    let info = describe(input.name.clone(), dtype, &shape);
    set_shape(input, &shape);
    Ok(info)
}

/// A wish may fill in what the model leaves open, and nothing else: an engine that is told
/// otherwise fails far from the cause.
fn agree(name: &str, wish: &[usize], declared: &Shape) -> Result<(), EngineError> {
    let number = |dimension: &Dimension| match dimension.value {
        Some(DimensionValue::Number(number)) => usize::try_from(number).ok().filter(|n| *n > 0),
        _ => None,
    };
    let wanted: Vec<Option<usize>> = declared.dim.iter().map(number).collect();
    let fits = |(wish, wanted): (&usize, &Option<usize>)| wanted.is_none_or(|n| n == *wish);
    if wish.len() == wanted.len() && wish.iter().zip(&wanted).all(fits) {
        return Ok(());
    }
    let word = |n: &Option<usize>| n.map_or_else(|| "any".to_owned(), |n| n.to_string());
    let wanted: Vec<String> = wanted.iter().map(word).collect();
    let reason = format!("input {name} is {wish:?}, the model takes [{}]", wanted.join(", "));
    Err(EngineError::new(Stage::Load, reason).help("reshape the array, or export the model again"))
}

/// A symbol, an unknown or a negative dimension is one.
fn fixed(dimension: &Dimension) -> u64 {
    match dimension.value {
        Some(DimensionValue::Number(number)) => u64::try_from(number).unwrap_or(1),
        _ => 1,
    }
}

fn describe(name: String, dtype: Dtype, shape: &[u64]) -> TensorInfo {
    TensorInfo { name, dtype, shape: shape.iter().copied().map(Some).collect() }
}

fn set_shape(info: &mut ValueInfo, shape: &[u64]) {
    let number = |&dim: &u64| DimensionValue::Number(i64::try_from(dim).unwrap_or(i64::MAX));
    let dim = shape.iter().map(|dim| Dimension { value: Some(number(dim)) }).collect();
    if let Some(TypeValue::Tensor(tensor)) = info.r#type.as_mut().and_then(|t| t.value.as_mut()) {
        tensor.shape = Some(Shape { dim });
    }
}

/// Names of the outputs to compute: the wished ones, else all.
pub(super) fn choose_outputs(
    graph: &Graph,
    options: &LoadOptions,
) -> Result<Vec<String>, EngineError> {
    let all = || graph.output.iter().map(|output| output.name.clone()).collect();
    let outputs: Vec<String> = options.outputs.clone().unwrap_or_else(all);
    let inputs = graph.input.iter().map(|input| input.name.as_str());
    let constants = graph.initializer.iter().map(|tensor| tensor.name.as_str());
    let made = graph.node.iter().flat_map(|node| node.output.iter().map(String::as_str));
    let known: BTreeSet<&str> = inputs.chain(constants).chain(made).collect();
    if outputs.is_empty() {
        return Err(EngineError::new(Stage::Load, "the graph has no output"));
    }
    match outputs.iter().find(|name| !known.contains(name.as_str())) {
        None => Ok(outputs),
        Some(name) => Err(EngineError::new(Stage::Load, format!("nothing computes output {name}"))
            .help("umbra inspect lists the outputs of a model")),
    }
}

/// These outputs, with their types where the file declares them.
#[cfg(feature = "ort")]
pub(super) fn declare(graph: &Graph, outputs: &[String]) -> Vec<ValueInfo> {
    let declared = |name: &String| {
        let infos = graph.output.iter().chain(&graph.value_info);
        infos.into_iter().find(|info| info.name == *name).cloned()
    };
    let one = |name: &String| {
        declared(name).unwrap_or_else(|| ValueInfo { name: name.clone(), r#type: None })
    };
    outputs.iter().map(one).collect()
}

/// Keeps the nodes that the outputs need, in their order.
pub(super) fn prune(nodes: &mut Vec<Node>, outputs: &[String]) {
    let mut maker = BTreeMap::new();
    for (at, node) in nodes.iter().enumerate() {
        maker.extend(node.output.iter().map(|name| (name.clone(), at)));
    }
    let mut wanted = vec![false; nodes.len()];
    let mut open: Vec<String> = outputs.to_vec();
    while let Some(name) = open.pop() {
        let Some(&at) = maker.get(&name) else { continue };
        if wanted.get(at) == Some(&false) {
            wanted.iter_mut().skip(at).take(1).for_each(|flag| *flag = true);
            nodes.iter().skip(at).take(1).for_each(|node| reads(node, &mut open));
        }
    }
    let mut flags = wanted.into_iter();
    nodes.retain(|_| flags.next().unwrap_or(false));
}

/// Every tensor that a node reads, its subgraphs included.
pub(super) fn reads(node: &Node, names: &mut Vec<String>) {
    names.extend(node.input.iter().filter(|name| !name.is_empty()).cloned());
    for graph in node.subgraphs() {
        names.extend(graph.output.iter().map(|output| output.name.clone()));
        graph.node.iter().for_each(|node| reads(node, names));
    }
}
