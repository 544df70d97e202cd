//! The reference: plain loops, one sum at a time.

use super::packed::{BLOCK, GROUP, Packed};
use super::product::{Job, Target};

/// Computes the pixels of a job.
///
/// # Safety
///
/// The job keeps what [`Job`] promises.
pub(super) unsafe fn product(job: &Job<'_>) {
    let packed = &job.layer.packed;
    for pixel in job.from..job.to {
        let geometry = &job.layer.geometry;
        let (Some(&origin), Some(&place)) =
            (geometry.origins.get(pixel), geometry.places.get(pixel))
        else {
            return;
        };
        let zeroed = if packed.zero.is_empty() {
            0
        } else {
            // SAFETY: what the job promises.
            unsafe { total(job, origin as usize) }
        };
        for n in 0..packed.outputs {
            // SAFETY: what the job promises.
            let sum = unsafe { sum(packed, job.input.add(origin as usize), n) };
            let sum = sum.wrapping_sub(at(&packed.zero, n).wrapping_mul(zeroed));
            // SAFETY: places plus outputs lie in the target.
            unsafe { put(job, sum, n, place as usize + n) };
        }
    }
}

/// Writes the result of one sum.
///
/// # Safety
///
/// `to` lies in the target.
pub(super) unsafe fn put(job: &Job<'_>, sum: i32, n: usize, to: usize) {
    let finish = &job.layer.finish;
    match job.target {
        // SAFETY: what the caller promises.
        Target::Codes(target) => unsafe { target.add(to).write(finish.code(sum, n)) },
        // SAFETY: what the caller promises.
        Target::Reals(target) => unsafe { target.add(to).write(finish.real(sum, n)) },
    }
}

/// Sum of the inputs of one pixel, without what lies behind the runs.
unsafe fn total(job: &Job<'_>, origin: usize) -> i32 {
    let mut total = 0_i32;
    for run in &job.layer.geometry.runs {
        for k in 0..run.len {
            // SAFETY: the run lies in the input.
            let x = unsafe { job.input.add(origin + run.offset + k).read() };
            total = total.wrapping_add(i32::from(x));
        }
    }
    total
}

/// Sum of products of one output, with the constant part.
unsafe fn sum(packed: &Packed, pixel: *const u8, n: usize) -> i32 {
    let mut sum = at(&packed.bias, n);
    let lane = n % BLOCK * GROUP;
    for (panel, &offset) in packed.block(n / BLOCK).iter().zip(&packed.offsets) {
        let weights = panel.0.iter().skip(lane).take(GROUP);
        for (k, &weight) in weights.enumerate() {
            // SAFETY: a group lies in a run or in the slack behind it.
            let x = unsafe { pixel.add(offset as usize + k).read() };
            sum = sum.wrapping_add(i32::from(x).wrapping_mul(i32::from(weight)));
        }
    }
    sum
}

fn at(list: &[i32], n: usize) -> i32 {
    list.get(n).copied().unwrap_or(0)
}
