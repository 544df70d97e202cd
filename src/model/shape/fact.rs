//! What is known of one tensor.

use crate::model::onnx::TensorData;
use crate::model::{Dtype, dtype};

/// Constants of more elements than this are not followed: shapes and axes are short, and a
/// long chain of nodes must not keep many copies of a long one.
pub(super) const LONGEST: usize = 64;
/// More dimensions than this are not followed, for the same reason.
pub(crate) const MOST_DIMENSIONS: usize = 64;

/// Type, shape and, for small constants, value of a tensor; `None` is unknown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fact {
    /// Element type.
    pub dtype: Option<Dtype>,
    /// Dimensions.
    pub shape: Option<Vec<u64>>,
    /// Elements, row by row.
    pub value: Option<Value>,
    /// Whether it follows from constants alone.
    pub constant: bool,
}

/// Elements of a small constant.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Whole numbers and booleans.
    Ints(Vec<i64>),
    /// Floating point.
    Floats(Vec<f32>),
}

impl Fact {
    /// Of this type and shape.
    pub(super) fn new(dtype: Option<Dtype>, shape: Option<Vec<u64>>) -> Self {
        Self { dtype, shape, ..Self::default() }
    }

    /// Of a constant tensor, with its value if that is small.
    pub(super) fn constant(tensor: &TensorData) -> Self {
        let small = tensor.count().is_some_and(|count| count <= LONGEST);
        let value = if small { Value::of(tensor) } else { None };
        let shape = tensor.dims.iter().map(|dim| u64::try_from(*dim).ok()).collect();
        Self { dtype: Some(tensor.dtype()), shape, value, constant: true }.bounded()
    }

    /// A vector of 64-bit integers whose values are known.
    pub(super) fn ints(values: Vec<i64>) -> Self {
        let shape = Some(vec![values.len() as u64]);
        Self { dtype: Some(Dtype::Int64), shape, value: Some(Value::Ints(values)), constant: true }
    }

    /// The same fact with a value, if it is small and as long as the shape says.
    pub(super) fn with_value(mut self, value: Option<Value>) -> Self {
        let count = self.count();
        let fits = |value: &Value| value.len() <= LONGEST && Some(value.len() as u64) == count;
        self.value = value.filter(fits);
        self
    }

    /// The same fact without a shape of absurdly many dimensions.
    pub(super) fn bounded(mut self) -> Self {
        self.shape = self.shape.filter(|shape| shape.len() <= MOST_DIMENSIONS);
        self
    }

    /// Number of elements; none where the shape is unknown or the number does not fit.
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        self.shape.as_ref()?.iter().try_fold(1u64, |count, dim| count.checked_mul(*dim))
    }

    /// Size; none where type or shape is unknown. More than fits counts as the largest number.
    #[must_use]
    pub fn bytes(&self) -> Option<u64> {
        let size = self.dtype?.size()? as u64;
        let mut dims = self.shape.as_ref()?.iter();
        if self.shape.as_ref()?.contains(&0) {
            return Some(0);
        }
        Some(dims.try_fold(size, |bytes, dim| bytes.checked_mul(*dim)).unwrap_or(u64::MAX))
    }
}

impl Value {
    fn of(tensor: &TensorData) -> Option<Self> {
        let bytes = tensor.bytes()?;
        let whole = dtype::to_i64(tensor.dtype(), &bytes).map(Self::Ints);
        whole.or_else(|| dtype::to_f32(tensor.dtype(), &bytes).map(Self::Floats))
    }

    fn len(&self) -> usize {
        match self {
            Self::Ints(values) => values.len(),
            Self::Floats(values) => values.len(),
        }
    }
}
