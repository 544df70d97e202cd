//! A walk over the raw protobuf before it is decoded.
//!
//! Two bytes can decode into a message of hundreds: a file of empty attributes would
//! take a hundred times its size in memory. The walk follows lengths only, keeps its own
//! stack, and adds up what decoding would allocate.

use std::mem::size_of;

use crate::model::onnx;

/// Memory that a decoded model may take beyond the size of its file.
const MOST_MEMORY: u64 = 512 << 20;

/// Why the walk ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// Lengths, keys or types that no protobuf has, at the outermost level.
    NotProtobuf,
    /// The same further in: it was a model once.
    Damaged,
    /// A known field of the outermost message is longer than the rest of the file.
    Truncated {
        /// What it says.
        wanted: u64,
        /// What there is.
        left: u64,
    },
    /// Decoding would take too much memory.
    TooLarge,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Message {
    Model,
    OperatorSet,
    Entry,
    Graph,
    Node,
    Attribute,
    Tensor,
    ValueInfo,
    Type,
    TensorType,
    Shape,
    Dimension,
}

impl Message {
    /// The message in a field, if it holds one.
    fn child(self, field: u64) -> Option<Self> {
        Some(match (self, field) {
            (Self::Model, 7) | (Self::Attribute, 6 | 11) => Self::Graph,
            (Self::Model, 8) => Self::OperatorSet,
            (Self::Model, 14) | (Self::Tensor, 13) => Self::Entry,
            (Self::Graph, 1) => Self::Node,
            (Self::Graph, 5) | (Self::Attribute, 5) => Self::Tensor,
            (Self::Graph, 11..=13) => Self::ValueInfo,
            (Self::Node, 5) => Self::Attribute,
            (Self::ValueInfo, 2) => Self::Type,
            (Self::Type, 1) => Self::TensorType,
            (Self::TensorType, 2) => Self::Shape,
            (Self::Shape, 1) => Self::Dimension,
            _ => return None,
        })
    }

    /// Memory of one decoded message.
    fn size(self) -> usize {
        match self {
            Self::Model => size_of::<onnx::Model>(),
            Self::OperatorSet => size_of::<onnx::OperatorSet>(),
            Self::Entry => size_of::<onnx::Entry>(),
            Self::Graph => size_of::<onnx::Graph>(),
            Self::Node => size_of::<onnx::Node>(),
            Self::Attribute => size_of::<onnx::Attribute>(),
            Self::Tensor => size_of::<onnx::TensorData>(),
            Self::ValueInfo => size_of::<onnx::ValueInfo>(),
            Self::Type => size_of::<onnx::Type>(),
            Self::TensorType => size_of::<onnx::TensorType>(),
            Self::Shape => size_of::<onnx::Shape>(),
            Self::Dimension => size_of::<onnx::Dimension>(),
        }
    }

    /// Bytes in memory per byte of a packed list of numbers.
    fn spread(self, field: u64) -> u64 {
        match (self, field) {
            (Self::Tensor, 1 | 7 | 11) | (Self::Attribute, 8) => 8,
            (Self::Tensor, 5) => 4,
            _ => 1,
        }
    }
}

/// Walks all messages.
pub(super) fn walk(bytes: &[u8]) -> Result<(), Fault> {
    let mut memory = 0u64;
    let mut pending = vec![(Message::Model, bytes)];
    while let Some((message, rest)) = pending.pop() {
        fields(message, rest, &mut memory, &mut pending).map_err(|fault| match fault {
            Fault::NotProtobuf if message != Message::Model => Fault::Damaged,
            fault => fault,
        })?;
    }
    Ok(())
}

/// Walks the fields of one message; the messages among them are left for later.
fn fields<'a>(
    message: Message,
    mut rest: &'a [u8],
    memory: &mut u64,
    pending: &mut Vec<(Message, &'a [u8])>,
) -> Result<(), Fault> {
    while !rest.is_empty() {
        let key = varint(&mut rest)?;
        let field = key >> 3;
        match key & 7 {
            0 => {
                varint(&mut rest)?;
                // An unpacked element of a list of numbers.
                *memory += 8;
            }
            1 => rest = rest.get(8..).ok_or(Fault::NotProtobuf)?,
            5 => rest = rest.get(4..).ok_or(Fault::NotProtobuf)?,
            2 => {
                let body = delimited(&mut rest, message, field)?;
                *memory += match message.child(field) {
                    Some(child) => {
                        pending.push((child, body));
                        child.size() as u64
                    }
                    None => {
                        let spread = body.len() as u64 * (message.spread(field) - 1);
                        size_of::<String>() as u64 + spread
                    }
                };
            }
            _ => return Err(Fault::NotProtobuf),
        }
        if *memory > MOST_MEMORY {
            return Err(Fault::TooLarge);
        }
    }
    Ok(())
}

fn delimited<'a>(rest: &mut &'a [u8], message: Message, field: u64) -> Result<&'a [u8], Fault> {
    let wanted = varint(rest)?;
    let split = usize::try_from(wanted).ok().and_then(|at| rest.split_at_checked(at));
    let Some((body, tail)) = split else {
        let left = rest.len() as u64;
        return Err(match message.child(field) {
            Some(_) if message == Message::Model => Fault::Truncated { wanted, left },
            _ => Fault::NotProtobuf,
        });
    };
    *rest = tail;
    Ok(body)
}

fn varint(rest: &mut &[u8]) -> Result<u64, Fault> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, tail) = rest.split_first().ok_or(Fault::NotProtobuf)?;
        *rest = tail;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Fault::NotProtobuf)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::onnx::{Attribute, Graph, Model, Node};
    use prost::Message as _;

    #[test]
    fn a_real_message_passes_and_half_of_it_is_truncated() {
        let node = Node::new("Relu", &["x"], &["y"]).with(Attribute::ints("a", &[1, -1]));
        let bytes = Model::of(13, Graph::of(vec![], vec![node], vec![])).encode_to_vec();
        assert_eq!(walk(&bytes), Ok(()));
        assert!(matches!(walk(&bytes[..20]), Err(Fault::Truncated { .. })));
        assert_eq!(walk(&[0x0f]), Err(Fault::NotProtobuf));
        assert_eq!(walk(&[0xff; 12]), Err(Fault::NotProtobuf));
    }

    #[test]
    fn small_files_of_large_messages_are_refused() {
        // A graph of one node with three million empty attributes: six megabytes.
        let attributes = [0x2a, 0x00].repeat(3_000_000);
        let wrap = |field: u8, body: &[u8]| {
            let mut bytes = vec![field << 3 | 2];
            prost::encoding::encode_varint(body.len() as u64, &mut bytes);
            bytes.extend(body);
            bytes
        };
        let file = wrap(7, &wrap(1, &attributes));
        assert_eq!(walk(&file), Err(Fault::TooLarge));
    }
}
