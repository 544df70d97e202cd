//! Numpy's `.npz`: named arrays in a zip archive.
//!
//! Reading is bounded: an array is read only as far as its header's shape says, and
//! headers may not claim more than a limit in all. Big-endian and column-major arrays
//! are turned into the house's little-endian row-major order; `<U` strings become
//! UTF-8. Objects (pickles), complex numbers, dates and records are refused.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};

use zip::write::FileOptions;
use zip::{ZipArchive, ZipWriter};

use super::{Dtype, Tensor};

/// Bytes of all arrays together that [`read_npz`] accepts.
const LIMIT: u64 = 1 << 30;
/// Longest header read; numpy's own limit is 10,000 characters.
const LONGEST_HEADER: usize = 1 << 16;

/// What can be wrong with an `.npz`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NpzError {
    /// The container.
    #[error("not an npz archive: {0}")]
    Archive(String),
    /// One array.
    #[error("array {name:?}: {reason}")]
    Array {
        /// Its name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// More data than the limit.
    #[error("array {name:?} brings the archive to more than the limit of {limit} bytes")]
    TooLarge {
        /// The array that went over.
        name: String,
        /// The limit.
        limit: u64,
    },
}

/// Reads all arrays, at most 1 GiB together.
///
/// # Errors
/// [`NpzError`] names the array and what is wrong with it.
pub fn read_npz(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>, NpzError> {
    read_npz_within(bytes, LIMIT)
}

/// Reads all arrays, at most `limit` bytes together.
///
/// # Errors
/// [`NpzError`] names the array and what is wrong with it.
pub fn read_npz_within(bytes: &[u8], limit: u64) -> Result<BTreeMap<String, Tensor>, NpzError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(archive_error)?;
    let mut arrays = BTreeMap::new();
    let mut left = limit;
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).map_err(archive_error)?;
        let Some(name) = entry.name().strip_suffix(".npy").map(str::to_owned) else { continue };
        let array = read_array(&mut entry, left).map_err(|why| why.of(&name, limit))?;
        left = left.saturating_sub(array.data.len() as u64);
        arrays.insert(name, array);
    }
    Ok(arrays)
}

/// Writes arrays as numpy's `savez` would: uncompressed and without time stamps, so that equal
/// arrays give equal bytes.
///
/// # Errors
/// [`NpzError`] names the array whose type numpy does not have.
pub fn write_npz(arrays: &BTreeMap<String, Tensor>) -> Result<Vec<u8>, NpzError> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = FileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .last_modified_time(zip::DateTime::default());
    for (name, array) in arrays {
        let npy = write_array(array).map_err(|why| why.of(name, LIMIT))?;
        zip.start_file(format!("{name}.npy"), options).map_err(archive_error)?;
        zip.write_all(&npy).map_err(archive_error)?;
    }
    Ok(zip.finish().map_err(archive_error)?.into_inner())
}

fn archive_error(error: impl std::fmt::Display) -> NpzError {
    NpzError::Archive(error.to_string())
}

/// Why an array was refused, before its name is known.
enum Refused {
    Because(String),
    TooLarge,
}

impl Refused {
    fn of(self, name: &str, limit: u64) -> NpzError {
        let name = name.to_owned();
        match self {
            Self::Because(reason) => NpzError::Array { name, reason },
            Self::TooLarge => NpzError::TooLarge { name, limit },
        }
    }
}

fn because<T>(reason: impl Into<String>) -> Result<T, Refused> {
    Err(Refused::Because(reason.into()))
}

/// What an array's header says.
struct Header {
    dtype: Dtype,
    /// Bytes of one element in the file.
    width: usize,
    big_endian: bool,
    column_major: bool,
    shape: Vec<usize>,
}

fn read_array(file: &mut impl Read, left: u64) -> Result<Tensor, Refused> {
    let header = read_header(file)?;
    let size = header
        .shape
        .iter()
        .try_fold(header.width, |size, dim| size.checked_mul(*dim))
        .ok_or(Refused::TooLarge)?;
    if size as u64 > left {
        return Err(Refused::TooLarge);
    }
    let mut data = Vec::new();
    // Grows with what is there, not with what the header claims.
    let read = file.take(size as u64).read_to_end(&mut data);
    if let Err(error) = read {
        return because(format!("cannot be unpacked: {error}"));
    }
    if data.len() != size {
        return because(format!("holds {} bytes where its shape needs {size}", data.len()));
    }
    Ok(arrange(header, data))
}

/// Into little-endian, row-major order.
fn arrange(header: Header, mut data: Vec<u8>) -> Tensor {
    let Header { dtype, width, big_endian, column_major, shape } = header;
    let unit = if dtype == Dtype::String { 4 } else { width };
    if big_endian && unit > 1 {
        data.chunks_exact_mut(unit).for_each(<[u8]>::reverse);
    }
    if column_major && shape.len() > 1 && width > 0 {
        data = to_row_major(&shape, width, &data);
    }
    if dtype == Dtype::String {
        let mut tensor = Tensor::from_strings(&utf32(&data, width));
        tensor.shape = shape;
        return tensor;
    }
    Tensor { dtype, shape, data }
}

