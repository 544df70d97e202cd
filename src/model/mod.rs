//! Floor 2: candidate files.
//!
//! ONNX messages have their one owner here, with the validator that stands before
//! any engine, the card (what a model is made of, without running it), the sidecar
//! manifest, and the zoo.

mod axis;
mod candidate;
mod card;
pub mod demo;
mod dtype;
mod error;
mod extractor;
mod image;
mod manifest;
pub mod npz;
pub mod onnx;
mod quant;
mod ranker;
mod shape;
mod sidecar;
mod tensor;
mod validate;
mod zoo;

pub use axis::{configured, model_name};
pub use candidate::{
    Affinity, Candidate, Card, Config, Dtype, Kind, Quantization, Rejection, Source, Stage,
    TensorInfo, Work,
};
pub use card::{Elements, card, elements};
pub use dtype::element_bits;
pub use error::ModelError;
pub use extractor::extractor;
pub use image::{Image, golden_image};
pub use manifest::{Golden, Head, Layout, Manifest, Outputs, Preprocess, SourceTask};
pub use ranker::{FUSION, SHADOW, SPIDER};
pub(crate) use shape::place;
pub use shape::{Fact, Shapes, Value, shapes};
pub use sidecar::with_behaviour;
pub use tensor::Tensor;
pub use validate::validate;
pub use zoo::{bundled, open, probes, probes_digest};
