//! Rewriting a graph before an engine sees it.
//!
//! Every engine gets the same canonical graph: its edges fixed, half precision as single,
//! constants hoisted, QOperator arithmetic as float operators between quantisations. An
//! engine with integer kernels ([`canonical`]) then sees the products so too; for an engine
//! without them `real` spells quantisation and integer products out in exact float
//! arithmetic. Each pass is one file and knows no engine; none changes what a graph
//! computes beyond the rounding that its file states.

mod boundary;
mod constants;
mod draft;
mod half;
mod qlinear;
mod qoperator;
#[cfg(feature = "tract")]
pub(crate) mod real;

use std::collections::BTreeMap;

use super::{EngineError, LoadOptions};
use crate::model::onnx::{Graph, Model, Node, ValueInfo};
use crate::model::{Dtype, Stage, TensorInfo};
use draft::Draft;

pub(crate) use half::is_half;

impl EngineError {
    /// An operator that has no right form here.
    fn operator(operator: &str, why: &str) -> Self {
        Self::new(Stage::Operators, format!("operator {operator} {why}"))
            .help("export the model without it, or as QDQ with constant scales")
    }
}

/// A model in an engine's vocabulary.
#[derive(Debug)]
pub(crate) struct Lowered {
    /// What to hand to the engine.
    pub model: Model,
    /// Its inputs as the file declares them, dimensions fixed.
    pub inputs: Vec<TensorInfo>,
    /// Its outputs in order, each with the type that the file declares, if it does.
    pub outputs: Vec<(String, Option<Dtype>)>,
}

/// Operators of ONNX itself in QOperator form that [`canonical`] rewrites.
const PRODUCTS: &[&str] = &["QLinearConv", "QLinearMatMul"];

/// Whether [`canonical`] rewrites this operator, given as `Op` or `domain:Op`.
pub(crate) fn rewrites_quantised(operator: &str) -> bool {
    match operator.strip_prefix("com.microsoft:") {
        Some(name) => qoperator::OPERATORS.contains(&name) && name != "QLinearWhere",
        None => PRODUCTS.contains(&operator),
    }
}

/// Passes over a draft, in order.
type Pass = fn(&mut Draft) -> Result<(), EngineError>;

/// Rewrites a validated model into ONNX's own operators, quantised tensors between
/// QuantizeLinear and DequantizeLinear.
///
/// # Errors
/// [`EngineError`] names the operator that has no right form here.
pub(crate) fn canonical(model: Model, options: &LoadOptions) -> Result<Lowered, EngineError> {
    lower(model, options, &[constants::pass, qoperator::pass, qlinear::pass])
}

fn lower(model: Model, options: &LoadOptions, passes: &[Pass]) -> Result<Lowered, EngineError> {
    let opset = model.opset().unwrap_or(0);
    let Some(mut graph) = model.graph else {
        return Err(EngineError::new(Stage::Load, "the file has no graph"));
    };
    let types = boundary::declared_types(&graph);
    let outputs = boundary::choose_outputs(&graph, options)?;
    let inputs = boundary::fix_inputs(&mut graph, options)?;
    boundary::prune(&mut graph.node, &outputs);
    half::widen(&mut graph);
    let (name, sources) = (graph.name.clone(), graph.input.clone());
    let mut draft = Draft::new(graph, outputs.clone(), opset);
    passes.iter().try_for_each(|pass| pass(&mut draft))?;
    let graph = finish(draft, name, sources);
    let outputs = typed(outputs, &types);
    Ok(Lowered { model: Model { graph: Some(graph), ..model }, inputs, outputs })
}

/// The same without any rewriting of operators, for an engine that speaks all of ONNX: inputs
/// with fixed dimensions, the wished outputs, and nothing that only others need.
///
/// # Errors
/// [`EngineError`]: an output that nothing computes, an input without a rank.
#[cfg(feature = "ort")]
pub(crate) fn bound(model: Model, options: &LoadOptions) -> Result<Lowered, EngineError> {
    let Some(mut graph) = model.graph else {
        return Err(EngineError::new(Stage::Load, "the file has no graph"));
    };
    let types = boundary::declared_types(&graph);
    let outputs = boundary::choose_outputs(&graph, options)?;
    let inputs = boundary::fix_inputs(&mut graph, options)?;
    boundary::prune(&mut graph.node, &outputs);
    let mut names = outputs.clone();
    graph.node.iter().for_each(|node| boundary::reads(node, &mut names));
    let read: std::collections::BTreeSet<String> = names.into_iter().collect();
    graph.initializer.retain(|tensor| read.contains(&tensor.name));
    graph.output = boundary::declare(&graph, &outputs);
    Ok(Lowered {
        model: Model { graph: Some(graph), ..model },
        inputs,
        outputs: typed(outputs, &types),
    })
}

fn typed(outputs: Vec<String>, types: &BTreeMap<String, Dtype>) -> Vec<(String, Option<Dtype>)> {
    let with_type = |name: String| {
        let dtype = types.get(&name).copied();
        (name, dtype)
    };
    outputs.into_iter().map(with_type).collect()
}

/// The draft as a graph again, without what nothing reads.
fn finish(mut draft: Draft, name: String, input: Vec<ValueInfo>) -> Graph {
    boundary::prune(&mut draft.nodes, &draft.outputs);
    draft.nodes.iter_mut().for_each(name_by_output);
    let mut names = draft.outputs.clone();
    draft.nodes.iter().for_each(|node| boundary::reads(node, &mut names));
    let initializer = names.iter().filter_map(|name| draft.constants.remove(name)).collect();
    let output = draft.outputs.into_iter().map(|name| ValueInfo { name, r#type: None }).collect();
    Graph { node: draft.nodes, name, initializer, input, output, ..Graph::default() }
}

/// Node names are free text and may repeat; tensor names may not, and tract wants unique ones.
fn name_by_output(node: &mut Node) {
    if let Some(output) = node.output.iter().find(|name| !name.is_empty()) {
        node.name.clone_from(output);
    }
}
