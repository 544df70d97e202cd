//! AVX2 without dot products.
//!
//! The instruction that multiplies bytes saturates, so both sides are widened to 16 bits
//! first. A vector holds four outputs by two partial sums, joined at the end.

use std::arch::x86_64::*;

use super::avx2_finish::{corrected, finish};
use super::packed::{BLOCK, Panel};
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
        unsafe { put(job, block, pixel + row, sums) };
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

/// Joins the partial sums of a block and finishes them.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn put(job: &Job<'_>, block: usize, pixel: usize, sums: &[__m256i; VECTORS]) {
    let (packed, geometry) = (&job.layer.packed, &job.layer.geometry);
    let joined = |at: usize| {
        let pairs = _mm256_hadd_epi32(sums[at], sums[at + 1]);
        _mm256_permute4x64_epi64::<0b11_01_10_00>(pairs)
    };
    let first = block * BLOCK;
    // SAFETY: the pixel and the block are the job's; lists are padded to whole blocks.
    unsafe {
        let total = if packed.zero.is_empty() { 0 } else { total(job, pixel) };
        let totals = [_mm256_set1_epi32(total); 2];
        let sums = corrected([joined(0), joined(2)], first, &packed.bias, &packed.zero, totals);
        let place = *geometry.places.get_unchecked(pixel) as usize;
        finish(&job.layer.finish, (first, packed.outputs), job.target, place, sums);
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
