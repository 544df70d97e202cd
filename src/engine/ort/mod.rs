//! ONNX Runtime, loaded from a shared library while the program runs. The only folder that
//! imports it.
//!
//! Each execution provider is an engine of its own: another provider is another candidate,
//! never a fallback. The agent asks an engine for its name and version only; the library is
//! opened where a model is loaded, which is in the worker.

mod convolutions;
mod library;
mod placement;
mod provider;
mod session;
mod tensor;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use ort::ErrorCode;
use prost::Message as _;

use self::provider::Provider;
use self::session::LoadedGraph;
use super::lower::{self, Lowered};
use super::{Engine, EngineError, Libraries, LoadOptions, Loaded};
use crate::model::{Card, Stage, onnx};

/// One provider of ONNX Runtime, with the library's path if one is named.
#[derive(Debug)]
pub(super) struct Ort {
    provider: Provider,
    library: Option<PathBuf>,
}

/// The default provider.
pub(super) fn cpu(libraries: &Libraries) -> Ort {
    Ort { provider: Provider::Cpu, library: libraries.onnxruntime.clone() }
}

/// XNNPACK.
pub(super) fn xnnpack(libraries: &Libraries) -> Ort {
    Ort { provider: Provider::Xnnpack, ..cpu(libraries) }
}

/// CUDA.
pub(super) fn cuda(libraries: &Libraries) -> Ort {
    Ort { provider: Provider::Cuda, ..cpu(libraries) }
}

/// TensorRT, then CUDA.
pub(super) fn tensorrt(libraries: &Libraries) -> Ort {
    Ort { provider: Provider::TensorRt, ..cpu(libraries) }
}

impl Engine for Ort {
    fn name(&self) -> &'static str {
        self.provider.engine()
    }

    fn version(&self) -> String {
        library::identity(self.library.as_deref())
    }

    fn isa(&self) -> String {
        super::isa::detect()
    }

    /// Always empty: only the library knows, and only the worker may open it.
    fn unsupported(&self, _: &Card) -> Vec<String> {
        Vec::new()
    }

    fn convolutions(&self, model: &[u8]) -> Result<(u64, u64), EngineError> {
        let bound = lower::bound(decode(model)?, &LoadOptions::default())?;
        Ok(convolutions::count(&bound.model, self.provider.runs_integers()))
    }

    fn load(&self, model: &[u8], options: &LoadOptions) -> Result<Box<dyn Loaded>, EngineError> {
        library::open(self.library.as_deref())?;
        let decoded = decode(model)?;
        let before = edges(&decoded);
        let Lowered { model: bound, inputs, .. } = lower::bound(decoded, options)?;
        let convolutions = convolutions::count(&bound, self.provider.runs_integers());
        // Our messages hold less than a file may; what needs no change stays as it is.
        let model = if edges(&bound) == before { model.to_vec() } else { encode(bound) };
        let threads = usize::from(options.threads.max(1));
        let provider = self.provider;
        Ok(Box::new(LoadedGraph { provider, threads, model, inputs, convolutions }))
    }
}

fn decode(model: &[u8]) -> Result<onnx::Model, EngineError> {
    onnx::Model::decode(model)
        .map_err(|error| EngineError::new(Stage::Load, format!("no ONNX file: {error}")))
}

/// Initializers that are no inputs came with IR version 4.
fn encode(model: onnx::Model) -> Vec<u8> {
    onnx::Model { ir_version: model.ir_version.max(4), ..model }.encode_to_vec()
}

/// What bounding may change.
fn edges(model: &onnx::Model) -> Option<(Vec<onnx::ValueInfo>, Vec<String>, [usize; 2])> {
    let graph = model.graph.as_ref()?;
    let outputs = graph.output.iter().map(|output| output.name.clone()).collect();
    Some((graph.input.clone(), outputs, [graph.node.len(), graph.initializer.len()]))
}

/// Runs a call into ONNX Runtime; an error or a panic becomes one line.
fn guarded<T>(stage: Stage, call: impl FnOnce() -> ort::Result<T>) -> Result<T, EngineError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(done) => done.map_err(|error| wrong(stage, &error)),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("unknown");
            Err(EngineError::new(stage, one_line(&format!("the engine panicked: {text}"))))
        }
    }
}

/// An error of ONNX Runtime; its code says more about the stage than the call does.
fn wrong(stage: Stage, error: &ort::Error) -> EngineError {
    let stage = match (stage, error.code()) {
        (Stage::Optimise, ErrorCode::NotImplemented) => Stage::Operators,
        (Stage::Optimise, ErrorCode::InvalidGraph | ErrorCode::InvalidProtobuf) => Stage::Load,
        (stage, _) => stage,
    };
    EngineError::new(stage, one_line(error.message()))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(400).collect()
}
