//! Element types: their ONNX codes, their sizes, and elements read from bytes.

use half::{bf16, f16};

use super::Dtype;

/// ONNX code, type, bits of one element.
const TYPES: &[(i32, Dtype, u32)] = &[
    (1, Dtype::Float32, 32),
    (2, Dtype::UInt8, 8),
    (3, Dtype::Int8, 8),
    (4, Dtype::UInt16, 16),
    (5, Dtype::Int16, 16),
    (6, Dtype::Int32, 32),
    (7, Dtype::Int64, 64),
    (9, Dtype::Bool, 8),
    (10, Dtype::Float16, 16),
    (11, Dtype::Float64, 64),
    (12, Dtype::UInt32, 32),
    (13, Dtype::UInt64, 64),
    (16, Dtype::BFloat16, 16),
];

/// Bits of one element of the types that numpy has no name for: complex, 8, 4 and 2 bit.
const ODD_TYPES: &[(i32, u32)] = &[
    (14, 64),
    (15, 128),
    (17, 8),
    (18, 8),
    (19, 8),
    (20, 8),
    (21, 4),
    (22, 4),
    (23, 4),
    (24, 8),
    (25, 2),
    (26, 2),
];

/// `TensorProto.DataType` of strings.
const STRING: i32 = 8;

impl Dtype {
    /// From `TensorProto.DataType`; what numpy has no name for is [`Dtype::Other`].
    #[must_use]
    pub fn from_onnx(code: i32) -> Self {
        if code == STRING {
            return Self::String;
        }
        TYPES.iter().find(|entry| entry.0 == code).map_or(Self::Other, |entry| entry.1)
    }

    /// `TensorProto.DataType`; 0 (undefined) for [`Dtype::Other`].
    #[must_use]
    pub fn onnx(self) -> i32 {
        if self == Self::String {
            return STRING;
        }
        TYPES.iter().find(|entry| entry.1 == self).map_or(0, |entry| entry.0)
    }

    /// Bytes of one element; none for strings and [`Dtype::Other`].
    #[must_use]
    pub fn size(self) -> Option<usize> {
        TYPES.iter().find(|entry| entry.1 == self).map(|entry| entry.2 as usize / 8)
    }

    /// The name numpy uses, as in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::Float16 => "float16",
            Self::BFloat16 => "bfloat16",
            Self::Int8 => "int8",
            Self::UInt8 => "uint8",
            Self::Int16 => "int16",
            Self::UInt16 => "uint16",
            Self::Int32 => "int32",
            Self::UInt32 => "uint32",
            Self::Int64 => "int64",
            Self::UInt64 => "uint64",
            Self::Bool => "bool",
            Self::String => "string",
            Self::Other => "other",
        }
    }

    /// Whether it is a floating-point type.
    #[must_use]
    pub fn is_float(self) -> bool {
        matches!(self, Self::Float32 | Self::Float64 | Self::Float16 | Self::BFloat16)
    }

    /// Whether it is a whole-number type (booleans do not count).
    #[must_use]
    pub fn is_integer(self) -> bool {
        matches!(
            self,
            Self::Int8
                | Self::UInt8
                | Self::Int16
                | Self::UInt16
                | Self::Int32
                | Self::UInt32
                | Self::Int64
                | Self::UInt64
        )
    }
}

/// Bits of one element of this `TensorProto.DataType`; none for strings and unknown codes.
#[must_use]
pub fn element_bits(code: i32) -> Option<u32> {
    let usual = TYPES.iter().find(|entry| entry.0 == code).map(|entry| entry.2);
    usual.or_else(|| ODD_TYPES.iter().find(|entry| entry.0 == code).map(|entry| entry.1))
}

/// One element type as Rust reads it.
fn read<const N: usize, T>(bytes: &[u8], element: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|chunk| element(*chunk)).collect()
}

/// Little-endian elements as single precision; none for strings and [`Dtype::Other`].
#[must_use]
pub(crate) fn to_f32(dtype: Dtype, bytes: &[u8]) -> Option<Vec<f32>> {
    Some(match dtype {
        Dtype::Float32 => read(bytes, f32::from_le_bytes),
        Dtype::Float64 => read(bytes, |b| f64::from_le_bytes(b) as f32),
        Dtype::Float16 => read(bytes, |b| f16::from_le_bytes(b).to_f32()),
        Dtype::BFloat16 => read(bytes, |b| bf16::from_le_bytes(b).to_f32()),
        Dtype::Bool => read(bytes, |b: [u8; 1]| f32::from(u8::from(b != [0]))),
        Dtype::String | Dtype::Other => return None,
        Dtype::UInt64 => read(bytes, |b| u64::from_le_bytes(b) as f32),
        _ => to_i64(dtype, bytes)?.into_iter().map(|value| value as f32).collect(),
    })
}

/// Little-endian whole numbers and booleans; none for the other types. Unsigned values
/// above the largest signed one saturate.
#[must_use]
pub(crate) fn to_i64(dtype: Dtype, bytes: &[u8]) -> Option<Vec<i64>> {
    Some(match dtype {
        Dtype::Int8 => read(bytes, |b| i8::from_le_bytes(b).into()),
        Dtype::UInt8 => read(bytes, |b| u8::from_le_bytes(b).into()),
        Dtype::Int16 => read(bytes, |b| i16::from_le_bytes(b).into()),
        Dtype::UInt16 => read(bytes, |b| u16::from_le_bytes(b).into()),
        Dtype::Int32 => read(bytes, |b| i32::from_le_bytes(b).into()),
        Dtype::UInt32 => read(bytes, |b| u32::from_le_bytes(b).into()),
        Dtype::Int64 => read(bytes, i64::from_le_bytes),
        Dtype::UInt64 => read(bytes, |b| i64::try_from(u64::from_le_bytes(b)).unwrap_or(i64::MAX)),
        Dtype::Bool => read(bytes, |b: [u8; 1]| i64::from(b != [0])),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_types_are_one_to_one() {
        for (code, dtype, bits) in TYPES {
            assert_eq!(Dtype::from_onnx(*code), *dtype);
            assert_eq!(dtype.onnx(), *code);
            assert_eq!(dtype.size(), Some(*bits as usize / 8));
            assert_eq!(element_bits(*code), Some(*bits));
            assert_eq!(serde_json::to_value(dtype).unwrap(), dtype.name());
        }
        assert_eq!(Dtype::from_onnx(22), Dtype::Other);
        assert_eq!(element_bits(22), Some(4));
        assert_eq!(element_bits(8), None);
    }

    #[test]
    fn elements_are_read_little_endian() {
        assert_eq!(to_f32(Dtype::Float16, &[0x00, 0x3c, 0x00, 0xc0]), Some(vec![1.0, -2.0]));
        assert_eq!(to_i64(Dtype::Int16, &[0xfe, 0xff]), Some(vec![-2]));
        assert_eq!(to_i64(Dtype::UInt64, &[0xff; 8]), Some(vec![i64::MAX]));
        assert_eq!(to_f32(Dtype::UInt8, &[7, 255]), Some(vec![7.0, 255.0]));
        assert_eq!(to_i64(Dtype::Float32, &[0; 4]), None);
    }
}
