//! A graph on its way through ONNX Runtime.

use std::fmt;

use ort::logging::LogLevel;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::session::{RunOptions, SessionInputValue};
use ort::value::DynTensor;

use super::placement::Placement;
use super::provider::Provider;
use super::{guarded, tensor};
use crate::engine::check::check;
use crate::engine::{EngineError, Loaded, Session};
use crate::model::{Stage, Tensor, TensorInfo};

/// A model that was read and bounded. ONNX Runtime reads and optimises in one call, so all of
/// its own work counts as optimising.
#[derive(Debug)]
pub(super) struct LoadedGraph {
    pub(super) provider: Provider,
    pub(super) threads: usize,
    pub(super) model: Vec<u8>,
    pub(super) inputs: Vec<TensorInfo>,
    pub(super) convolutions: (u64, u64),
}

/// How a session is made.
///
/// Threads of the pool work inside one operator, operators run one after the other. Every
/// other option is ONNX Runtime's default: all graph optimisations, memory patterns and arena,
/// and pool threads that spin for a while when they have nothing to do.
pub(super) fn builder(pool: usize) -> ort::Result<SessionBuilder> {
    let made = ort::session::Session::builder()?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(pool)?
        .with_inter_threads(1)?
        .with_parallel_execution(false)?
        .with_log_level(LogLevel::Error)?;
    Ok(made)
}

impl Loaded for LoadedGraph {
    fn optimise(self: Box<Self>) -> Result<Box<dyn Session>, EngineError> {
        let Self { provider, threads, model, inputs, convolutions } = *self;
        let builder = guarded(Stage::Load, || builder(provider.pool(threads)))?;
        let session = match provider.own_name() {
            None => guarded(Stage::Optimise, || {
                let mut builder = builder;
                builder.commit_from_memory(&model)
            })?,
            Some(name) => commit_on(builder, &provider.registered(threads), name, &model)?,
        };
        drop(model);
        let rooms = inputs.iter().map(tensor::room).collect::<Result<_, _>>()?;
        let outputs = session.outputs().iter();
        let outputs = outputs.map(|outlet| tensor::describe(outlet.name(), outlet.dtype()));
        let outputs = outputs.collect();
        let options = guarded(Stage::Optimise, || {
            let mut options = RunOptions::new()?;
            options.set_log_level(LogLevel::Error)?;
            Ok(options)
        })?;
        Ok(Box::new(OrtSession { session, options, rooms, inputs, outputs, convolutions }))
    }
}

/// A session on a provider of this name, which must run at least one node.
pub(super) fn commit_on(
    builder: SessionBuilder,
    providers: &[ort::ep::ExecutionProviderDispatch],
    name: &str,
    model: &[u8],
) -> Result<ort::session::Session, EngineError> {
    let builder = guarded(Stage::Load, || Ok(builder.with_execution_providers(providers)?))
        .map_err(|error| {
            let reason = format!("{name} cannot be used: {}", error.reason);
            EngineError::new(error.stage, reason)
                .help("name a library that was built with this provider, or use ort-cpu")
        })?;
    let heard = Placement::default();
    let session = guarded(Stage::Optimise, || {
        let listening = builder.with_logger(heard.listener())?;
        // Only so verbose does it say where nodes went; runs have a level of their own.
        listening.with_log_level(LogLevel::Verbose)?.commit_from_memory(model)
    })?;
    heard.require(name)?;
    Ok(session)
}

struct OrtSession {
    session: ort::session::Session,
    options: RunOptions,
    rooms: Vec<DynTensor>,
    inputs: Vec<TensorInfo>,
    outputs: Vec<TensorInfo>,
    convolutions: (u64, u64),
}

impl fmt::Debug for OrtSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { inputs, outputs, .. } = self;
        f.debug_struct("OrtSession").field("inputs", inputs).field("outputs", outputs).finish()
    }
}

impl Session for OrtSession {
    fn inputs(&self) -> &[TensorInfo] {
        &self.inputs
    }

    fn outputs(&self) -> &[TensorInfo] {
        &self.outputs
    }

    fn run(&mut self, inputs: &[Tensor]) -> Result<Vec<Tensor>, EngineError> {
        check(inputs, &self.inputs)?;
        for (room, input) in self.rooms.iter_mut().zip(inputs) {
            tensor::fill(room, input)?;
        }
        let values: Vec<SessionInputValue<'_>> =
            self.rooms.iter().map(SessionInputValue::from).collect();
        let (session, options) = (&mut self.session, &self.options);
        let results = guarded(Stage::Run, || session.run_with_options(values.as_slice(), options))?;
        results.into_iter().map(|(_, value)| tensor::take(value)).collect()
    }

    fn convolutions(&self) -> (u64, u64) {
        self.convolutions
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ort::library;

    #[test]
    fn a_provider_that_gets_no_node_is_refused_and_not_replaced() {
        let Some(path) = std::env::var_os(crate::engine::ONNXRUNTIME) else {
            eprintln!("SKIPPED: {} names no library", crate::engine::ONNXRUNTIME);
            return;
        };
        library::open(Some(path.as_ref())).unwrap();
        let zoo = concat!(env!("CARGO_MANIFEST_DIR"), "/onnx/zoo/resnet8-letters-int8-qdq.onnx");
        let model = std::fs::read(zoo).unwrap();
        let on = |name| commit_on(builder(1).unwrap(), &[], name, &model);
        let refusal = on("XnnpackExecutionProvider").unwrap_err();
        assert_eq!(refusal.stage, Stage::Operators);
        assert!(refusal.reason.ends_with("they are on CPUExecutionProvider"), "{refusal}");
        assert!(on("CPUExecutionProvider").is_ok(), "where the nodes are is heard");
    }
}
