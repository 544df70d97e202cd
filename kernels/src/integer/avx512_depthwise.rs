//! Depthwise convolution with AVX-512 VNNI.
//!
//! Bytes of four taps are interleaved so that each 32-bit element holds four taps of one
//! channel, which is what a dot product takes; packing the results with saturation undoes
//! the order that interleaving made.

use std::arch::x86_64::*;

use super::depthwise::{Block, Job, TAPS};
use super::product::Target;

/// Computes the pixels of a job.
///
/// # Safety
///
/// The job keeps what [`Job`] promises, and the processor has the features.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) unsafe fn depthwise(job: &Job<'_>) {
    for block in &job.filter.blocks {
        // SAFETY: what the caller promises.
        unsafe {
            match (block.width, job.filter.zero.is_empty()) {
                (16, true) => wide16::pixels::<false>(job, block),
                (16, false) => wide16::pixels::<true>(job, block),
                (32, true) => wide32::pixels::<false>(job, block),
                (32, false) => wide32::pixels::<true>(job, block),
                (_, true) => wide64::pixels::<false>(job, block),
                (_, false) => wide64::pixels::<true>(job, block),
            }
        }
    }
}

/// Writes sums that become reals: rare, so one by one.
unsafe fn put_reals(job: &Job<'_>, block: &Block, place: usize, sums: &[i32], target: *mut f32) {
    for (at, &sum) in sums.iter().enumerate() {
        let (vector, rest) = (at / (block.width / 4), at % (block.width / 4));
        let c = block.first + rest / 4 * 16 + vector * 4 + rest % 4;
        if c < job.filter.window.channels {
            // SAFETY: the place plus all channels lie in the target.
            unsafe { target.add(place + c).write(job.filter.finish.real(sum, c)) };
        }
    }
}

/// The same code for one width of vector.
macro_rules! width {
    ($name:ident, $width:literal, $int:ty, $float:ty, $mask:ty,
     $load:ident, $zero:ident, $lo8:ident, $hi8:ident, $lo16:ident, $hi16:ident, $dot:ident,
     $set8:ident, $set32:ident, $setf:ident, $add:ident, $sub:ident, $mul:ident, $tof:ident,
     $loadf:ident, $mulf:ident, $max:ident, $min:ident, $toi:ident, $packs:ident, $packus:ident,
     $store:ident, $storeu:ident) => {
        mod $name {
            use super::*;

            const VECTOR: usize = $width / 4;

            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
            pub(super) unsafe fn pixels<const ZERO: bool>(job: &Job<'_>, block: &Block) {
                for pixel in job.from..job.to {
                    // SAFETY: what the job promises; lists of a block are as long as its width.
                    unsafe {
                        let window = &job.filter.window;
                        let origin = *window.origins.get_unchecked(pixel) as usize;
                        let place = *window.places.get_unchecked(pixel) as usize;
                        let from = job.input.add(origin + block.first);
                        let sums = sums::<ZERO>(job, block, from);
                        match job.target {
                            Target::Codes(target) => {
                                put_codes(job, block, target.add(place + block.first), sums);
                            }
                            Target::Reals(target) => {
                                let mut list = [0_i32; $width];
                                for (at, sum) in sums.iter().enumerate() {
                                    $storeu(list.as_mut_ptr().add(at * VECTOR).cast(), *sum);
                                }
                                put_reals(job, block, place, &list, target);
                            }
                        }
                    }
                }
            }

            #[inline]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
            unsafe fn sums<const ZERO: bool>(
                job: &Job<'_>,
                block: &Block,
                from: *const u8,
            ) -> [$int; 4] {
                let mut sums = [$zero(); 4];
                let mut totals = [$zero(); 4];
                let mut weights = block.weights.as_ptr();
                let taps = &job.filter.window.taps;
                // SAFETY: a tap's channels and the slack behind them lie in the input.
                unsafe {
                    for four in taps.chunks(TAPS) {
                        let first = *four.get_unchecked(0);
                        // A missing tap is read again and weighs nothing.
                        let row = |at: usize| {
                            let tap = four.get(at).copied().unwrap_or(first);
                            $load(from.add(tap).cast())
                        };
                        let (a, b, c, d) = (row(0), row(1), row(2), row(3));
                        let (ab, ab_high) = ($lo8(a, b), $hi8(a, b));
                        let (cd, cd_high) = ($lo8(c, d), $hi8(c, d));
                        let quads = [
                            $lo16(ab, cd),
                            $hi16(ab, cd),
                            $lo16(ab_high, cd_high),
                            $hi16(ab_high, cd_high),
                        ];
                        for at in 0..4 {
                            let weight = $load(weights.add(at * $width).cast());
                            sums[at] = $dot(sums[at], quads[at], weight);
                            if ZERO {
                                let ones = match four.len() {
                                    1 => $set32(1),
                                    2 => $set32(0x0101),
                                    3 => $set32(0x01_0101),
                                    _ => $set8(1),
                                };
                                totals[at] = $dot(totals[at], quads[at], ones);
                            }
                        }
                        weights = weights.add(4 * $width);
                    }
                    for at in 0..4 {
                        let bias = $load(block.bias.as_ptr().add(at * VECTOR).cast());
                        sums[at] = $add(sums[at], bias);
                        if ZERO {
                            let zero = $load(block.zero.as_ptr().add(at * VECTOR).cast());
                            sums[at] = $sub(sums[at], $mul(totals[at], zero));
                        }
                    }
                }
                sums
            }

            #[inline]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
            unsafe fn put_codes(job: &Job<'_>, block: &Block, to: *mut u8, sums: [$int; 4]) {
                let finish = &job.filter.finish;
                let (low, high) = ($setf(finish.low), $setf(finish.high));
                let zero = $set32(finish.zero_point);
                let left = (job.filter.window.channels - block.first).min($width);
                // SAFETY: there are as many multipliers as channels in the block; the mask
                // keeps the store within the pixel's channels.
                unsafe {
                    let code = |at: usize| {
                        let scale = $loadf(block.multiplier.as_ptr().add(at * VECTOR));
                        let real = $mulf($tof(sums[at]), scale);
                        $add($toi($min($max(real, low), high)), zero)
                    };
                    let bytes = $packus($packs(code(0), code(1)), $packs(code(2), code(3)));
                    let mask = (u64::MAX >> (64 - left)) as $mask;
                    $store(to.cast(), mask, bytes);
                }
            }
        }
    };
}

