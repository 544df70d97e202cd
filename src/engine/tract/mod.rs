//! tract, the engine that is always there. The only folder that imports it.
//!
//! It gets lowered graphs only, so its own quantisation operators never run. It may
//! panic on graphs that no validator foresaw: every call into it is caught and becomes
//! an [`EngineError`].

mod ops;
mod tensor;

use std::panic::{AssertUnwindSafe, catch_unwind};

use prost::Message;
use tract_onnx::prelude::*;

use super::check::check;
use super::lower::{Lowered, is_half, real};
use super::{Engine, EngineError, LoadOptions, Loaded, Session};
use crate::model::{self, Card, Dtype, Stage, TensorInfo, onnx};

/// The engine.
#[derive(Debug)]
pub(super) struct Tract;

/// Release of tract that is linked; a test compares it with Cargo.lock.
pub(super) const VERSION: &str = "0.23.9";

/// Operators outside ONNX's own domain that tract runs as their owners define them.
const FOREIGN: &[&str] = &[];

fn framework() -> tract_onnx::Onnx {
    let mut framework = tract_onnx::onnx();
    ops::register(&mut framework.op_register);
    framework
}

/// Runs a call into tract; an error or a panic becomes one line.
fn guarded<T>(stage: Stage, call: impl FnOnce() -> TractResult<T>) -> Result<T, EngineError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(EngineError::new(stage, one_line(&format!("{error:#}")))),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("unknown");
            Err(EngineError::new(stage, one_line(&format!("the engine panicked: {text}"))))
        }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(400).collect()
}

impl Engine for Tract {
    fn name(&self) -> &'static str {
        "tract-cpu"
    }

    fn version(&self) -> String {
        VERSION.to_owned()
    }

    fn isa(&self) -> String {
        super::isa::detect()
    }

    fn unsupported(&self, card: &Card) -> Vec<String> {
        let register = framework().op_register;
        let runs =
            |op: &str| real::rewrites(op) || register.0.contains_key(op) || FOREIGN.contains(&op);
        card.ops.keys().filter(|op| !runs(op)).cloned().collect()
    }

    fn convolutions(&self, model: &[u8]) -> Result<(u64, u64), EngineError> {
        let lowered = lowered(&framework(), model, &LoadOptions::default())?;
        Ok((0, convolutions(&lowered.model)))
    }

    fn load(&self, model: &[u8], options: &LoadOptions) -> Result<Box<dyn Loaded>, EngineError> {
        if options.threads > 1 {
            return Err(EngineError::new(Stage::Load, "tract-cpu runs on one thread only")
                .help("set threads to 1"));
        }
        let framework = framework();
        let lowered = lowered(&framework, model, options)?;
        let convolutions = convolutions(&lowered.model);
        let bytes = lowered.model.encode_to_vec();
        let (inputs, outputs) = (lowered.inputs, lowered.outputs);
        drop(lowered.model);
        let graph = guarded(Stage::Load, || framework.model_for_read(&mut bytes.as_slice()))?;
        Ok(Box::new(LoadedGraph { graph, inputs, outputs, convolutions }))
    }
}

/// A file in tract's vocabulary; of tract itself only the list of operators is asked.
fn lowered(
    framework: &tract_onnx::Onnx,
    model: &[u8],
    options: &LoadOptions,
) -> Result<Lowered, EngineError> {
    let model = onnx::Model::decode(model)
        .map_err(|error| EngineError::new(Stage::Load, format!("no ONNX file: {error}")))?;
    let lowered = real::lower(model, options)?;
    refuse_unknown(framework, &lowered.model)?;
    Ok(lowered)
}

