//! The reference of the depthwise convolution.

use super::depthwise::Job;
use super::filter::WIDEST;
use super::product::Target;

/// Computes the pixels of a job.
///
/// # Safety
///
/// The job keeps what [`Job`] promises.
pub(super) unsafe fn depthwise(job: &Job<'_>) {
    let filter = job.filter;
    for pixel in job.from..job.to {
        let window = &filter.window;
        let (Some(&origin), Some(&place)) = (window.origins.get(pixel), window.places.get(pixel))
        else {
            return;
        };
        for first in (0..filter.window.channels).step_by(WIDEST) {
            let count = WIDEST.min(filter.window.channels - first);
            // SAFETY: what the job promises.
            unsafe { block(job, origin as usize, place as usize, first, count) };
        }
    }
}

/// Up to 64 channels of one pixel.
unsafe fn block(job: &Job<'_>, origin: usize, place: usize, first: usize, count: usize) {
    let filter = job.filter;
    let mut sums = [0_i32; WIDEST];
    let mut totals = [0_i32; WIDEST];
    for (&tap, row) in filter.window.taps.iter().zip(filter.weights.chunks(filter.window.channels))
    {
        // SAFETY: a tap's channels lie in the input.
        let x = unsafe { std::slice::from_raw_parts(job.input.add(origin + tap + first), count) };
        let weights = row.get(first..first + count).unwrap_or_default();
        for ((sum, &x), &weight) in sums.iter_mut().zip(x).zip(weights) {
            *sum = sum.wrapping_add(i32::from(x) * i32::from(weight));
        }
        if !filter.zero.is_empty() {
            totals.iter_mut().zip(x).for_each(|(total, &x)| *total += i32::from(x));
        }
    }
    for (at, (&sum, &total)) in sums.iter().zip(&totals).take(count).enumerate() {
        let c = first + at;
        let listed = |list: &[i32]| list.get(c).copied().unwrap_or(0);
        let sum = sum
            .wrapping_add(listed(&filter.bias))
            .wrapping_sub(listed(&filter.zero).wrapping_mul(total));
        match job.target {
            // SAFETY: the place plus all channels lie in the target.
            Target::Codes(target) => unsafe {
                target.add(place + c).write(filter.finish.code(sum, c));
            },
            // SAFETY: the same.
            Target::Reals(target) => unsafe {
                target.add(place + c).write(filter.finish.real(sum, c));
            },
        }
    }
}
