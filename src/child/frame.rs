//! What passes through a worker's pipes: length, CRC-32, payload.
//!
//! A frame that claims too much, or whose checksum is wrong, is garbage: somebody
//! wrote on the pipe who should not have. Values inside are postcard.

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Confinement;

/// By sixteen bytes at once: a model passes through here before every first answer.
static CRC: crc::Crc<u32, crc::Table<16>> =
    crc::Crc::<u32, crc::Table<16>>::new(&crc::CRC_32_ISCSI);
const HEADER: usize = 8;

/// Longest frame that a worker may send.
pub(super) const LONGEST_REPORT: usize = 16 << 20;
/// Longest payload of a job: no model file is larger.
pub(super) const LONGEST_JOB: usize = 2 << 30;

/// The bytes that go before `payload`; `None` if it is longer than a frame can be.
pub(super) fn header(payload: &[u8]) -> Option<[u8; HEADER]> {
    let length = u32::try_from(payload.len()).ok()?;
    let word = u64::from(length) | (u64::from(CRC.checksum(payload)) << 32);
    Some(word.to_le_bytes())
}

/// Length and checksum of a header.
fn parse(header: [u8; HEADER]) -> (usize, u32) {
    let word = u64::from_le_bytes(header);
    ((word & 0xFFFF_FFFF) as usize, (word >> 32) as u32)
}

/// Reads one frame of at most `longest` bytes.
///
/// # Errors
/// Those of the reader; [`io::ErrorKind::InvalidData`] for what is no frame, and
/// [`io::ErrorKind::OutOfMemory`] where there is no room for it.
pub(super) fn read(input: &mut dyn Read, longest: usize) -> io::Result<Vec<u8>> {
    let mut start = [0; HEADER];
    input.read_exact(&mut start)?;
    let (length, checksum) = parse(start);
    if length > longest {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no frame: too long"));
    }
    let mut payload = Vec::new();
    payload.try_reserve_exact(length).map_err(|_| no_room(length))?;
    input.take(length as u64).read_to_end(&mut payload)?;
    if payload.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if CRC.checksum(&payload) != checksum {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no frame: wrong checksum"));
    }
    Ok(payload)
}

/// In the words of Rust's own allocation failure, by which the parent knows it.
fn no_room(length: usize) -> io::Error {
    let text = format!("memory allocation of {length} bytes failed");
    io::Error::new(io::ErrorKind::OutOfMemory, text)
}

/// Cuts a stream of bytes into frames.
#[derive(Debug, Default)]
pub struct FrameBuffer {
    bytes: Vec<u8>,
    start: usize,
}

impl FrameBuffer {
    /// Appends what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start);
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole frame, if there is one.
    ///
    /// # Errors
    /// Why the bytes are no frame.
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>, String> {
        let rest = self.bytes.get(self.start..).unwrap_or_default();
        let Some((head, body)) = rest.split_first_chunk::<HEADER>() else { return Ok(None) };
        let (length, checksum) = parse(*head);
        if length > LONGEST_REPORT {
            return Err(format!("it wrote {} on standard output", excerpt(rest)));
        }
        let Some(payload) = body.get(..length) else { return Ok(None) };
        if CRC.checksum(payload) != checksum {
            return Err(format!("a frame with a wrong checksum: {}", excerpt(rest)));
        }
        self.start += HEADER + length;
        Ok(Some(payload))
    }

    /// What is left that is no whole frame.
    #[must_use]
    pub fn rest(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }
}

/// The first bytes, for people.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(bytes).chars().take(40).collect();
    format!("{text:?}")
}

/// The worker's side: sends values to the parent.
pub struct Frames {
    output: Box<dyn Write + Send>,
    confinement: Confinement,
}

impl std::fmt::Debug for Frames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Frames")
    }
}

impl Frames {
    /// Frames written here.
    pub fn new(output: impl Write + Send + 'static) -> Self {
        Self { output: Box::new(output), confinement: Confinement::None }
    }

    /// The same, from a worker that is confined like this.
    pub(super) fn confined(self, confinement: Confinement) -> Self {
        Self { confinement, ..self }
    }

    /// How far this worker is confined.
    #[must_use]
    pub fn confinement(&self) -> Confinement {
        self.confinement
    }

    /// Sends one value as one frame.
    ///
    /// # Errors
    /// When the parent is gone, or the value is too long for a frame.
    pub fn send<T: Serialize>(&mut self, value: &T) -> io::Result<()> {
        let payload = postcard::to_stdvec(value).map_err(io::Error::other)?;
        if payload.len() > LONGEST_REPORT {
            return Err(io::Error::other("a report longer than a frame can be"));
        }
        let start = header(&payload).ok_or(io::ErrorKind::InvalidInput)?;
        self.output.write_all(&start)?;
        self.output.write_all(&payload)?;
        self.output.flush()
    }
}

/// The value of a frame, or `None` if the bytes are no such value.
#[must_use]
pub fn decode_frame<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    postcard::from_bytes(bytes).ok()
}

/// The payload of a [`Job`](super::Job). An empty one, which no worker accepts, if a
/// length is not known beforehand (no type of ours has such a part).
#[must_use]
pub fn encode_payload<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_stdvec(value).unwrap_or_default()
}

/// The value of a payload; it may borrow from it, so that a model is not copied.
#[must_use]
pub fn decode_payload<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    postcard::from_bytes(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(payload: &[u8]) -> Vec<u8> {
        [&header(payload).unwrap()[..], payload].concat()
    }

    #[test]
    fn frames_come_out_whole_however_the_bytes_arrive() {
        let stream = [framed(b"one"), framed(b""), framed(&[7; 300])].concat();
        for step in [1, 2, 7, 64, stream.len()] {
            let mut buffer = FrameBuffer::default();
            let mut seen: Vec<Vec<u8>> = Vec::new();
            for part in stream.chunks(step) {
                buffer.push(part);
                while let Some(frame) = buffer.next_frame().unwrap() {
                    seen.push(frame.to_vec());
                }
            }
            assert_eq!(seen, [b"one".to_vec(), Vec::new(), vec![7; 300]], "in steps of {step}");
            assert!(buffer.rest().is_empty());
        }
    }

    #[test]
    fn text_and_flipped_bits_are_no_frames() {
        let mut buffer = FrameBuffer::default();
        buffer.push(b"hello, world\n");
        assert!(buffer.next_frame().unwrap_err().contains("hello, world"));
        let good = framed(b"payload");
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let mut buffer = FrameBuffer::default();
            buffer.push(&bad);
            assert!(!matches!(buffer.next_frame(), Ok(Some(_))), "bit {bit}");
            assert!(read(&mut &bad[..], 1000).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_length_that_lies_allocates_nothing() {
        let mut claims = header(b"").unwrap();
        claims[..4].copy_from_slice(&u32::MAX.to_le_bytes());
        let refused = read(&mut &claims[..], LONGEST_JOB).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidData);
    }
}
