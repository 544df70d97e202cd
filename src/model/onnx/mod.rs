//! ONNX messages: the part of `onnx.proto3` (IR version 10) that models use.
//!
//! Field numbers are those of the published schema
//! (<https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3>); unknown fields are skipped
//! when reading and so lost when writing.

mod build;
mod messages;
mod node;
mod tensor_data;

pub use messages::{
    Attribute, AttributeType, Dimension, DimensionValue, Entry, Graph, Model, Node, OperatorSet,
    Shape, TensorData, TensorType, Type, TypeValue, ValueInfo,
};