fn to_row_major(shape: &[usize], width: usize, data: &[u8]) -> Vec<u8> {
    let mut strides = Vec::new();
    let mut stride = width;
    for dim in shape {
        strides.push(stride);
        stride *= dim;
    }
    let mut ordered = Vec::with_capacity(data.len());
    for at in 0..data.len() / width {
        let mut rest = at;
        let mut offset = 0;
        for (dim, stride) in shape.iter().zip(&strides).rev() {
            offset += (rest % dim) * stride;
            rest /= dim;
        }
        ordered.extend_from_slice(data.get(offset..offset + width).unwrap_or_default());
    }
    ordered
}

/// Numpy's fixed-width strings: code points, padded with zeros.
fn utf32(data: &[u8], width: usize) -> Vec<String> {
    let text = |bytes: &[u8]| {
        let points = bytes.as_chunks::<4>().0.iter().map(|chunk| u32::from_le_bytes(*chunk));
        let read: String = points.map(|p| char::from_u32(p).unwrap_or('\u{fffd}')).collect();
        read.trim_end_matches('\0').to_owned()
    };
    data.chunks_exact(width.max(1)).map(text).collect()
}

fn read_header(file: &mut impl Read) -> Result<Header, Refused> {
    let mut start = [0u8; 8];
    let short = |_| Refused::Because("ends inside its header".to_owned());
    file.read_exact(&mut start).map_err(short)?;
    let [magic @ .., major, _minor] = start;
    if magic != *b"\x93NUMPY" {
        return because("is not in npy format");
    }
    let length = if major == 1 {
        let mut bytes = [0u8; 2];
        file.read_exact(&mut bytes).map_err(short)?;
        u16::from_le_bytes(bytes) as usize
    } else {
        let mut bytes = [0u8; 4];
        file.read_exact(&mut bytes).map_err(short)?;
        u32::from_le_bytes(bytes) as usize
    };
    if length > LONGEST_HEADER {
        return because(format!("claims a header of {length} bytes"));
    }
    let mut text = vec![0u8; length];
    file.read_exact(&mut text).map_err(short)?;
    parse_header(&String::from_utf8_lossy(&text))
}

/// A header is a Python dictionary with three keys:
/// `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
fn parse_header(text: &str) -> Result<Header, Refused> {
    let unreadable = || Refused::Because("has a header that cannot be read".to_owned());
    let value = |key: &str| {
        let (_, rest) = text.split_once(&format!("'{key}'"))?;
        rest.trim_start().strip_prefix(':').map(str::trim_start)
    };
    let descr = value("descr").ok_or_else(unreadable)?;
    let descr = descr.strip_prefix('\'').and_then(|rest| rest.split('\'').next());
    let Some(descr) = descr else {
        return because("is of a record type; store plain arrays");
    };
    let (dtype, width) = parse_descr(descr)?;
    let shape = value("shape").and_then(|rest| rest.strip_prefix('(')).ok_or_else(unreadable)?;
    let shape = shape.split(')').next().unwrap_or_default();
    let dims = shape.split(',').map(str::trim).filter(|dim| !dim.is_empty());
    let shape: Option<Vec<usize>> = dims.map(|dim| dim.parse().ok()).collect();
    Ok(Header {
        dtype,
        width,
        big_endian: descr.starts_with('>'),
        column_major: value("fortran_order").is_some_and(|rest| rest.starts_with("True")),
        shape: shape.ok_or_else(unreadable)?,
    })
}

/// Numpy's type codes, without the byte order.
const CODES: &[(&str, Dtype)] = &[
    ("f4", Dtype::Float32),
    ("f8", Dtype::Float64),
    ("f2", Dtype::Float16),
    ("i1", Dtype::Int8),
    ("u1", Dtype::UInt8),
    ("i2", Dtype::Int16),
    ("u2", Dtype::UInt16),
    ("i4", Dtype::Int32),
    ("u4", Dtype::UInt32),
    ("i8", Dtype::Int64),
    ("u8", Dtype::UInt64),
    ("b1", Dtype::Bool),
];

fn parse_descr(descr: &str) -> Result<(Dtype, usize), Refused> {
    let code = descr.trim_start_matches(['<', '>', '|', '=']);
    if let Some(characters) = code.strip_prefix('U').and_then(|count| count.parse::<usize>().ok()) {
        let width = characters.checked_mul(4).ok_or(Refused::TooLarge)?;
        return Ok((Dtype::String, width));
    }
    let known = CODES.iter().find(|entry| entry.0 == code);
    let sized = known.and_then(|(_, dtype)| Some((*dtype, dtype.size()?)));
    match sized {
        Some(found) => Ok(found),
        None if code.starts_with('O') => because("holds Python objects; store plain arrays"),
        None => because(format!("is of type {descr:?}, which is not supported")),
    }
}

