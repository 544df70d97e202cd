//! Scale and zero point of a quantised tensor, read from a node's constant inputs.

use crate::engine::EngineError;
use crate::engine::quantize::{Dequantize, Quantize};
use crate::model::Dtype;
use crate::model::onnx::Node;

use crate::engine::lower::draft::Draft;

/// Scale and zero point: one of each, or one per channel.
#[derive(Debug, Clone)]
pub(super) struct Parameters {
    pub scale: Vec<f32>,
    pub zero_point: Vec<i64>,
    /// Type of the zero point, which is that of the tensor; none where it is omitted.
    pub dtype: Option<Dtype>,
}

impl Parameters {
    /// Reads them from these two inputs of a node.
    pub(super) fn read(
        draft: &Draft,
        node: &Node,
        scale: usize,
        zero: usize,
    ) -> Result<Self, EngineError> {
        let fault = |why: &str| {
            let label = node.label();
            EngineError::operator(&node.op(), &format!("({label}) {why}"))
        };
        let name = node.input_at(scale).ok_or_else(|| fault("has no scale"))?;
        let scale =
            draft.floats(name).ok_or_else(|| fault("has a scale that is no float constant"))?;
        let (zero_point, dtype) = match node.input_at(zero) {
            None => (vec![0], None),
            Some(name) => {
                let values = draft.integers(name);
                let values = values.ok_or_else(|| fault("has a zero point that is no constant"))?;
                (values, draft.constants.get(name).map(|tensor| tensor.dtype()))
            }
        };
        let fits = |a: usize, b: usize| a > 0 && (a == b || a == 1);
        if !fits(scale.len(), zero_point.len()) && !fits(zero_point.len(), scale.len()) {
            return Err(fault("has scales and zero points of different lengths"));
        }
        Ok(Self { scale, zero_point, dtype })
    }

    /// The one scale; none where there are several.
    pub(super) fn scalar(&self) -> Option<f32> {
        if self.zero_point.len() > 1 {
            return None;
        }
        <[f32; 1]>::try_from(self.scale.as_slice()).ok().map(|[scale]| scale)
    }

    /// To the integers behind the real values: the codes less the zero point.
    pub(super) fn centre(&self, axis: i64) -> Dequantize {
        Dequantize { scale: vec![1.0], zero_point: self.zero_point.clone(), axis }
    }

    /// From real values.
    pub(super) fn quantize(&self, dtype: Dtype) -> Quantize {
        Quantize {
            scale: self.scale.clone(),
            zero_point: self.zero_point.clone(),
            axis: 0,
            multiply: false,
            dtype: self.dtype.unwrap_or(dtype),
        }
    }
}
