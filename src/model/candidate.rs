//! A candidate: a model file, how it would be run, and what is known without running it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Manifest, Outputs, Preprocess};
use crate::base::Digest;

/// A model that could be deployed here.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Stable name: the file name without `.onnx`.
    pub id: String,
    /// Where its bytes are.
    pub source: Source,
    /// Hash of what [`Candidate::read`] gives: of the file as it is, or of the whole model where
    /// external data had to be joined or nodes sorted.
    pub sha256: Digest,
    /// Size of the file (external data included).
    pub bytes: u64,
    /// How it would be run.
    pub config: Config,
    /// The sidecar, if there is one.
    pub manifest: Option<Manifest>,
    /// What it is made of; absent when the file could not be read.
    pub card: Option<Card>,
    /// Why it cannot be used, where that is known without running it.
    pub rejection: Option<Rejection>,
}

impl Candidate {
    /// The whole, validated model.
    ///
    /// # Errors
    /// The candidate's own rejection, or one of stage [`Stage::Read`] if its file is no longer
    /// the one that was validated.
    pub fn read(&self) -> Result<Vec<u8>, Rejection> {
        if let Some(rejection) = &self.rejection {
            return Err(rejection.clone());
        }
        let path = match &self.source {
            Source::Bundled(bytes) => return Ok(bytes.to_vec()),
            Source::Memory(bytes) => return Ok(bytes.to_vec()),
            Source::File(path) => path,
        };
        let refuse = |reason: String| Rejection {
            stage: Stage::Read,
            reason,
            help: Some("leave the zoo alone while it is measured, then try again".to_owned()),
        };
        let bytes = std::fs::read(path)
            .map_err(|error| refuse(format!("the file cannot be read: {error}")))?;
        if Digest::of(&bytes) != self.sha256 {
            return Err(refuse("the file changed after it was validated".to_owned()));
        }
        Ok(bytes)
    }

    /// How an image becomes its input: as its sidecar says, else the likeliest guess, which
    /// takes the same time as any other.
    #[must_use]
    pub fn preprocess(&self) -> Option<Preprocess> {
        self.preprocesses().into_iter().next()
    }

    /// What its sidecar says alone, else every guess: samples must tell which is right.
    #[must_use]
    pub fn preprocesses(&self) -> Vec<Preprocess> {
        let stated = self.manifest.as_ref().and_then(|manifest| manifest.preprocess.clone());
        let guesses = || self.card.as_ref().map(Preprocess::guesses).unwrap_or_default();
        stated.map_or_else(guesses, |stated| vec![stated])
    }

    /// The tensor that is the feature vector: as its sidecar says, else the card's tap.
    #[must_use]
    pub fn output_for_features(&self) -> Option<String> {
        let stated = self.outputs().and_then(|outputs| outputs.features.clone());
        stated.or_else(|| self.card.as_ref()?.feature_tap.clone())
    }

    /// The output that is the scores: as its sidecar says, else the last that looks like them.
    #[must_use]
    pub fn output_for_scores(&self) -> Option<String> {
        let stated = self.outputs().and_then(|outputs| outputs.scores.clone());
        let found = || Some(super::card::scores(&self.card.as_ref()?.outputs)?.name.clone());
        stated.or_else(found)
    }

    fn outputs(&self) -> Option<&Outputs> {
        self.manifest.as_ref()?.outputs.as_ref()
    }
}

/// Where a model's bytes are.
#[derive(Debug, Clone)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// In this program: the bundled zoo.
    Bundled(&'static [u8]),
    /// In memory: a model joined with its external tensors.
    Memory(Arc<[u8]>),
}

/// How a model is run. Its `id` is part of every trial's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// Engine and execution provider, such as `tract-cpu`.
    pub engine: String,
    /// Threads.
    pub threads: u16,
    /// Which cores.
    pub affinity: Affinity,
}

impl Config {
    /// Stands for an engine until the first one that runs the model is found.
    pub const AUTO: &'static str = "auto";

    /// Such as `tract-cpu/t1/any`.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}/t{}/{}", self.engine, self.threads, self.affinity.name())
    }
}

/// Which cores a model runs on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Affinity {
    /// Wherever the kernel puts it.
    Any,
    /// These logical processors.
    Cpus(Vec<u32>),
}

impl Affinity {
    /// `any`, or `cpu0+1`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Any => "any".to_owned(),
            Self::Cpus(cpus) => {
                let list: Vec<String> = cpus.iter().map(u32::to_string).collect();
                format!("cpu{}", list.join("+"))
            }
        }
    }
}

/// Why and where a candidate fell out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// Where.
    pub stage: Stage,
    /// Why, one line.
    pub reason: String,
    /// What to do about it, one sentence.
    pub help: Option<String>,
}

