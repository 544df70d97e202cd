//! Long lists of numbers as one stretch of bytes: read and written whole, element by element
//! never.

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::Serializer;

/// A list that is stored as little-endian bytes.
pub(super) trait Packed: Sized {
    /// Its bytes.
    fn bytes(&self) -> Vec<u8>;
    /// The list of these bytes; none where their number is no whole number of elements.
    fn of(bytes: &[u8]) -> Option<Self>;
}

/// Writes a list.
pub(super) fn serialize<T: Packed, S: Serializer>(list: &T, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_bytes(&list.bytes())
}

/// Reads a list.
pub(super) fn deserialize<'de, T: Packed, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    let bytes = <&[u8]>::deserialize(from)?;
    T::of(bytes).ok_or_else(|| D::Error::custom("no whole number of elements"))
}

impl Packed for Vec<u8> {
    fn bytes(&self) -> Vec<u8> {
        self.clone()
    }

    fn of(bytes: &[u8]) -> Option<Self> {
        Some(bytes.to_vec())
    }
}

impl Packed for Vec<i8> {
    fn bytes(&self) -> Vec<u8> {
        self.iter().map(|code| code.cast_unsigned()).collect()
    }

    fn of(bytes: &[u8]) -> Option<Self> {
        Some(bytes.iter().map(|byte| byte.cast_signed()).collect())
    }
}

impl Packed for Box<[u8; 256]> {
    fn bytes(&self) -> Vec<u8> {
        self.to_vec()
    }

    fn of(bytes: &[u8]) -> Option<Self> {
        Some(Box::new(bytes.try_into().ok()?))
    }
}

impl Packed for Vec<f32> {
    fn bytes(&self) -> Vec<u8> {
        self.iter().map(|real| real.to_le_bytes()).collect::<Vec<_>>().into_flattened()
    }

    fn of(bytes: &[u8]) -> Option<Self> {
        whole(bytes, f32::from_le_bytes)
    }
}

impl Packed for Vec<i32> {
    fn bytes(&self) -> Vec<u8> {
        self.iter().map(|number| number.to_le_bytes()).collect::<Vec<_>>().into_flattened()
    }

    fn of(bytes: &[u8]) -> Option<Self> {
        whole(bytes, i32::from_le_bytes)
    }
}

fn whole<T>(bytes: &[u8], element: impl Fn([u8; 4]) -> T) -> Option<Vec<T>> {
    let (chunks, rest) = bytes.as_chunks::<4>();
    rest.is_empty().then(|| chunks.iter().map(|chunk| element(*chunk)).collect())
}
