//! Depthwise convolution with AVX-512 VNNI.
//!
//! Bytes of four taps are interleaved so that each 32-bit element holds four taps of one
//! channel, which is what a dot product takes; packing the results with saturation undoes
//! the order that interleaving made.

use std::arch::x86_64::*;

use super::depthwise::Job;
use super::filter::{Block, TAPS};
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
     $set8:ident, $set16:ident, $set32:ident, $setf:ident, $add16:ident, $sub:ident, $mul:ident, $tof:ident,
     $loadf:ident, $mulf:ident, $max:ident, $min:ident, $toi:ident, $packs:ident, $packus:ident,
     $store:ident, $storeu:ident, $max8:ident, $min8:ident) => {
        mod $name {
            use super::*;

            const VECTOR: usize = $width / 4;

            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
            pub(super) unsafe fn pixels<const ZERO: bool>(job: &Job<'_>, block: &Block) {
                let origins = &job.filter.window.origins;
                let step = job.filter.step;
                let mut pixel = job.from;
                while pixel < job.to {
                    // SAFETY: the pixels are the job's.
                    unsafe {
                        let origin = *origins.get_unchecked(pixel) as usize;
                        let pair = step > 0
                            && pixel + 1 < job.to
                            && *origins.get_unchecked(pixel + 1) as usize == origin + step;
                        let from = job.input.add(origin + block.first);
                        if pair {
                            let [one, two] = sums::<ZERO, 2>(job, block, from);
                            put(job, block, pixel, one);
                            put(job, block, pixel + 1, two);
                            pixel += 2;
                        } else {
                            let [one] = sums::<ZERO, 1>(job, block, from);
                            put(job, block, pixel, one);
                            pixel += 1;
                        }
                    }
                }
            }

            #[inline]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
            unsafe fn put(job: &Job<'_>, block: &Block, pixel: usize, sums: [$int; 4]) {
                // SAFETY: what the job promises; lists of a block are as long as its width.
                unsafe {
                    let place = *job.filter.window.places.get_unchecked(pixel) as usize;
                    match job.target {
                        Target::Codes(target) => {
                            put_codes(job, block, target.add(place + block.first), sums);
                        }
                        Target::Reals(target) => put_all_reals(job, block, place, target, sums),
                    }
                }
            }

            #[cold]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
            unsafe fn put_all_reals(
                job: &Job<'_>,
                block: &Block,
                place: usize,
                target: *mut f32,
                sums: [$int; 4],
            ) {
                let mut list = [0_i32; $width];
                // SAFETY: the list has room for all sums; the rest is what the caller promises.
                unsafe {
                    for (at, sum) in sums.iter().enumerate() {
                        $storeu(list.as_mut_ptr().add(at * VECTOR).cast(), *sum);
                    }
                    put_reals(job, block, place, &list, target);
                }
            }

            /// Sums of `PIXELS` neighbours, whose taps are interleaved once for all.
            #[inline]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
            unsafe fn sums<const ZERO: bool, const PIXELS: usize>(
                job: &Job<'_>,
                block: &Block,
                from: *const u8,
            ) -> [[$int; 4]; PIXELS] {
                let reach = &job.filter.reach[PIXELS - 1];
                // SAFETY: lists of a block are as long as its width.
                let bias: [$int; 4] = std::array::from_fn(|at| unsafe {
                    $load(block.bias.as_ptr().cast::<i32>().add(at * VECTOR).cast())
                });
                let mut sums = [bias; PIXELS];
                let mut totals = [[$zero(); 4]; PIXELS];
                let mut weights = block.weights[PIXELS - 1].as_ptr().cast::<i8>();
                // SAFETY: a tap's channels and the slack behind them lie in the input, and
                // weights and presence are as many as the taps ask for.
                unsafe {
                    let mut presence = reach.presence.as_ptr();
                    for four in reach.taps.as_chunks::<TAPS>().0 {
                        let [a, b, c, d] = four.map(|tap| $load(from.add(tap).cast()));
                        let (ab, ab_high) = ($lo8(a, b), $hi8(a, b));
                        let (cd, cd_high) = ($lo8(c, d), $hi8(c, d));
                        let quads = [
                            $lo16(ab, cd),
                            $hi16(ab, cd),
                            $lo16(ab_high, cd_high),
                            $hi16(ab_high, cd_high),
                        ];
                        for pixel in 0..PIXELS {
                            for at in 0..4 {
                                let weight = $load(weights.add(at * $width).cast());
                                sums[pixel][at] = $dot(sums[pixel][at], quads[at], weight);
                            }
                            weights = weights.add(4 * $width);
                            if ZERO {
                                let ones = $set32(*presence.add(pixel));
                                for at in 0..4 {
                                    totals[pixel][at] = $dot(totals[pixel][at], quads[at], ones);
                                }
                            }
                        }
                        presence = presence.add(PIXELS);
                    }
                    if ZERO {
                        for pixel in 0..PIXELS {
                            for at in 0..4 {
                                let zero = $load(
                                    block.zero.as_ptr().cast::<i32>().add(at * VECTOR).cast(),
                                );
                                let part = $mul(totals[pixel][at], zero);
                                sums[pixel][at] = $sub(sums[pixel][at], part);
                            }
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
                let zero = $set16(finish.zero_point as i16);
                let left = (job.filter.window.channels - block.first).min($width);
                // SAFETY: there are as many multipliers as channels in the block; the mask
                // keeps the store within the pixel's channels.
                unsafe {
                    let code = |at: usize| {
                        let scale =
                            $loadf(block.multiplier.as_ptr().cast::<f32>().add(at * VECTOR));
                        let real = $mulf($tof(sums[at]), scale);
                        $toi(if finish.bounded { real } else { $min($max(real, low), high) })
                    };
                    let words = |a: usize, b: usize| $add16($packs(code(a), code(b)), zero);
                    let bytes = $packus(words(0, 1), words(2, 3));
                    let bytes = $max8(bytes, $set8(finish.low_code as i8));
                    let bytes = $min8(bytes, $set8(finish.high_code as i8));
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
    _mm512_set1_epi16,
    _mm512_set1_epi32,
    _mm512_set1_ps,
    _mm512_adds_epi16,
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
    _mm512_storeu_si512,
    _mm512_max_epu8,
    _mm512_min_epu8
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
    _mm256_set1_epi16,
    _mm256_set1_epi32,
    _mm256_set1_ps,
    _mm256_adds_epi16,
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
    _mm256_storeu_si256,
    _mm256_max_epu8,
    _mm256_min_epu8
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
    _mm_set1_epi16,
    _mm_set1_epi32,
    _mm_set1_ps,
    _mm_adds_epi16,
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
    _mm_storeu_si128,
    _mm_max_epu8,
    _mm_min_epu8
);
