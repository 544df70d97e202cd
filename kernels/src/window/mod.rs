//! Pools: windows that slide over an image, each channel by itself.

mod average;
mod maximum;

pub use average::{Average8, average_pool_codes, average_pool_f32, global_average_codes};
pub use maximum::{max_pool_codes, max_pool_f32};

use crate::{KernelError, check};

/// Where a window that keeps the channels apart reads and writes, in elements.
///
/// A global pool is a window of one output pixel per image, with a tap for every pixel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// First tap of every output pixel, in the input buffer.
    pub origins: Vec<u32>,
    /// Channel 0 of every tap, relative to the origin.
    pub taps: Vec<usize>,
    /// First channel of every output pixel, in the output buffer.
    pub places: Vec<u32>,
    /// Channels of input and output.
    pub channels: usize,
}

impl Window {
    /// Elements of input, slack included, and of output that a call needs.
    pub(crate) fn needed(&self) -> Result<(usize, usize), KernelError> {
        check::fits(self.origins.len() == self.places.len(), "places")?;
        let reach = check::taps_reach(&self.taps, self.channels);
        let input = check::input_needed(&self.origins, reach)?;
        Ok((input, check::output_needed(&self.places, self.channels)?))
    }

    /// Fails when the slices are too short.
    fn check<T, U>(&self, input: &[T], output: &[U]) -> Result<(), KernelError> {
        let (needed_in, needed_out) = self.needed()?;
        check::input(input, needed_in)?;
        check::output(output, needed_out)
    }

    /// Calls `pixel(index, first input element, output channels)` for every output pixel.
    #[inline(always)]
    fn each<U>(&self, output: &mut [U], mut pixel: impl FnMut(usize, usize, &mut [U])) {
        for (index, (&origin, &place)) in self.origins.iter().zip(&self.places).enumerate() {
            let place = place as usize;
            pixel(index, origin as usize, &mut output[place..place + self.channels]);
        }
    }
}
