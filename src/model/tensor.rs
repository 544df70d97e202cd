//! A tensor outside any engine: raw little-endian bytes with a type and a shape.

use serde::{Deserialize, Serialize};

use super::{Dtype, dtype};

/// A dense, row-major tensor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tensor {
    /// Element type.
    pub dtype: Dtype,
    /// Dimensions.
    pub shape: Vec<usize>,
    /// Little-endian elements, row by row. A string is its length in bytes (`u32`)
    /// followed by its UTF-8.
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

    /// From whole numbers; their number must be the product of `shape`.
    #[must_use]
    pub fn from_i64(shape: Vec<usize>, values: &[i64]) -> Self {
        debug_assert_eq!(shape.iter().product::<usize>(), values.len());
        let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { dtype: Dtype::Int64, shape, data }
    }

    /// A vector of strings.
    #[must_use]
    pub fn from_strings(values: &[String]) -> Self {
        let mut data = Vec::new();
        for value in values {
            let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
            data.extend(length.to_le_bytes());
            data.extend(value.bytes().take(length as usize));
        }
        Self { dtype: Dtype::String, shape: vec![values.len()], data }
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

    /// The elements as single precision; none for strings and types without a name.
    #[must_use]
    pub fn to_f32(&self) -> Option<Vec<f32>> {
        dtype::to_f32(self.dtype, &self.data)
    }

    /// The elements as whole numbers; none where they are not.
    #[must_use]
    pub fn to_i64(&self) -> Option<Vec<i64>> {
        dtype::to_i64(self.dtype, &self.data)
    }

    /// The elements as strings; none where they are not.
    #[must_use]
    pub fn to_strings(&self) -> Option<Vec<String>> {
        if self.dtype != Dtype::String {
            return None;
        }
        let mut rest = self.data.as_slice();
        let mut strings = Vec::new();
        while let Some((length, tail)) = rest.split_first_chunk::<4>() {
            let (text, tail) = tail.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            strings.push(String::from_utf8_lossy(text).into_owned());
            rest = tail;
        }
        Some(strings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_round_trip() {
        let words = ["".to_owned(), "zwölf".to_owned()];
        assert_eq!(Tensor::from_strings(&words).to_strings(), Some(words.to_vec()));
        assert_eq!(Tensor::from_i64(vec![1], &[3]).to_strings(), None);
    }

    #[test]
    fn numbers_convert() {
        let tensor = Tensor::from_i64(vec![2], &[3, -4]);
        assert_eq!(tensor.to_f32(), Some(vec![3.0, -4.0]));
        assert_eq!(tensor.to_i64(), Some(vec![3, -4]));
    }
}
