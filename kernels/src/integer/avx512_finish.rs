//! From sums to codes or reals, with AVX-512.
//!
//! Where depth is small this costs as much as the sums, so what can be is prepared when
//! the product is built: the bias is where sums start, and rounding needs no clamp before
//! it where multipliers are bounded. Four vectors are packed to 64 bytes together.

use std::arch::x86_64::*;
use std::hint::black_box;

use super::finish::Spread;
use super::packed::BLOCK;
use super::product::{Job, Target};

/// Finishes and writes the sums of `sums.len()` pixels from `pixel`, of `WIDE` blocks of
/// outputs from `block`.
///
/// # Safety
///
/// The pixels and the blocks are some of the job's, and the processor has the features.
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) unsafe fn finish<const WIDE: usize>(
    job: &Job<'_>,
    block: usize,
    pixel: usize,
    sums: &mut [[__m512i; WIDE]],
) {
    let first = block * BLOCK;
    // SAFETY: what the caller promises; a pixel has a place for each output.
    unsafe {
        if !job.layer.packed.zero.is_empty() {
            correct(job, first, pixel, sums);
        }
        let places = job.layer.geometry.places.get_unchecked(pixel..pixel + sums.len());
        match job.target {
            Target::Codes(target) if job.layer.finish.bounded => {
                codes::<WIDE, true>(job, first, places, sums, target.add(first));
            }
            Target::Codes(target) => {
                codes::<WIDE, false>(job, first, places, sums, target.add(first));
            }
            Target::Reals(target) => reals(job, first, places, sums, target.add(first)),
        }
    }
}

/// Takes off what the weights' zero points contribute.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn correct<const WIDE: usize>(
    job: &Job<'_>,
    first: usize,
    pixel: usize,
    sums: &mut [[__m512i; WIDE]],
) {
    for (row, sums) in sums.iter_mut().enumerate() {
        // SAFETY: the pixel is one of the job's; zero points are padded to whole blocks.
        unsafe {
            let total = _mm512_set1_epi32(total(job, pixel + row));
            for (at, sum) in sums.iter_mut().enumerate() {
                let zero = job.layer.packed.zero.as_ptr().add(first + at * BLOCK);
                let part = _mm512_mullo_epi32(_mm512_loadu_si512(zero.cast()), total);
                *sum = _mm512_sub_epi32(*sum, part);
            }
        }
    }
}

/// Multipliers, or anything else there is one of per output.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn listed<const WIDE: usize>(list: &[f32], first: usize) -> [__m512; WIDE] {
    // SAFETY: all lists are padded to whole blocks.
    std::array::from_fn(|at| unsafe { _mm512_loadu_ps(list.as_ptr().add(first + at * BLOCK)) })
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn codes<const WIDE: usize, const BOUNDED: bool>(
    job: &Job<'_>,
    first: usize,
    places: &[u32],
    sums: &[[__m512i; WIDE]],
    target: *mut u8,
) {
    // Pixels that fill four vectors.
    let together = (4 / WIDE).max(1);
    let spread = &job.layer.finish;
    let count = (job.layer.packed.outputs - first).min(WIDE * BLOCK);
    // SAFETY: the blocks are the job's.
    let multiplier: [__m512; WIDE] = unsafe { listed(&spread.multiplier, first) };
    let (low, high) = (_mm512_set1_ps(spread.low), _mm512_set1_ps(spread.high));
    let packing = Packing::new(spread);
    for (places, sums) in places.chunks(together).zip(sums.chunks(together)) {
        let codes: [__m512i; 4] = std::array::from_fn(|at| {
            // A missing pixel is computed again and not written.
            let (row, at) = ((at / WIDE).min(sums.len() - 1), at % WIDE);
            let real = _mm512_mul_ps(_mm512_cvtepi32_ps(sums[row][at]), multiplier[at]);
            let real = if BOUNDED { real } else { _mm512_min_ps(_mm512_max_ps(real, low), high) };
            _mm512_cvtps_epi32(real)
        });
        let bytes = packing.bytes(codes);
        // SAFETY: each place plus the outputs lies in the target, and no more is written.
        unsafe { write::<WIDE>(bytes, places, count, target) };
    }
}

