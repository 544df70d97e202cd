//! Types of values, and small models made by code.

use super::{
    Dimension, DimensionValue, Graph, Model, Node, OperatorSet, Shape, TensorType, Type, TypeValue,
    ValueInfo,
};
use crate::model::{Dtype, TensorInfo};

/// IR version that files of ours declare.
const IR_VERSION: i64 = 8;

impl Model {
    /// A model of this graph in one version of the default operator set.
    #[must_use]
    pub fn of(opset: i64, graph: Graph) -> Self {
        Self {
            ir_version: IR_VERSION,
            producer_name: "umbra".to_owned(),
            graph: Some(graph),
            ..Self::default()
        }
        .with_opset("", opset)
    }

    /// The same model importing one more operator set.
    #[must_use]
    pub fn with_opset(mut self, domain: &str, version: i64) -> Self {
        self.opset_import.push(OperatorSet { domain: domain.to_owned(), version });
        self
    }

    /// Version of the default operator set; none if it is not imported.
    #[must_use]
    pub fn opset(&self) -> Option<i64> {
        let default = |set: &&OperatorSet| matches!(set.domain.as_str(), "" | "ai.onnx");
        self.opset_import.iter().find(default).map(|set| set.version)
    }
}

impl Graph {
    /// A graph of these nodes.
    #[must_use]
    pub fn of(inputs: Vec<ValueInfo>, nodes: Vec<Node>, outputs: Vec<ValueInfo>) -> Self {
        Self {
            name: "graph".to_owned(),
            input: inputs,
            node: nodes,
            output: outputs,
            ..Self::default()
        }
    }

    /// Inputs that are no initializers (old files list both).
    #[must_use]
    pub fn real_inputs(&self) -> Vec<&ValueInfo> {
        let constants: std::collections::HashSet<&str> =
            self.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
        self.input.iter().filter(|input| !constants.contains(input.name.as_str())).collect()
    }
}

impl ValueInfo {
    /// A tensor; a dimension of `None` is left open.
    #[must_use]
    pub fn tensor(name: &str, dtype: Dtype, dims: &[Option<u64>]) -> Self {
        let dimension = |dim: &Option<u64>| Dimension {
            value: dim.map(|n| DimensionValue::Number(i64::try_from(n).unwrap_or(i64::MAX))),
        };
        let shape = Shape { dim: dims.iter().map(dimension).collect() };
        let tensor = TensorType { elem_type: dtype.onnx(), shape: Some(shape) };
        let value = Some(TypeValue::Tensor(tensor));
        Self { name: name.to_owned(), r#type: Some(Type { value }) }
    }

    /// Its tensor type; none if it is a sequence, a map, an optional, or has no type.
    #[must_use]
    pub fn tensor_type(&self) -> Option<&TensorType> {
        let TypeValue::Tensor(tensor) = self.r#type.as_ref()?.value.as_ref()?;
        Some(tensor)
    }

    /// Its element type, [`Dtype::Other`] where it is none of ours.
    #[must_use]
    pub fn dtype(&self) -> Dtype {
        self.tensor_type().map_or(Dtype::Other, |tensor| Dtype::from_onnx(tensor.elem_type))
    }

    /// Its dimensions, `None` where they are open; none at all if even their number is.
    #[must_use]
    pub fn dims(&self) -> Option<Vec<Option<u64>>> {
        let shape = self.tensor_type()?.shape.as_ref()?;
        Some(shape.dim.iter().map(Dimension::number).collect())
    }

    /// As plain data; an unknown number of dimensions reads as no dimension.
    #[must_use]
    pub fn info(&self) -> TensorInfo {
        TensorInfo {
            name: self.name.clone(),
            dtype: self.dtype(),
            shape: self.dims().unwrap_or_default(),
        }
    }
}

impl Dimension {
    /// Its number, if it is one that makes sense; exporters write 0 and -1 for "open".
    fn number(&self) -> Option<u64> {
        match &self.value {
            Some(DimensionValue::Number(number)) => u64::try_from(*number).ok().filter(|n| *n > 0),
            _ => None,
        }
    }
}
