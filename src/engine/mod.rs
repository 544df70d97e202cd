//! Floor 3: running a model. The only room that imports an inference engine.
//!
//! An [`Engine`] reads ONNX bytes into a [`Loaded`] graph, which optimises into a
//! [`Session`] that runs. What an engine would compute wrongly is rewritten before
//! it sees it (`lower/`); what it cannot run is refused by name. A [`Pipeline`] is
//! what is timed and what is deployed: preprocessing, session, head.

mod check;
mod error;
mod infer;
#[cfg(feature = "tract")]
mod isa;
mod kept;
mod lower;
mod native;
#[cfg(feature = "ort")]
mod ort;
mod pipeline;
mod prepare;
mod quantize;
#[cfg(feature = "tract")]
mod tract;

pub use error::EngineError;
pub use infer::infer;
pub use kept::{AndSealed, Kept, load_kept};
pub use pipeline::{Pipeline, PipelineLoaded, PipelineSpec};

// Not by the name of the crate that only its folder may name.
#[cfg(feature = "ort")]
use self::ort as onnx_runtime;
use serde::{Deserialize, Serialize};

use crate::model::{Card, Stage, Tensor, TensorInfo};

/// Shared libraries that engines need and nothing searches for.
#[derive(Debug, Clone, Default)]
pub struct Libraries {
    /// ONNX Runtime.
    pub onnxruntime: Option<std::path::PathBuf>,
}

/// The variable that names ONNX Runtime's library, here and in every program that uses the
/// same crate.
pub const ONNXRUNTIME: &str = "ORT_DYLIB_PATH";

/// The engines in this build, with no library named.
#[must_use]
pub fn available() -> Vec<Box<dyn Engine>> {
    available_with(&Libraries::default())
}

/// The engines in this build. No library is opened before a model is loaded.
#[must_use]
pub fn available_with(libraries: &Libraries) -> Vec<Box<dyn Engine>> {
    ENGINES.iter().map(|make| make(libraries)).collect()
}

/// Makes an engine, and opens nothing.
type Make = fn(&Libraries) -> Box<dyn Engine>;

/// The house's own first: the first of them is what runs where nobody asks for another.
const ENGINES: &[Make] = &[
    |_| Box::new(native::Native),
    #[cfg(feature = "tract")]
    |_| Box::new(tract::Tract),
    #[cfg(feature = "ort")]
    |libraries| Box::new(onnx_runtime::cpu(libraries)),
    #[cfg(feature = "ort")]
    |libraries| Box::new(onnx_runtime::xnnpack(libraries)),
    #[cfg(feature = "ort")]
    |libraries| Box::new(onnx_runtime::cuda(libraries)),
    #[cfg(feature = "ort")]
    |libraries| Box::new(onnx_runtime::tensorrt(libraries)),
];

/// Which part of a graph to run, and how.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// Prune the graph to these outputs, in this order; all where `None`.
    pub outputs: Option<Vec<String>>,
    /// Shapes of inputs whose dimensions are symbolic, by name; otherwise a symbolic
    /// dimension is 1.
    pub input_shapes: Vec<(String, Vec<usize>)>,
    /// Threads; 0 and 1 both mean one.
    pub threads: u16,
}

/// A convolution that stays in floating point although codes stand before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfused {
    /// The operator that stopped the fusion.
    pub op: String,
    /// The convolution's node.
    pub node: String,
    /// What that operator does to the codes.
    pub why: String,
}

/// The engine that runs a model where nobody asks for one by name: the first of the house
/// that does.
///
/// # Errors
/// Why the last of them does not run it; [`EngineError`] of stage [`Stage::Load`] where there
/// is none.
pub fn choose<'e>(
    engines: &'e [Box<dyn Engine>],
    model: &[u8],
) -> Result<&'e dyn Engine, EngineError> {
    let mut refusal = EngineError::new(Stage::Load, "this build has no inference engine");
    for engine in engines.iter().filter(|engine| engine.is_of_the_house()) {
        match engine.convolutions(model) {
            Ok(_) => return Ok(&**engine),
            Err(error) => refusal = error,
        }
    }
    Err(refusal)
}

/// An inference engine.
pub trait Engine: std::fmt::Debug + Send + Sync {
    /// Name with the execution provider, such as `tract-cpu`.
    fn name(&self) -> &'static str;
    /// Whether it may be chosen without being named: it needs nothing but this program.
    fn is_of_the_house(&self) -> bool {
        true
    }
    /// Version, part of every trial's key.
    fn version(&self) -> String;
    /// Instruction sets its kernels use on this processor, part of every trial's key.
    fn isa(&self) -> String;
    /// Operators of this card that the engine does not run, as `Op` or `domain:Op`.
    fn unsupported(&self, card: &Card) -> Vec<String>;
    /// Convolutions of a validated model that would run on integers, and in floating point.
    /// Counted in the file as this engine rewrites it: the engine's own code never sees it,
    /// so this is safe in a process that must not hang or die.
    ///
    /// # Errors
    /// [`EngineError`] names the operator that the engine does not run.
    fn convolutions(&self, model: &[u8]) -> Result<(u64, u64), EngineError>;
    /// Convolutions of a validated model that stay in floating point although their input is
    /// quantised, as far as the engine knows; as safe as [`convolutions`](Self::convolutions).
    ///
    /// # Errors
    /// [`EngineError`] names the operator that the engine does not run.
    fn unfused(&self, model: &[u8]) -> Result<Vec<Unfused>, EngineError> {
        let _ = model;
        Ok(Vec::new())
    }
    /// Reads a validated model. `model` is a whole ONNX file, external data joined.
    ///
    /// # Errors
    /// [`EngineError`] names the stage and, where it can, the operator.
    fn load(&self, model: &[u8], options: &LoadOptions) -> Result<Box<dyn Loaded>, EngineError>;
    /// A model from what [`Loaded::keep`] gave when it was loaded with the same options; none
    /// where this is no such thing, whatever it is.
    fn recall(&self, kept: &[u8], options: &LoadOptions) -> Option<Box<dyn Loaded>> {
        let _ = (kept, options);
        None
    }
}

/// A graph that was read and not yet optimised.
pub trait Loaded: std::fmt::Debug {
    /// Optimises it into something that runs.
    ///
    /// # Errors
    /// [`EngineError`] of stage [`Stage::Optimise`].
    fn optimise(self: Box<Self>) -> Result<Box<dyn Session>, EngineError>;
    /// A form from which the engine loads it faster the next time, where it has one.
    fn keep(&self) -> Option<Vec<u8>> {
        None
    }
}

/// A graph ready to run.
pub trait Session: std::fmt::Debug {
    /// Its inputs, in the order that [`Session::run`] takes them.
    fn inputs(&self) -> &[TensorInfo];
    /// Its outputs, in the order that [`Session::run`] gives them.
    fn outputs(&self) -> &[TensorInfo];
    /// One inference.
    ///
    /// # Errors
    /// [`EngineError`] of stage [`Stage::Run`].
    fn run(&mut self, inputs: &[Tensor]) -> Result<Vec<Tensor>, EngineError>;
    /// Convolutions that run on integers, and those that run in floating point.
    fn convolutions(&self) -> (u64, u64);
}