/// Whole numbers to bytes.
struct Packing {
    zero: __m512i,
    low: __m512i,
    high: __m512i,
    order: __m512i,
}

impl Packing {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    fn new(spread: &Spread) -> Self {
        Self {
            zero: _mm512_set1_epi16(spread.zero_point as i16),
            low: _mm512_set1_epi8(spread.low_code as i8),
            high: _mm512_set1_epi8(spread.high_code as i8),
            // Packing works within lanes of 128 bits: element 4 l + v holds elements 4 l to
            // 4 l + 3 of vector v. Hidden from the compiler, which would make three
            // permutations of one that it knows.
            order: black_box(_mm512_set_epi32(
                15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0,
            )),
        }
    }

    /// Adds the zero point and clamps; saturation on the way changes nothing, because no
    /// code lies outside of a byte.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    fn bytes(&self, [a, b, c, d]: [__m512i; 4]) -> __m512i {
        let first = _mm512_adds_epi16(_mm512_packs_epi32(a, b), self.zero);
        let second = _mm512_adds_epi16(_mm512_packs_epi32(c, d), self.zero);
        let bytes = _mm512_packus_epi16(first, second);
        let bytes = _mm512_min_epu8(_mm512_max_epu8(bytes, self.low), self.high);
        _mm512_permutexvar_epi32(self.order, bytes)
    }
}

/// Writes the first `count` bytes of each pixel's share of a vector.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn write<const WIDE: usize>(bytes: __m512i, places: &[u32], count: usize, target: *mut u8) {
    let quarter = |at: usize| match at {
        0 => _mm512_castsi512_si128(bytes),
        1 => _mm512_extracti32x4_epi32::<1>(bytes),
        2 => _mm512_extracti32x4_epi32::<2>(bytes),
        _ => _mm512_extracti32x4_epi32::<3>(bytes),
    };
    // SAFETY: what the caller promises.
    unsafe {
        if WIDE == 1 {
            let mask = u16::MAX >> (BLOCK - count);
            for (at, &place) in places.iter().enumerate().take(4) {
                let to = target.add(place as usize).cast();
                _mm_mask_storeu_epi8(to, mask, quarter(at));
            }
        } else if WIDE == 2 {
            let mask = u32::MAX >> (2 * BLOCK - count);
            let halves = [_mm512_castsi512_si256(bytes), _mm512_extracti64x4_epi64::<1>(bytes)];
            for (&place, half) in places.iter().zip(halves) {
                _mm256_mask_storeu_epi8(target.add(place as usize).cast(), mask, half);
            }
        } else if let [place, ..] = places {
            let mask = u64::MAX >> (4 * BLOCK - count);
            _mm512_mask_storeu_epi8(target.add(*place as usize).cast(), mask, bytes);
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn reals<const WIDE: usize>(
    job: &Job<'_>,
    first: usize,
    places: &[u32],
    sums: &[[__m512i; WIDE]],
    target: *mut f32,
) {
    let spread = &job.layer.finish;
    // SAFETY: the blocks are the job's.
    let (multiplier, bias): ([__m512; WIDE], [__m512; WIDE]) =
        unsafe { (listed(&spread.multiplier, first), listed(&spread.bias, first)) };
    let (low, high) = (_mm512_set1_ps(spread.low), _mm512_set1_ps(spread.high));
    let count = job.layer.packed.outputs - first;
    for (&place, sums) in places.iter().zip(sums) {
        for (at, &sum) in sums.iter().enumerate() {
            let left = count - at * BLOCK;
            let mask = if left < BLOCK { (1 << left) - 1 } else { u16::MAX };
            let real = _mm512_mul_ps(_mm512_cvtepi32_ps(sum), multiplier[at]);
            let real = _mm512_max_ps(_mm512_add_ps(real, bias[at]), low);
            // SAFETY: the place plus the outputs lies in the target; the mask keeps the last
            // block within them.
            unsafe {
                let to = target.add(place as usize + at * BLOCK);
                _mm512_mask_storeu_ps(to, mask, _mm512_min_ps(real, high));
            }
        }
    }
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
