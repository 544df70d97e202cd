//! Image files, decoded within bounds: a file of a few bytes may claim gigapixels.

use std::io::Cursor;

use image::{ColorType, DynamicImage, ImageFormat, ImageReader, Limits};

use super::TaskError;
use crate::model::Image;

/// Longest side of an image.
pub(super) const LONGEST_SIDE: u32 = 8192;
/// Longest file.
const LONGEST_FILE: usize = 32_000_000;
/// Memory a decoder may take.
const MOST_MEMORY: u64 = 256 << 20;

/// Decodes a PNG or JPEG file into grey or RGB bytes.
///
/// Sixteen bits become eight, a palette becomes RGB, transparency is dropped.
///
/// # Errors
/// [`TaskError::Image`] with what is wrong; the caller knows the name.
pub fn decode(bytes: &[u8]) -> Result<Image, TaskError> {
    if bytes.len() > LONGEST_FILE {
        return Err(refused("the file is longer than 32 MB"));
    }
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| refused(error.to_string()))?;
    if !matches!(reader.format(), Some(ImageFormat::Png | ImageFormat::Jpeg)) {
        return Err(refused("neither PNG nor JPEG"));
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let decoded = reader.decode().map_err(|error| refused(error.to_string()))?;
    Ok(from_decoded(decoded))
}

fn from_decoded(decoded: DynamicImage) -> Image {
    let (height, width) = (decoded.height(), decoded.width());
    let grey = matches!(
        decoded.color(),
        ColorType::L8 | ColorType::La8 | ColorType::L16 | ColorType::La16
    );
    if grey {
        Image { height, width, channels: 1, pixels: decoded.into_luma8().into_raw() }
    } else {
        Image { height, width, channels: 3, pixels: decoded.into_rgb8().into_raw() }
    }
}

fn refused(reason: impl Into<String>) -> TaskError {
    TaskError::Image { name: "file".to_owned(), reason: reason.into() }
}
