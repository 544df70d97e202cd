//! AVX-512 VNNI: sixteen sums of four products an instruction.
//!
//! A tile is some pixels by one to four blocks of outputs, its sums in registers. For each
//! group of four bytes every pixel's four are broadcast and multiplied with the blocks'
//! panels; the input is read where it lies, nothing is gathered first.

use std::arch::x86_64::*;
use std::cell::RefCell;

use super::finish::Spread;
use super::packed::{BLOCK, Panel};
use super::product::{Job, Target};

thread_local! {
    /// Sums of the inputs of each pixel, where weights have zero points.
    static TOTALS: RefCell<Vec<i32>> = const { RefCell::new(Vec::new()) };
}

/// Computes the pixels of a job.
///
/// # Safety
///
/// The job keeps what [`Job`] promises, and the processor has the features.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) unsafe fn product(job: &Job<'_>) {
    if job.layer.packed.zero.is_empty() {
        // SAFETY: what the caller promises.
        return unsafe { blocks(job, &[]) };
    }
    TOTALS.with_borrow_mut(|totals| {
        totals.clear();
        // SAFETY: what the caller promises.
        unsafe {
            totals.extend((job.from..job.to).map(|pixel| total(job, pixel)));
            blocks(job, totals);
        }
    });
}

/// Walks the blocks of outputs, up to four at a time, over all pixels.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn blocks(job: &Job<'_>, totals: &[i32]) {
    let count = job.layer.packed.outputs.div_ceil(BLOCK);
    let mut block = 0;
    while block < count {
        let wide = match count - block {
            left @ 1..=4 => left,
            5 => 3,
            _ => 4,
        };
        // SAFETY: what the caller promises; there are `wide` blocks from here.
        unsafe {
            match wide {
                1 => pixels::<1, 16>(job, totals, block),
                2 => pixels::<2, 12>(job, totals, block),
                3 => pixels::<3, 8>(job, totals, block),
                _ => pixels::<4, 6>(job, totals, block),
            }
        }
        block += wide;
    }
}

/// Walks the pixels in tiles of `TALL`, and what is left in smaller ones.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn pixels<const WIDE: usize, const TALL: usize>(
    job: &Job<'_>,
    totals: &[i32],
    block: usize,
) {
    let mut pixel = job.from;
    // SAFETY: every tile ends within the job's pixels.
    unsafe {
        while pixel + TALL <= job.to {
            tile::<WIDE, TALL>(job, totals, block, pixel);
            pixel += TALL;
        }
        while pixel < job.to {
            pixel += match job.to - pixel {
                8.. => tile::<WIDE, 8>(job, totals, block, pixel),
                4.. => tile::<WIDE, 4>(job, totals, block, pixel),
                2.. => tile::<WIDE, 2>(job, totals, block, pixel),
                _ => tile::<WIDE, 1>(job, totals, block, pixel),
            };
        }
    }
}

/// One tile; gives the number of its pixels.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn tile<const WIDE: usize, const TALL: usize>(
    job: &Job<'_>,
    totals: &[i32],
    block: usize,
    pixel: usize,
) -> usize {
    let packed = &job.layer.packed;
    let groups = packed.groups();
    let mut from = [job.input; TALL];
    for (row, from) in from.iter_mut().enumerate() {
        // SAFETY: the pixel is one of the job's.
        unsafe {
            let origin = *job.layer.geometry.origins.get_unchecked(pixel + row);
            *from = job.input.add(origin as usize);
        }
    }
    // SAFETY: biases are padded to whole blocks.
    let bias: [__m512i; WIDE] = std::array::from_fn(|at| unsafe {
        _mm512_loadu_si512(packed.bias.as_ptr().add((block + at) * BLOCK).cast())
    });
    let mut sums = [bias; TALL];
    // SAFETY: there are `groups` panels for each block.
    let panels: [*const Panel; WIDE] =
        std::array::from_fn(|at| unsafe { packed.panels.as_ptr().add((block + at) * groups) });
    for (group, &offset) in packed.offsets.iter().enumerate() {
        // SAFETY: panels are aligned and there are `groups` of them.
        let weights: [__m512i; WIDE] =
            std::array::from_fn(|at| unsafe { _mm512_load_si512(panels[at].add(group).cast()) });
        for row in 0..TALL {
            // SAFETY: a group lies in a run or in the slack behind it.
            let four = unsafe { from[row].add(offset as usize).cast::<i32>().read_unaligned() };
            let four = _mm512_set1_epi32(four);
            for at in 0..WIDE {
                sums[row][at] = _mm512_dpbusd_epi32(sums[row][at], four, weights[at]);
            }
        }
    }
    // SAFETY: the blocks and the pixels are the job's.
    unsafe {
        let columns = Columns::<WIDE>::new(job, block);
        for (row, sums) in sums.into_iter().enumerate() {
            columns.put(job, totals, pixel + row, sums);
        }
    }
    TALL
}

/// The finish of some blocks of outputs.
struct Columns<const WIDE: usize> {
    zero: [__m512i; WIDE],
    multiplier: [__m512; WIDE],
    first: usize,
    /// Outputs in these blocks.
    count: usize,
}

