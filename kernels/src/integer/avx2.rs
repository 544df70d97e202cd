//! AVX2 without dot products.
//!
//! The instruction that multiplies bytes saturates, so both sides are widened to 16 bits
//! first. A vector holds four outputs by two partial sums, joined at the end.

use std::arch::x86_64::*;

use super::packed::{BLOCK, Panel};
use super::portable::put;
use super::product::Job;

/// Vectors of a block: four outputs each.
const VECTORS: usize = 4;

/// Computes the pixels of a job.
///
/// # Safety
///
/// The job keeps what [`Job`] promises, and the processor has the features.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn product(job: &Job<'_>) {
    let count = job.layer.packed.outputs.div_ceil(BLOCK);
    for block in 0..count {
        let mut pixel = job.from;
        // SAFETY: every tile ends within the job's pixels.
        unsafe {
            while pixel + 2 <= job.to {
                tile::<2>(job, block, pixel);
                pixel += 2;
            }
            if pixel < job.to {
                tile::<1>(job, block, pixel);
            }
        }
    }
}

#[target_feature(enable = "avx2,fma")]
unsafe fn tile<const TALL: usize>(job: &Job<'_>, block: usize, pixel: usize) {
    let packed = &job.layer.packed;
    let mut from = [job.input; TALL];
    for (row, from) in from.iter_mut().enumerate() {
        // SAFETY: the pixel is one of the job's.
        unsafe {
            let origin = *job.layer.geometry.origins.get_unchecked(pixel + row);
            *from = job.input.add(origin as usize);
        }
    }
    let mut sums = [[_mm256_setzero_si256(); VECTORS]; TALL];
    for (panel, &offset) in packed.block(block).iter().zip(&packed.offsets) {
        let weights = widened(panel);
        for row in 0..TALL {
            // SAFETY: a group lies in a run or in the slack behind it.
            let four = unsafe { from[row].add(offset as usize).cast::<i32>().read_unaligned() };
            let four = _mm256_broadcastq_epi64(_mm_cvtepu8_epi16(_mm_cvtsi32_si128(four)));
            for at in 0..VECTORS {
                let products = _mm256_madd_epi16(four, weights[at]);
                sums[row][at] = _mm256_add_epi32(sums[row][at], products);
            }
        }
    }
    for (row, sums) in sums.iter().enumerate() {
        // SAFETY: the pixel and the block are the job's.
        unsafe { finish(job, block, pixel + row, sums) };
    }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn widened(panel: &Panel) -> [__m256i; VECTORS] {
    let (quarters, _) = panel.0.as_chunks::<16>();
    std::array::from_fn(|at| {
        // SAFETY: a quarter has 16 bytes.
        unsafe { _mm256_cvtepi8_epi16(_mm_loadu_si128(quarters[at].as_ptr().cast())) }
    })
}

#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn finish(job: &Job<'_>, block: usize, pixel: usize, sums: &[__m256i; VECTORS]) {
    let (packed, geometry) = (&job.layer.packed, &job.layer.geometry);
    let mut list = [0_i32; 2 * BLOCK];
    for (at, sum) in sums.iter().enumerate() {
        // SAFETY: the list has room for four vectors of eight.
        unsafe { _mm256_storeu_si256(list.as_mut_ptr().add(at * 8).cast(), *sum) };
    }
    // SAFETY: what the caller promises.
    let total = if packed.zero.is_empty() { 0 } else { unsafe { total(job, pixel) } };
    let place = geometry.places.get(pixel).map_or(0, |&place| place as usize);
    let (pairs, _) = list.as_chunks::<2>();
    for (lane, [a, b]) in pairs.iter().enumerate().take(packed.outputs - block * BLOCK) {
        let n = block * BLOCK + lane;
        let of = |list: &[i32]| list.get(n).copied().unwrap_or(0);
        let sum = a.wrapping_add(*b).wrapping_add(of(&packed.bias));
        let sum = sum.wrapping_sub(of(&packed.zero).wrapping_mul(total));
        // SAFETY: the place plus the outputs lie in the target.
        unsafe { put(job, sum, n, place + n) };
    }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn total(job: &Job<'_>, pixel: usize) -> i32 {
    let geometry = &job.layer.geometry;
    let origin = geometry.origins.get(pixel).map_or(0, |&origin| origin as usize);
    let mut total = 0_i32;
    for run in &geometry.runs {
        // SAFETY: the run lies in the input.
        let x = unsafe { std::slice::from_raw_parts(job.input.add(origin + run.offset), run.len) };
        total += x.iter().map(|&x| i32::from(x)).sum::<i32>();
    }
    total
}
