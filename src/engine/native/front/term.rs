//! What a name of the file stands for.

use std::rc::Rc;

use crate::engine::native::ir::{Id, Quantised};
use crate::engine::quantize::Dequantize;
use crate::model::Dtype;
use crate::model::onnx::TensorData;

/// What a name of the file stands for.
#[derive(Debug, Clone)]
pub(super) enum Term {
    /// A constant as the file holds it.
    Constant(Rc<TensorData>),
    /// The real numbers that a constant's integers stand for.
    Frozen(Rc<Frozen>),
    /// Reals or whole numbers computed.
    Value(Id),
    /// Codes computed, as integers.
    Codes(Id),
    /// The real numbers that computed codes stand for.
    View(Id),
}

/// A dequantised constant that still knows its integers.
#[derive(Debug, Clone)]
pub(super) struct Frozen {
    /// The integers.
    pub tensor: Rc<TensorData>,
    /// What they stand for.
    pub how: Dequantize,
}

impl Frozen {
    /// Its dimensions.
    pub(super) fn shape(&self) -> Option<Vec<usize>> {
        self.tensor.shape()
    }

    /// Its real numbers.
    pub(super) fn reals(&self) -> Option<Vec<f32>> {
        self.how.fold(&self.shape()?, &self.tensor.to_i64()?)
    }

    /// 8-bit codes of one quantisation, shifted to 0..=255.
    pub(super) fn codes(&self) -> Option<(Vec<u8>, Quantised)> {
        let ([scale], [zero]) = (self.how.scale.as_slice(), self.how.zero_point.as_slice()) else {
            return None;
        };
        let shift = shift(self.tensor.dtype())?;
        let zero = u8::try_from(zero.checked_add(i64::from(shift))?).ok()?;
        let bytes = self.tensor.bytes()?;
        let signed = self.tensor.dtype() == Dtype::Int8;
        let codes = bytes.iter().map(|byte| byte.wrapping_add(shift)).collect();
        Some((codes, Quantised { scale: *scale, zero, signed }))
    }
}

/// What is added to the integers of a type to have codes 0..=255; none if it is not 8-bit.
pub(super) fn shift(dtype: Dtype) -> Option<u8> {
    match dtype {
        Dtype::UInt8 => Some(0),
        Dtype::Int8 => Some(128),
        _ => None,
    }
}

impl Term {
    /// Dimensions of a constant.
    pub(super) fn constant_shape(&self) -> Option<Vec<usize>> {
        match self {
            Self::Constant(tensor) => tensor.shape(),
            Self::Frozen(frozen) => frozen.shape(),
            _ => None,
        }
    }

    /// Real numbers of a constant.
    pub(super) fn reals(&self) -> Option<Vec<f32>> {
        match self {
            Self::Constant(tensor) if tensor.dtype().is_float() => tensor.to_f32(),
            Self::Frozen(frozen) => frozen.reals(),
            _ => None,
        }
    }

    /// Whole numbers of a constant.
    pub(super) fn ints(&self) -> Option<Vec<i64>> {
        match self {
            Self::Constant(tensor) if !tensor.dtype().is_float() => tensor.to_i64(),
            _ => None,
        }
    }
}
