//! Floor 2: candidate files.
//!
//! ONNX messages have their one owner here, with the validator that stands before
//! any engine, the card (what a model is made of, without running it), the sidecar
//! manifest, and the zoo.

mod candidate;
mod dtype;
mod image;
mod manifest;
pub mod npz;
pub mod onnx;
mod tensor;

pub use candidate::{
    Affinity, Candidate, Card, Config, Dtype, Quantization, Rejection, Source, Stage, TensorInfo,
};
pub use dtype::element_bits;
pub use image::{Image, golden_image};
pub use manifest::{Golden, Head, Layout, Manifest, Outputs, Preprocess, SourceTask};
pub use tensor::Tensor;