/// Names every operator of a lowered graph that tract would not run.
fn refuse_unknown(framework: &tract_onnx::Onnx, model: &onnx::Model) -> Result<(), EngineError> {
    let mut unknown = Vec::new();
    if let Some(graph) = &model.graph {
        collect_unknown(framework, graph, &mut unknown);
    }
    unknown.sort();
    unknown.dedup();
    if unknown.is_empty() {
        return Ok(());
    }
    let (noun, verb) = if unknown.len() == 1 { ("operator", "is") } else { ("operators", "are") };
    let reason = format!("{noun} {} {verb} not supported by tract-cpu", unknown.join(", "));
    Err(EngineError::new(Stage::Operators, reason)
        .help("export the model without them, in standard ONNX operators"))
}

fn collect_unknown(framework: &tract_onnx::Onnx, graph: &onnx::Graph, unknown: &mut Vec<String>) {
    for node in &graph.node {
        let op = node.op();
        if !framework.op_register.0.contains_key(&op) && !FOREIGN.contains(&op.as_str()) {
            unknown.push(op);
        }
        node.subgraphs().for_each(|graph| collect_unknown(framework, graph, unknown));
    }
}

#[derive(Debug)]
struct LoadedGraph {
    graph: InferenceModel,
    inputs: Vec<TensorInfo>,
    outputs: Vec<(String, Option<Dtype>)>,
    convolutions: u64,
}

impl Loaded for LoadedGraph {
    fn optimise(self: Box<Self>) -> Result<Box<dyn Session>, EngineError> {
        let Self { graph, inputs, outputs, convolutions } = *self;
        let model = guarded(Stage::Optimise, || graph.into_optimized())?;
        let outputs = describe(&model, outputs)?;
        let plan = guarded(Stage::Optimise, || model.into_runnable())?;
        let state = guarded(Stage::Optimise, || plan.spawn())?;
        Ok(Box::new(TractSession { state, inputs, outputs, convolutions }))
    }
}

/// Convolutions of a lowered graph; all run in float.
fn convolutions(model: &onnx::Model) -> u64 {
    let nodes = model.graph.iter().flat_map(|graph| &graph.node);
    let kinds = ["Conv", "ConvTranspose"];
    nodes.filter(|node| kinds.contains(&node.op_type.as_str())).count() as u64
}

fn describe(
    model: &TypedModel,
    names: Vec<(String, Option<Dtype>)>,
) -> Result<Vec<TensorInfo>, EngineError> {
    let one = |(at, (name, declared)): (usize, (String, Option<Dtype>))| {
        let fact = guarded(Stage::Optimise, || Ok(model.output_fact(at)?.clone()))?;
        let computed = tensor::dtype(fact.datum_type);
        let dtype = declared.filter(|&dtype| is_half(dtype)).unwrap_or(computed);
        let shape = fact
            .shape
            .iter()
            .map(|dim| dim.as_i64().and_then(|dim| u64::try_from(dim).ok()))
            .collect();
        Ok(TensorInfo { name, dtype, shape })
    };
    names.into_iter().enumerate().map(one).collect()
}

#[derive(Debug)]
struct TractSession {
    state: TypedSimpleState,
    inputs: Vec<TensorInfo>,
    outputs: Vec<TensorInfo>,
    convolutions: u64,
}

impl Session for TractSession {
    fn inputs(&self) -> &[TensorInfo] {
        &self.inputs
    }

    fn outputs(&self) -> &[TensorInfo] {
        &self.outputs
    }

    fn run(&mut self, inputs: &[model::Tensor]) -> Result<Vec<model::Tensor>, EngineError> {
        check(inputs, &self.inputs)?;
        let values = inputs.iter().map(|input| Ok(tensor::to_tract(input)?.into_tvalue()));
        let values = values.collect::<Result<TVec<_>, EngineError>>()?;
        let state = &mut self.state;
        let results = guarded(Stage::Run, || state.run(values))?;
        let pairs = results.iter().zip(&self.outputs);
        pairs.map(|(value, info)| tensor::from_tract(value, info.dtype)).collect()
    }

    fn convolutions(&self) -> (u64, u64) {
        (0, self.convolutions)
    }
}
