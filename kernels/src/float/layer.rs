//! What both float kernels have in common: checks once per call, and pixels on threads.

use std::ops::Range;

use crate::{KernelError, Pool, check, share};

/// What a product costs of those on codes that [`share`] counts in.
const COST: usize = 4;

/// A layer whose pixels are computed apart from one another.
pub(super) trait Pixels: Sync {
    /// Elements of input and output that are touched, slack included.
    fn needed(&self) -> (usize, usize);

    /// How many pixels, and the products of one.
    fn work(&self) -> (usize, usize);

    /// Whether threads may write different pixels at once.
    fn are_apart(&self) -> bool;

    /// Computes some of the pixels.
    ///
    /// # Safety
    ///
    /// As many elements as are needed may be read and written, and the pixels exist.
    unsafe fn compute(&self, pixels: Range<usize>, input: *const f32, output: *mut f32);
}

/// The buffers of one call.
struct Buffers {
    input: *const f32,
    output: *mut f32,
}

// SAFETY: threads read a shared buffer and write pixels of their own, whose places lie apart.
unsafe impl Sync for Buffers {}

impl Buffers {
    /// Both at once, so that a closure takes the whole, which threads may share.
    fn both(&self) -> (*const f32, *mut f32) {
        (self.input, self.output)
    }
}

/// Computes all pixels, on the threads of a pool if there is one.
///
/// # Errors
///
/// [`KernelError::Input`] and [`KernelError::Output`] when a slice is too short.
pub(super) fn run(
    layer: &impl Pixels,
    pool: Option<&Pool>,
    input: &[f32],
    output: &mut [f32],
) -> Result<(), KernelError> {
    let ((needs_in, needs_out), (pixels, products)) = (layer.needed(), layer.work());
    check::input(input, needs_in)?;
    check::output(output, needs_out)?;
    let buffers = Buffers { input: input.as_ptr(), output: output.as_mut_ptr() };
    let compute = |pixels| {
        let (input, output) = buffers.both();
        // SAFETY: the lengths have just been checked, and the pixels are the layer's.
        unsafe { layer.compute(pixels, input, output) }
    };
    match pool.filter(|_| layer.are_apart()) {
        Some(pool) => share::pixels(pool, pixels, products * COST, compute),
        None => compute(0..pixels),
    }
    Ok(())
}