fn write_array(array: &Tensor) -> Result<Vec<u8>, Refused> {
    let code = CODES.iter().find(|entry| entry.1 == array.dtype).map(|entry| entry.0);
    let (descr, data) = match code {
        Some(code) if code.ends_with('1') => (format!("|{code}"), array.data.clone()),
        Some(code) => (format!("<{code}"), array.data.clone()),
        None => match array.to_strings() {
            Some(strings) => write_strings(&strings),
            None => return because(format!("numpy has no type {}", array.dtype.name())),
        },
    };
    let shape: String = array.shape.iter().map(|dim| format!("{dim}, ")).collect();
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}");
    // Magic, version and length take 10 bytes; the data starts at a multiple of 64.
    let padding = 63 - (10 + header.len()) % 64;
    header.extend(std::iter::repeat_n(' ', padding));
    header.push('\n');
    let Ok(length) = u16::try_from(header.len()) else {
        return because("has too many dimensions");
    };
    let mut npy = b"\x93NUMPY\x01\x00".to_vec();
    npy.extend(length.to_le_bytes());
    npy.extend(header.as_bytes());
    npy.extend(data);
    Ok(npy)
}

fn write_strings(strings: &[String]) -> (String, Vec<u8>) {
    let longest = strings.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1);
    let points = |text: &String| -> Vec<u32> {
        text.chars().map(u32::from).chain(std::iter::repeat(0)).take(longest).collect()
    };
    let data = strings.iter().flat_map(points).flat_map(u32::to_le_bytes).collect();
    (format!("<U{longest}"), data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(header: &str, data: &[u8]) -> Vec<u8> {
        let mut npy = b"\x93NUMPY\x01\x00".to_vec();
        npy.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
        npy.extend(header.as_bytes());
        npy.extend(data);
        npy
    }

    fn array(header: &str, data: &[u8]) -> Result<Tensor, NpzError> {
        read_array(&mut npy(header, data).as_slice(), 1 << 20).map_err(|why| why.of("a", 1 << 20))
    }

    #[test]
    fn arrays_round_trip() {
        let arrays = BTreeMap::from([
            ("scalar".to_owned(), Tensor::from_i64(vec![], &[-7])),
            ("image/0".to_owned(), Tensor::from_f32(vec![1, 2, 2], &[0.0, 1.5, -2.0, f32::MAX])),
            ("empty".to_owned(), Tensor::from_f32(vec![0, 3], &[])),
            ("names".to_owned(), Tensor::from_strings(&["zéro".to_owned(), "un".to_owned()])),
        ]);
        let bytes = write_npz(&arrays).unwrap();
        assert_eq!(read_npz(&bytes), Ok(arrays.clone()));
        assert_eq!(write_npz(&arrays), Ok(bytes));
    }

    #[test]
    fn foreign_orders_are_turned_into_ours() {
        let header = "{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }\n";
        let tensor = array(header, &[0, 1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6]).unwrap();
        assert_eq!(tensor.shape, [2, 3]);
        assert_eq!(tensor.to_i64(), Some(vec![1, 2, 3, 4, 5, 6]));
    }

    #[test]
    fn claims_beyond_the_data_or_the_limit_are_refused() {
        let claim = |shape: &str| {
            array(
                &format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"),
                &[0; 8],
            )
        };
        assert!(claim("(2,)").is_ok());
        assert!(matches!(claim("(3,)"), Err(NpzError::Array { .. })));
        assert!(matches!(claim("(1000000,)"), Err(NpzError::TooLarge { .. })));
        assert!(matches!(claim("(18446744073709551615, 2)"), Err(NpzError::TooLarge { .. })));
        assert!(matches!(claim("(-1,)"), Err(NpzError::Array { .. })));
    }

    #[test]
    fn the_limit_counts_all_arrays_together() {
        let tensor = Tensor::from_f32(vec![100], &[0.0; 100]);
        let arrays = BTreeMap::from([("a".to_owned(), tensor.clone()), ("b".to_owned(), tensor)]);
        let bytes = write_npz(&arrays).unwrap();
        assert!(read_npz_within(&bytes, 800).is_ok());
        let refused = read_npz_within(&bytes, 799).unwrap_err();
        assert_eq!(refused, NpzError::TooLarge { name: "b".to_owned(), limit: 799 });
    }

    #[test]
    fn objects_and_records_are_refused() {
        for descr in ["'|O'", "[('x', '<f4')]", "'<c8'", "'<M8[s]'"] {
            let header = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (1,), }}");
            assert!(matches!(array(&header, &[0; 8]), Err(NpzError::Array { .. })), "{descr}");
        }
        assert!(matches!(read_npz(b"not a zip"), Err(NpzError::Archive(_))));
    }
}
