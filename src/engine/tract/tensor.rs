//! Tensors across the engine's door.

use half::{bf16, f16};
use tract_onnx::prelude::*;

use crate::engine::EngineError;
use crate::engine::lower::is_half;
use crate::model::{self, Dtype, Stage};

fn fault(reason: String) -> EngineError {
    EngineError::new(Stage::Run, reason)
}

fn read<const N: usize, T: Datum + Copy>(
    tensor: &model::Tensor,
    element: impl Fn([u8; N]) -> T,
) -> TractResult<Tensor> {
    let values: Vec<T> =
        tensor.data.as_chunks::<N>().0.iter().map(|&chunk| element(chunk)).collect();
    Tensor::from_shape(&tensor.shape, &values)
}

/// Ours to tract's; half precision becomes single.
pub(super) fn to_tract(tensor: &model::Tensor) -> Result<Tensor, EngineError> {
    let made = match tensor.dtype {
        Dtype::Float32 => read(tensor, f32::from_le_bytes),
        Dtype::Float16 => read(tensor, |b| f16::from_le_bytes(b).to_f32()),
        Dtype::BFloat16 => read(tensor, |b| bf16::from_le_bytes(b).to_f32()),
        Dtype::Float64 => read(tensor, f64::from_le_bytes),
        Dtype::Int8 => read(tensor, i8::from_le_bytes),
        Dtype::UInt8 => read(tensor, u8::from_le_bytes),
        Dtype::Int16 => read(tensor, i16::from_le_bytes),
        Dtype::UInt16 => read(tensor, u16::from_le_bytes),
        Dtype::Int32 => read(tensor, i32::from_le_bytes),
        Dtype::UInt32 => read(tensor, u32::from_le_bytes),
        Dtype::Int64 => read(tensor, i64::from_le_bytes),
        Dtype::UInt64 => read(tensor, u64::from_le_bytes),
        Dtype::Bool => read(tensor, |[b]: [u8; 1]| b != 0),
        Dtype::String | Dtype::Other => {
            return Err(fault(format!(
                "tensors of type {} are not supported",
                tensor.dtype.name()
            )));
        }
    };
    made.map_err(|error| fault(format!("input of shape {:?}: {error}", tensor.shape)))
}

/// The element type of ours; none where there is none.
pub(super) fn dtype(datum: DatumType) -> Dtype {
    match datum {
        DatumType::F32 => Dtype::Float32,
        DatumType::F16 => Dtype::Float16,
        DatumType::F64 => Dtype::Float64,
        DatumType::I8 => Dtype::Int8,
        DatumType::U8 => Dtype::UInt8,
        DatumType::I16 => Dtype::Int16,
        DatumType::U16 => Dtype::UInt16,
        DatumType::I32 => Dtype::Int32,
        DatumType::U32 => Dtype::UInt32,
        DatumType::I64 | DatumType::TDim => Dtype::Int64,
        DatumType::U64 => Dtype::UInt64,
        DatumType::Bool => Dtype::Bool,
        DatumType::String => Dtype::String,
        _ => Dtype::Other,
    }
}

fn write<const N: usize, T: Datum + Copy>(
    tensor: &Tensor,
    bytes: impl Fn(T) -> [u8; N],
) -> TractResult<Vec<u8>> {
    Ok(tensor.try_as_plain_ram()?.as_slice::<T>()?.iter().flat_map(|&value| bytes(value)).collect())
}

fn bytes(tensor: &Tensor, wanted: Dtype) -> TractResult<Vec<u8>> {
    match (tensor.datum_type(), wanted) {
        (DatumType::F32, Dtype::Float16) => write(tensor, |v| f16::from_f32(v).to_le_bytes()),
        (DatumType::F32, Dtype::BFloat16) => write(tensor, |v| bf16::from_f32(v).to_le_bytes()),
        (DatumType::F32, _) => write(tensor, f32::to_le_bytes),
        (DatumType::F64, _) => write(tensor, f64::to_le_bytes),
        (DatumType::I8, _) => write(tensor, i8::to_le_bytes),
        (DatumType::U8, _) => write(tensor, u8::to_le_bytes),
        (DatumType::I16, _) => write(tensor, i16::to_le_bytes),
        (DatumType::U16, _) => write(tensor, u16::to_le_bytes),
        (DatumType::I32, _) => write(tensor, i32::to_le_bytes),
        (DatumType::U32, _) => write(tensor, u32::to_le_bytes),
        (DatumType::U64, _) => write(tensor, u64::to_le_bytes),
        (DatumType::I64, _) => write(tensor, i64::to_le_bytes),
        (DatumType::TDim, _) => write(tensor.cast_to::<i64>()?.as_ref(), i64::to_le_bytes),
        (DatumType::Bool, _) => write(tensor, |v: bool| [u8::from(v)]),
        (other, _) => {
            tract_onnx::tract_core::internal::bail!("outputs of type {other:?} are not supported")
        }
    }
}

/// tract's to ours, in half precision where that was declared.
pub(super) fn from_tract(tensor: &Tensor, wanted: Dtype) -> Result<model::Tensor, EngineError> {
    let data = bytes(tensor, wanted).map_err(|error| fault(error.to_string()))?;
    let dtype = if is_half(wanted) { wanted } else { dtype(tensor.datum_type()) };
    Ok(model::Tensor { dtype, shape: tensor.shape().to_vec(), data })
}
