//! An image as a board holds it: bytes.

use serde::{Deserialize, Serialize};

/// Pixels 0 to 255, row by row, channels innermost (HWC), RGB where there are three.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
    /// 1 (grey) or 3 (RGB).
    pub channels: u32,
    /// `height * width * channels` bytes.
    pub pixels: Vec<u8>,
}
