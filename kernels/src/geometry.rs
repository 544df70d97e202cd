//! Where a window operation reads and writes.

/// Elements that must be readable behind the last one that a kernel uses: vectors are
/// loaded whole. They are read and never used.
pub const SLACK: usize = 64;

/// One contiguous stretch that every output pixel reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// First element, relative to the pixel's origin.
    pub offset: usize,
    /// Elements.
    pub len: usize,
}

/// Where a product reads and writes, in elements of its buffers.
///
/// A k x k convolution without dilation has k runs of k * C elements; a matrix product
/// one run as long as a row; a dilated convolution one run of C elements per tap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Geometry {
    /// First tap of every output pixel, in the input buffer.
    pub origins: Vec<u32>,
    /// What each pixel reads, the same for all.
    pub runs: Vec<Run>,
    /// First channel of every output pixel, in the output buffer.
    pub places: Vec<u32>,
}

impl Geometry {
    /// Elements of the input that are touched, slack included.
    #[must_use]
    pub fn input_needed(&self) -> usize {
        let origin = self.origins.iter().max().map_or(0, |&origin| origin as usize);
        let reach = self.runs.iter().map(|run| run.offset + run.len).max().unwrap_or(0);
        origin + reach + SLACK
    }

    /// Elements of the output that are written, `channels` per pixel.
    #[must_use]
    pub fn output_needed(&self, channels: usize) -> usize {
        self.places.iter().max().map_or(0, |&place| place as usize + channels)
    }

    /// Elements per pixel: the length of the sum.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.runs.iter().map(|run| run.len).sum()
    }
}
