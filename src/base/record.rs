//! Records on disk: a magic, a schema number, postcard, a CRC-32.
//!
//! postcard is not self-describing, so every record says which schema wrote it;
//! a record of another schema, or one that a power cut damaged, is refused and
//! never half-read.

use serde::Serialize;
use serde::de::DeserializeOwned;

const MAGIC: [u8; 4] = *b"UMB1";
const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI);

/// Why a record cannot be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Too short, wrong magic or wrong checksum.
    #[error("damaged record ({0})")]
    Damaged(&'static str),
    /// Written by another version.
    #[error("record of schema {found}, this program reads {wanted}")]
    OtherSchema {
        /// In the record.
        found: u16,
        /// What the caller reads.
        wanted: u16,
    },
    /// postcard refused the value.
    #[error("record cannot be encoded or decoded: {0}")]
    Codec(#[from] postcard::Error),
}

/// Whether these bytes begin like a record, sound or not.
#[must_use]
pub fn is_record(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// The bytes of a record.
pub fn encode<T: Serialize>(schema: u16, value: &T) -> Result<Vec<u8>, RecordError> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(schema.to_le_bytes());
    bytes.extend(postcard::to_stdvec(value)?);
    bytes.extend(CRC.checksum(&bytes).to_le_bytes());
    Ok(bytes)
}

/// The value of a record of this schema.
pub fn decode<T: DeserializeOwned>(schema: u16, bytes: &[u8]) -> Result<T, RecordError> {
    let (body, checksum) =
        bytes.split_last_chunk::<4>().ok_or(RecordError::Damaged("truncated"))?;
    if CRC.checksum(body) != u32::from_le_bytes(*checksum) {
        return Err(RecordError::Damaged("wrong checksum"));
    }
    let body = body.strip_prefix(&MAGIC).ok_or(RecordError::Damaged("not an Umbra record"))?;
    let (found, payload) =
        body.split_first_chunk::<2>().ok_or(RecordError::Damaged("truncated"))?;
    let found = u16::from_le_bytes(*found);
    if found != schema {
        return Err(RecordError::OtherSchema { found, wanted: schema });
    }
    Ok(postcard::from_bytes(payload)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_and_every_truncation_is_refused() {
        let value = (7u32, String::from("seven"));
        let bytes = encode(3, &value).unwrap();
        assert_eq!(decode::<(u32, String)>(3, &bytes).unwrap(), value);
        assert_eq!(
            decode::<(u32, String)>(4, &bytes),
            Err(RecordError::OtherSchema { found: 3, wanted: 4 })
        );
        for at in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            assert!(decode::<(u32, String)>(3, &flipped).is_err(), "bit {at}");
        }
        for length in 0..bytes.len() {
            assert!(decode::<(u32, String)>(3, &bytes[..length]).is_err());
        }
    }
}
