//! Tensors across ONNX Runtime's door. Inputs are written into tensors that the session
//! keeps, outputs are copied out; neither changes a value.

use std::fmt::Debug;

use half::{bf16, f16};
use ort::memory::Allocator;
use ort::value::{
    DynTensor, DynTensorValueType, DynValue, PrimitiveTensorElementType, TensorElementType,
    ValueType,
};

use super::wrong;
use crate::engine::EngineError;
use crate::model::{Dtype, Stage, Tensor, TensorInfo};

const TYPES: &[(TensorElementType, Dtype)] = &[
    (TensorElementType::Float32, Dtype::Float32),
    (TensorElementType::Float64, Dtype::Float64),
    (TensorElementType::Float16, Dtype::Float16),
    (TensorElementType::Bfloat16, Dtype::BFloat16),
    (TensorElementType::Int8, Dtype::Int8),
    (TensorElementType::Uint8, Dtype::UInt8),
    (TensorElementType::Int16, Dtype::Int16),
    (TensorElementType::Uint16, Dtype::UInt16),
    (TensorElementType::Int32, Dtype::Int32),
    (TensorElementType::Uint32, Dtype::UInt32),
    (TensorElementType::Int64, Dtype::Int64),
    (TensorElementType::Uint64, Dtype::UInt64),
    (TensorElementType::Bool, Dtype::Bool),
    (TensorElementType::String, Dtype::String),
];

fn unsupported(dtype: Dtype) -> EngineError {
    let reason = format!("tensors of type {} are not supported", dtype.name());
    EngineError::new(Stage::Run, reason)
}

/// An output as ONNX Runtime describes it.
pub(super) fn describe(name: &str, kind: &ValueType) -> TensorInfo {
    let dtype = kind.tensor_type().map_or(Dtype::Other, dtype);
    let shape = kind.tensor_shape().map(|shape| shape.iter().map(|&dim| u64::try_from(dim).ok()));
    TensorInfo { name: name.to_owned(), dtype, shape: shape.into_iter().flatten().collect() }
}

fn dtype(element: TensorElementType) -> Dtype {
    TYPES.iter().find(|entry| entry.0 == element).map_or(Dtype::Other, |entry| entry.1)
}

/// Room for one input.
///
/// # Errors
/// [`EngineError`] of stage [`Stage::Optimise`]: a string, an open dimension, no memory.
pub(super) fn room(info: &TensorInfo) -> Result<DynTensor, EngineError> {
    let entry = TYPES.iter().find(|entry| entry.1 == info.dtype && info.dtype != Dtype::String);
    let (element, _) = entry.ok_or_else(|| unsupported(info.dtype))?;
    let shape: Option<Vec<i64>> =
        info.shape.iter().map(|dim| dim.and_then(|dim| i64::try_from(dim).ok())).collect();
    let shape = shape.ok_or_else(|| {
        EngineError::new(Stage::Optimise, format!("input {} has an open dimension", info.name))
    })?;
    DynTensor::new(&Allocator::default(), *element, shape)
        .map_err(|error| wrong(Stage::Optimise, &error))
}

fn write<const N: usize, T: PrimitiveTensorElementType + Debug>(
    room: &mut DynTensor,
    tensor: &Tensor,
    element: impl Fn([u8; N]) -> T,
) -> ort::Result<()> {
    let (_, places) = room.try_extract_tensor_mut::<T>()?;
    for (place, bytes) in places.iter_mut().zip(tensor.data.as_chunks::<N>().0) {
        *place = element(*bytes);
    }
    Ok(())
}

/// Writes a checked input into its room.
pub(super) fn fill(room: &mut DynTensor, tensor: &Tensor) -> Result<(), EngineError> {
    let done = match tensor.dtype {
        Dtype::Float32 => write(room, tensor, f32::from_le_bytes),
        Dtype::Float64 => write(room, tensor, f64::from_le_bytes),
        Dtype::Float16 => write(room, tensor, f16::from_le_bytes),
        Dtype::BFloat16 => write(room, tensor, bf16::from_le_bytes),
        Dtype::Int8 => write(room, tensor, i8::from_le_bytes),
        Dtype::UInt8 => write(room, tensor, u8::from_le_bytes),
        Dtype::Int16 => write(room, tensor, i16::from_le_bytes),
        Dtype::UInt16 => write(room, tensor, u16::from_le_bytes),
        Dtype::Int32 => write(room, tensor, i32::from_le_bytes),
        Dtype::UInt32 => write(room, tensor, u32::from_le_bytes),
        Dtype::Int64 => write(room, tensor, i64::from_le_bytes),
        Dtype::UInt64 => write(room, tensor, u64::from_le_bytes),
        Dtype::Bool => write(room, tensor, |[byte]: [u8; 1]| byte != 0),
        Dtype::String | Dtype::Other => return Err(unsupported(tensor.dtype)),
    };
    done.map_err(|error| wrong(Stage::Run, &error))
}

fn read<const N: usize, T: PrimitiveTensorElementType + Copy>(
    value: &DynTensor,
    bytes: impl Fn(T) -> [u8; N],
) -> ort::Result<Vec<u8>> {
    let (_, elements) = value.try_extract_tensor::<T>()?;
    // A shape that the compiler makes one copy of: large outputs are timed too.
    let mut data = vec![0; elements.len() * N];
    for (place, element) in data.as_chunks_mut::<N>().0.iter_mut().zip(elements) {
        *place = bytes(*element);
    }
    Ok(data)
}

/// One output, copied.
pub(super) fn take(value: DynValue) -> Result<Tensor, EngineError> {
    let value =
        value.downcast::<DynTensorValueType>().map_err(|error| wrong(Stage::Run, &error))?;
    let dtype = dtype(*value.data_type());
    let data = match dtype {
        Dtype::Float32 => read(&value, f32::to_le_bytes),
        Dtype::Float64 => read(&value, f64::to_le_bytes),
        Dtype::Float16 => read(&value, f16::to_le_bytes),
        Dtype::BFloat16 => read(&value, bf16::to_le_bytes),
        Dtype::Int8 => read(&value, i8::to_le_bytes),
        Dtype::UInt8 => read(&value, u8::to_le_bytes),
        Dtype::Int16 => read(&value, i16::to_le_bytes),
        Dtype::UInt16 => read(&value, u16::to_le_bytes),
        Dtype::Int32 => read(&value, i32::to_le_bytes),
        Dtype::UInt32 => read(&value, u32::to_le_bytes),
        Dtype::Int64 => read(&value, i64::to_le_bytes),
        Dtype::UInt64 => read(&value, u64::to_le_bytes),
        Dtype::Bool => read(&value, |truth: bool| [u8::from(truth)]),
        Dtype::String | Dtype::Other => return Err(unsupported(dtype)),
    };
    let data = data.map_err(|error| wrong(Stage::Run, &error))?;
    let shape = value.shape().iter().map(|&dim| usize::try_from(dim).unwrap_or(0)).collect();
    Ok(Tensor { dtype, shape, data })
}