width!(
    wide64,
    64,
    __m512i,
    __m512,
    __mmask64,
    _mm512_loadu_si512,
    _mm512_setzero_si512,
    _mm512_unpacklo_epi8,
    _mm512_unpackhi_epi8,
    _mm512_unpacklo_epi16,
    _mm512_unpackhi_epi16,
    _mm512_dpbusd_epi32,
    _mm512_set1_epi8,
    _mm512_set1_epi32,
    _mm512_set1_ps,
    _mm512_add_epi32,
    _mm512_sub_epi32,
    _mm512_mullo_epi32,
    _mm512_cvtepi32_ps,
    _mm512_loadu_ps,
    _mm512_mul_ps,
    _mm512_max_ps,
    _mm512_min_ps,
    _mm512_cvtps_epi32,
    _mm512_packs_epi32,
    _mm512_packus_epi16,
    _mm512_mask_storeu_epi8,
    _mm512_storeu_si512
);
width!(
    wide32,
    32,
    __m256i,
    __m256,
    __mmask32,
    _mm256_loadu_si256,
    _mm256_setzero_si256,
    _mm256_unpacklo_epi8,
    _mm256_unpackhi_epi8,
    _mm256_unpacklo_epi16,
    _mm256_unpackhi_epi16,
    _mm256_dpbusd_epi32,
    _mm256_set1_epi8,
    _mm256_set1_epi32,
    _mm256_set1_ps,
    _mm256_add_epi32,
    _mm256_sub_epi32,
    _mm256_mullo_epi32,
    _mm256_cvtepi32_ps,
    _mm256_loadu_ps,
    _mm256_mul_ps,
    _mm256_max_ps,
    _mm256_min_ps,
    _mm256_cvtps_epi32,
    _mm256_packs_epi32,
    _mm256_packus_epi16,
    _mm256_mask_storeu_epi8,
    _mm256_storeu_si256
);
width!(
    wide16,
    16,
    __m128i,
    __m128,
    __mmask16,
    _mm_loadu_si128,
    _mm_setzero_si128,
    _mm_unpacklo_epi8,
    _mm_unpackhi_epi8,
    _mm_unpacklo_epi16,
    _mm_unpackhi_epi16,
    _mm_dpbusd_epi32,
    _mm_set1_epi8,
    _mm_set1_epi32,
    _mm_set1_ps,
    _mm_add_epi32,
    _mm_sub_epi32,
    _mm_mullo_epi32,
    _mm_cvtepi32_ps,
    _mm_loadu_ps,
    _mm_mul_ps,
    _mm_max_ps,
    _mm_min_ps,
    _mm_cvtps_epi32,
    _mm_packs_epi32,
    _mm_packus_epi16,
    _mm_mask_storeu_epi8,
    _mm_storeu_si128
);