impl<const WIDE: usize> Columns<WIDE> {
    /// # Safety
    ///
    /// The blocks are some of the job's.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    unsafe fn new(job: &Job<'_>, block: usize) -> Self {
        let (packed, finish, first) = (&job.layer.packed, &job.layer.finish, block * BLOCK);
        // SAFETY: all lists are padded to whole blocks.
        let zero = std::array::from_fn(|at| unsafe {
            if packed.zero.is_empty() {
                _mm512_setzero_si512()
            } else {
                _mm512_loadu_si512(packed.zero.as_ptr().add(first + at * BLOCK).cast())
            }
        });
        // SAFETY: the same.
        let multiplier = std::array::from_fn(|at| unsafe {
            _mm512_loadu_ps(finish.multiplier.as_ptr().add(first + at * BLOCK))
        });
        Self { zero, multiplier, first, count: (packed.outputs - first).min(WIDE * BLOCK) }
    }

    /// Finishes and writes the sums of one pixel.
    ///
    /// # Safety
    ///
    /// The pixel is one of the job's, and where weights have zero points `totals` has its sum.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    unsafe fn put(&self, job: &Job<'_>, totals: &[i32], pixel: usize, mut sums: [__m512i; WIDE]) {
        if let Some(&total) = totals.get(pixel - job.from) {
            for (sum, zero) in sums.iter_mut().zip(self.zero) {
                let part = _mm512_mullo_epi32(zero, _mm512_set1_epi32(total));
                *sum = _mm512_sub_epi32(*sum, part);
            }
        }
        let finish = &job.layer.finish;
        let reals: [__m512; WIDE] = std::array::from_fn(|at| {
            _mm512_mul_ps(_mm512_cvtepi32_ps(sums[at]), self.multiplier[at])
        });
        // SAFETY: the place of a pixel plus the outputs lie in the target; masks keep the
        // last block within them.
        unsafe {
            let place = *job.layer.geometry.places.get_unchecked(pixel) as usize + self.first;
            match job.target {
                Target::Codes(target) => {
                    let low = _mm512_set1_ps(finish.low);
                    let high = _mm512_set1_ps(finish.high);
                    let code = |at: usize| match reals.get(at) {
                        Some(&real) if finish.bounded => _mm512_cvtps_epi32(real),
                        Some(&real) => {
                            _mm512_cvtps_epi32(_mm512_min_ps(_mm512_max_ps(real, low), high))
                        }
                        None => _mm512_setzero_si512(),
                    };
                    let to = target.add(place).cast();
                    if WIDE == 1 {
                        let mask = u16::MAX >> (16 - self.count);
                        _mm_mask_storeu_epi8(to, mask, bytes_of_one(finish, code(0)));
                    } else {
                        let mask = u64::MAX >> (64 - self.count);
                        _mm512_mask_storeu_epi8(to, mask, bytes::<WIDE>(finish, code));
                    }
                }
                Target::Reals(target) => {
                    for (at, real) in reals.into_iter().enumerate() {
                        let left = self.count - at * BLOCK;
                        let mask = if left < BLOCK { (1 << left) - 1 } else { u16::MAX };
                        let first = self.first + at * BLOCK;
                        let bias = _mm512_loadu_ps(finish.bias.as_ptr().add(first));
                        let real = clamp(_mm512_add_ps(real, bias), finish.low, finish.high);
                        _mm512_mask_storeu_ps(target.add(place + at * BLOCK), mask, real);
                    }
                }
            }
        }
    }
}

/// Whole numbers of one block as bytes: zero point added, clamped.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn bytes_of_one(finish: &Spread, code: __m512i) -> __m128i {
    let code = _mm512_add_epi32(code, _mm512_set1_epi32(finish.zero_point));
    let code = _mm512_max_epi32(code, _mm512_set1_epi32(i32::from(finish.low_code)));
    _mm512_cvtepi32_epi8(_mm512_min_epi32(code, _mm512_set1_epi32(i32::from(finish.high_code))))
}

/// Whole numbers of two to four blocks as bytes in order: zero point added, clamped.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn bytes<const WIDE: usize>(finish: &Spread, code: impl Fn(usize) -> __m512i) -> __m512i {
    let zero = _mm512_set1_epi16(finish.zero_point as i16);
    let words = |a: __m512i, b: __m512i| _mm512_adds_epi16(_mm512_packs_epi32(a, b), zero);
    let first = words(code(0), code(1));
    let second = if WIDE > 2 { words(code(2), code(3)) } else { first };
    // Packing works within lanes of 128 bits: element 4 l + b holds outputs 4 l to 4 l + 3
    // of block b.
    let order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
    let bytes = _mm512_permutexvar_epi32(order, _mm512_packus_epi16(first, second));
    let low = _mm512_set1_epi8(finish.low_code as i8);
    let high = _mm512_set1_epi8(finish.high_code as i8);
    _mm512_min_epu8(_mm512_max_epu8(bytes, low), high)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn clamp(value: __m512, low: f32, high: f32) -> __m512 {
    _mm512_min_ps(_mm512_max_ps(value, _mm512_set1_ps(low)), _mm512_set1_ps(high))
}

/// Sum of the inputs of one pixel.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn total(job: &Job<'_>, pixel: usize) -> i32 {
    let geometry = &job.layer.geometry;
    let mut total = _mm512_setzero_si512();
    for run in &geometry.runs {
        for at in (0..run.len).step_by(64) {
            let left = run.len - at;
            let mask = if left < 64 { (1_u64 << left) - 1 } else { u64::MAX };
            // SAFETY: the mask keeps the load within the run.
            let bytes = unsafe {
                let origin = *geometry.origins.get_unchecked(pixel) as usize;
                let from = job.input.add(origin + run.offset + at);
                _mm512_maskz_loadu_epi8(mask, from.cast())
            };
            total = _mm512_add_epi64(total, _mm512_sad_epu8(bytes, _mm512_setzero_si512()));
        }
    }
    _mm512_reduce_add_epi64(total) as i32
}
