//! A tensor outside any engine: raw little-endian bytes with a type and a shape.

use serde::{Deserialize, Serialize};

use super::Dtype;

/// A dense, row-major tensor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tensor {
    /// Element type.
    pub dtype: Dtype,
    /// Dimensions.
    pub shape: Vec<usize>,
    /// Little-endian elements, row by row.
    pub data: Vec<u8>,
}

impl Tensor {
    /// From single-precision values; their number must be the product of `shape`.
    #[must_use]
    pub fn from_f32(shape: Vec<usize>, values: &[f32]) -> Self {
        debug_assert_eq!(shape.iter().product::<usize>(), values.len());
        let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { dtype: Dtype::Float32, shape, data }
    }

    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
