//! Elements of a `TensorProto`, wherever the file keeps them, and tensors made of ours.

use std::borrow::Cow;

use super::TensorData;
use crate::model::{Dtype, Tensor, dtype};

impl TensorData {
    /// From a tensor, its elements as raw little-endian bytes.
    #[must_use]
    pub fn from_tensor(name: &str, tensor: &Tensor) -> Self {
        Self::raw(name, tensor.dtype, &tensor.shape, tensor.data.clone())
    }

    /// From raw little-endian elements.
    #[must_use]
    pub fn raw(name: &str, dtype: Dtype, shape: &[usize], data: Vec<u8>) -> Self {
        Self {
            name: name.to_owned(),
            dims: shape.iter().map(|dim| i64::try_from(*dim).unwrap_or(i64::MAX)).collect(),
            data_type: dtype.onnx(),
            raw_data: data,
            ..Self::default()
        }
    }

    /// From single-precision values.
    #[must_use]
    pub fn from_f32(name: &str, shape: &[usize], values: &[f32]) -> Self {
        let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self::raw(name, Dtype::Float32, shape, data)
    }

    /// From 64-bit integers.
    #[must_use]
    pub fn from_i64(name: &str, shape: &[usize], values: &[i64]) -> Self {
        let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self::raw(name, Dtype::Int64, shape, data)
    }

    /// From 32-bit integers.
    #[must_use]
    pub fn from_i32(name: &str, shape: &[usize], values: &[i32]) -> Self {
        let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self::raw(name, Dtype::Int32, shape, data)
    }

    /// From signed bytes.
    #[must_use]
    pub fn from_i8(name: &str, shape: &[usize], values: &[i8]) -> Self {
        let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self::raw(name, Dtype::Int8, shape, data)
    }

    /// From unsigned bytes.
    #[must_use]
    pub fn from_u8(name: &str, shape: &[usize], values: &[u8]) -> Self {
        Self::raw(name, Dtype::UInt8, shape, values.to_vec())
    }

    /// Element type.
    #[must_use]
    pub fn dtype(&self) -> Dtype {
        Dtype::from_onnx(self.data_type)
    }

    /// Dimensions; none if one is negative.
    #[must_use]
    pub fn shape(&self) -> Option<Vec<usize>> {
        self.dims.iter().map(|dim| usize::try_from(*dim).ok()).collect()
    }

    /// Number of elements that the dimensions claim; none if one is negative or the product
    /// does not fit.
    #[must_use]
    pub fn count(&self) -> Option<usize> {
        self.dims
            .iter()
            .try_fold(1usize, |count, dim| count.checked_mul(usize::try_from(*dim).ok()?))
    }

    /// Whether the elements are in another file.
    #[must_use]
    pub fn is_external(&self) -> bool {
        self.data_location == 1 || !self.external_data.is_empty()
    }

    /// All elements as little-endian bytes; none if they are in another file, are strings or
    /// of an odd type, or are not as many as the dimensions claim.
    #[must_use]
    pub fn bytes(&self) -> Option<Cow<'_, [u8]>> {
        if self.is_external() {
            return None;
        }
        let wanted = self.count()?.checked_mul(self.dtype().size()?)?;
        let bytes = if self.raw_data.is_empty() {
            Cow::Owned(self.typed_bytes())
        } else {
            Cow::Borrowed(self.raw_data.as_slice())
        };
        (bytes.len() == wanted).then_some(bytes)
    }

    fn typed_bytes(&self) -> Vec<u8> {
        let narrow = |size: usize| {
            self.int32_data.iter().flat_map(move |value| value.to_le_bytes().into_iter().take(size))
        };
        match self.dtype() {
            Dtype::Float32 => self.float_data.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Dtype::Float64 => self.double_data.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Dtype::Int64 => self.int64_data.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Dtype::UInt64 => self.uint64_data.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Dtype::UInt32 => {
                self.uint64_data.iter().flat_map(|v| v.to_le_bytes().into_iter().take(4)).collect()
            }
            Dtype::String | Dtype::Other => Vec::new(),
            dtype => narrow(dtype.size().unwrap_or(0)).collect(),
        }
    }

    /// The elements as single precision, under the conditions of [`TensorData::bytes`].
    #[must_use]
    pub fn to_f32(&self) -> Option<Vec<f32>> {
        dtype::to_f32(self.dtype(), &self.bytes()?)
    }

    /// The elements as whole numbers, under the conditions of [`TensorData::bytes`].
    #[must_use]
    pub fn to_i64(&self) -> Option<Vec<i64>> {
        dtype::to_i64(self.dtype(), &self.bytes()?)
    }

    /// As a tensor of ours, under the conditions of [`TensorData::bytes`].
    #[must_use]
    pub fn to_tensor(&self) -> Option<Tensor> {
        let data = self.bytes()?.into_owned();
        Some(Tensor { dtype: self.dtype(), shape: self.shape()?, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_fields_and_raw_bytes_read_alike() {
        let raw = TensorData::from_i8("t", &[2], &[-1, 5]);
        let typed = TensorData {
            dims: vec![2],
            data_type: Dtype::Int8.onnx(),
            int32_data: vec![-1, 5],
            ..TensorData::default()
        };
        assert_eq!(raw.bytes(), typed.bytes());
        assert_eq!(typed.to_i64(), Some(vec![-1, 5]));
        assert_eq!(typed.to_f32(), Some(vec![-1.0, 5.0]));
    }

    #[test]
    fn claims_that_the_data_does_not_keep_read_as_none() {
        let mut tensor = TensorData::from_f32("t", &[2], &[1.0, 2.0]);
        assert_eq!(tensor.to_tensor(), Some(Tensor::from_f32(vec![2], &[1.0, 2.0])));
        tensor.dims = vec![i64::MAX, i64::MAX];
        assert_eq!((tensor.count(), tensor.bytes()), (None, None));
        tensor.dims = vec![-2];
        assert_eq!(tensor.to_f32(), None);
        tensor.dims = vec![3];
        assert_eq!(tensor.to_f32(), None);
    }

    #[test]
    fn a_scalar_has_one_element() {
        assert_eq!(TensorData::from_i64("t", &[], &[9]).to_i64(), Some(vec![9]));
    }
}
