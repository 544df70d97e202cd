//! Pools: windows that slide over an image, each channel by itself.

mod average;
mod maximum;
mod neighbours;

pub use average::{Average8, average_pool_codes, average_pool_f32, global_average_codes};
pub use maximum::{max_pool_codes, max_pool_f32};
pub(crate) use neighbours::Together;

use std::sync::{Mutex, PoisonError};

use crate::{KernelError, Pool, check, share};

/// What an element under a window costs of the products that [`share`] counts in.
const COST: usize = 8;

/// A part of a window with its part of the output, until a thread takes it.
type Slot<'o, U> = Mutex<Option<(Window, &'o mut [U])>>;

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
    /// Calls `work` on the threads of a pool, with some pixels each and the stretch of the
    /// output that holds them; with the whole where that is little work, or pixels do not lie
    /// in ascending order.
    ///
    /// # Errors
    ///
    /// An error of `work`.
    pub fn share<U: Send>(
        &self,
        pool: &Pool,
        output: &mut [U],
        work: impl Fn(&Self, &mut [U]) -> Result<(), KernelError> + Sync,
    ) -> Result<(), KernelError> {
        let (pixels, cost) = (self.origins.len(), self.taps.len() * self.channels * COST);
        let each = share::part(pool.threads(), pixels, cost);
        let slots = if each < pixels { self.cut(each, output) } else { Err(output) };
        let slots = match slots {
            Ok(slots) => slots,
            Err(output) => return work(self, output),
        };
        let failure = Mutex::new(Ok(()));
        pool.run(slots.len(), |at| {
            let slot =
                slots.get(at).map(|slot| slot.lock().unwrap_or_else(PoisonError::into_inner));
            let Some((window, output)) = slot.and_then(|mut slot| slot.take()) else { return };
            if let Err(error) = work(&window, output) {
                *failure.lock().unwrap_or_else(PoisonError::into_inner) = Err(error);
            }
        });
        failure.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Parts of `each` pixels with stretches of the output that nobody else has; the output
    /// back where pixels do not lie in ascending order, or outside.
    fn cut<'o, U>(
        &self,
        each: usize,
        output: &'o mut [U],
    ) -> Result<Vec<Slot<'o, U>>, &'o mut [U]> {
        let next = |pair: &[u32]| (pair[0] as usize).saturating_add(self.channels);
        let ascend = self.places.windows(2).all(|pair| next(pair) <= pair[1] as usize);
        let even = self.places.len() == self.origins.len();
        if !ascend || !even || self.needed().map_or(usize::MAX, |(_, end)| end) > output.len() {
            return Err(output);
        }
        let (mut slots, mut rest, mut start) = (Vec::new(), output, 0);
        for (origins, places) in self.origins.chunks(each).zip(self.places.chunks(each)) {
            let end = places.last().map_or(start, |&last| last as usize + self.channels);
            let (own, behind) = rest.split_at_mut(end - start);
            let places = places.iter().map(|&place| place - start as u32).collect();
            let (origins, taps) = (origins.to_vec(), self.taps.clone());
            let window = Self { origins, taps, places, channels: self.channels };
            slots.push(Mutex::new(Some((window, own))));
            (rest, start) = (behind, end);
        }
        Ok(slots)
    }

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

    /// For every output pixel, folds its taps `B` channels at a time, starting from `start`,
    /// and writes what `finish(index of the pixel, result)` makes of it.
    ///
    /// `B` channels are always read, behind the last one [`SLACK`](crate::SLACK) and
    /// nothing of use: blocks of one size stay in registers.
    #[inline(always)]
    fn fold<T: Copy, A: Copy, U: Copy, const B: usize>(
        &self,
        (input, output): (&[T], &mut [U]),
        start: A,
        add: impl Fn(A, T) -> A,
        finish: impl Fn(usize, [A; B]) -> [U; B],
    ) {
        const { assert!(B <= crate::SLACK) }
        for (index, (&origin, &place)) in self.origins.iter().zip(&self.places).enumerate() {
            let (origin, place) = (origin as usize, place as usize);
            let out = &mut output[place..place + self.channels];
            for (block, out) in out.chunks_mut(B).enumerate() {
                // One call each, so that both are inlined and compiled for the right
                // instruction set.
                let values = finish(index, self.block(&input[origin + block * B..], start, &add));
                if let Some(out) = out.first_chunk_mut::<B>() {
                    *out = values;
                } else {
                    out.copy_from_slice(&values[..out.len()]);
                }
            }
        }
    }

    /// The first `B` channels of all taps of one pixel.
    #[inline(always)]
    fn block<T: Copy, A: Copy, const B: usize>(
        &self,
        input: &[T],
        start: A,
        add: impl Fn(A, T) -> A,
    ) -> [A; B] {
        let mut sums = [start; B];
        for &tap in &self.taps {
            // Always so: the slack was checked.
            if let Some(values) = input[tap..].first_chunk::<B>() {
                sums = std::array::from_fn(|c| add(sums[c], values[c]));
            }
        }
        sums
    }
}