/// Stages at which a candidate can fall out, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Reading the file or its sidecar.
    Read,
    /// The validator.
    Validate,
    /// Operators that the engine does not run.
    Operators,
    /// The engine reads the graph.
    Load,
    /// The engine optimises it.
    Optimise,
    /// Golden vectors.
    Golden,
    /// The first inference.
    First,
    /// Steady inferences.
    Run,
    /// The task's samples.
    Observe,
    /// The process: memory, time, signals.
    Process,
}

impl Stage {
    /// Lower-case name, as in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Validate => "validate",
            Self::Operators => "operators",
            Self::Load => "load",
            Self::Optimise => "optimise",
            Self::Golden => "golden",
            Self::First => "first",
            Self::Run => "run",
            Self::Observe => "observe",
            Self::Process => "process",
        }
    }
}

/// What a model is made of, from its file alone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Card {
    /// ONNX opset of the default domain.
    pub opset: i64,
    /// Graph inputs that are not initializers.
    pub inputs: Vec<TensorInfo>,
    /// Graph outputs.
    pub outputs: Vec<TensorInfo>,
    /// Operator counts; operators of other domains as `domain:Op`.
    pub ops: BTreeMap<String, u64>,
    /// Elements of initializers that are weights (scales, zero points and shapes do not count).
    pub params: u64,
    /// Multiply-accumulates of one inference at batch 1; absent where a shape is unknown.
    pub macs: Option<u64>,
    /// What its nodes cost, in order, without those that cost nothing of their own; empty where
    /// a shape is unknown.
    #[serde(default)]
    pub work: Vec<Work>,
    /// Bytes of initializers per element type.
    pub weight_bytes: BTreeMap<String, u64>,
    /// Largest sum of live activations at batch 1 over the execution order; absent where a shape is unknown.
    pub peak_activation_bytes: Option<u64>,
    /// How it is quantised.
    pub quantization: Quantization,
    /// Tensor whose value is the feature vector, where one was found.
    pub feature_tap: Option<String>,
    /// Size of the feature vector at batch 1.
    pub feature_size: Option<u64>,
}

/// What one node costs at batch 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// What it does.
    pub kind: Kind,
    /// On eight bits rather than in floating point.
    pub int8: bool,
    /// Multiply-accumulates; of pools and pictures the elements that are looked at.
    pub ops: u64,
    /// Bytes that it reads and writes, weights included.
    pub bytes: u64,
}

/// Kinds of work that run at speeds of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Making a picture the model's input, channel by channel.
    Planes,
    /// The same, pixel by pixel.
    Pixels,
    /// A convolution of at most four channels, as of a picture: too few to be fast.
    Stem,
    /// A convolution over neighbours and channels.
    Convolution,
    /// One kernel per channel.
    Depthwise,
    /// A convolution of kernel 1.
    Pointwise,
    /// A product of matrices.
    Product,
    /// The largest or the mean of neighbours.
    Pool,
    /// Everything else: it moves memory.
    Other,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Planes,
        Self::Pixels,
        Self::Stem,
        Self::Convolution,
        Self::Depthwise,
        Self::Pointwise,
        Self::Product,
        Self::Pool,
        Self::Other,
    ];

    /// Lower-case name, as in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Planes => "planes",
            Self::Pixels => "pixels",
            Self::Stem => "stem",
            Self::Convolution => "convolution",
            Self::Depthwise => "depthwise",
            Self::Pointwise => "pointwise",
            Self::Product => "product",
            Self::Pool => "pool",
            Self::Other => "other",
        }
    }
}

/// Name, type and shape of a tensor. Unknown dimensions are `None`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorInfo {
    /// Name.
    pub name: String,
    /// Element type.
    pub dtype: Dtype,
    /// Shape.
    pub shape: Vec<Option<u64>>,
}

/// Element types, named as numpy names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Dtype {
    Float32,
    Float64,
    Float16,
    BFloat16,
    Int8,
    UInt8,
    Int16,
    UInt16,
    Int32,
    UInt32,
    Int64,
    UInt64,
    Bool,
    String,
    Other,
}

/// How a model is quantised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Quantization {
    #[serde(rename = "int8-qdq")]
    Int8Qdq,
    #[serde(rename = "int8-qoperator")]
    Int8QOperator,
    #[serde(rename = "int8-dynamic")]
    Int8Dynamic,
    #[serde(rename = "float32")]
    Float32,
    #[serde(rename = "float16")]
    Float16,
    #[serde(rename = "mixed")]
    Mixed,
}

impl Quantization {
    /// The name used in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Int8Qdq => "int8-qdq",
            Self::Int8QOperator => "int8-qoperator",
            Self::Int8Dynamic => "int8-dynamic",
            Self::Float32 => "float32",
            Self::Float16 => "float16",
            Self::Mixed => "mixed",
        }
    }
}
