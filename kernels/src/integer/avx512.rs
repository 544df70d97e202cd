//! AVX-512 VNNI: sixteen sums of four products an instruction.
//!
//! A tile is some pixels by one to four blocks of outputs, its sums in registers. For each
//! group of four bytes every pixel's four are broadcast and multiplied with the blocks'
//! panels; the input is read where it lies, nothing is gathered first.

use std::arch::asm;
use std::arch::x86_64::*;

use super::avx512_finish::finish;
use super::packed::{BLOCK, Panel};
use super::product::Job;

/// Computes the pixels of a job: walks the blocks of outputs, up to four at a time, over
/// all pixels.
///
/// # Safety
///
/// The job keeps what [`Job`] promises, and the processor has the features.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) unsafe fn product(job: &Job<'_>) {
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
                1 => pixels::<1, 16>(job, block),
                2 => pixels::<2, 12>(job, block),
                3 => pixels::<3, 8>(job, block),
                _ => pixels::<4, 6>(job, block),
            }
        }
        block += wide;
    }
}

/// Walks the pixels in tiles of `TALL`, and what is left in smaller ones.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn pixels<const WIDE: usize, const TALL: usize>(job: &Job<'_>, block: usize) {
    let mut pixel = job.from;
    // SAFETY: every tile ends within the job's pixels.
    unsafe {
        while pixel + TALL <= job.to {
            tile::<WIDE, TALL>(job, block, pixel);
            pixel += TALL;
        }
        while pixel < job.to {
            pixel += match job.to - pixel {
                8.. if TALL > 8 => tile::<WIDE, 8>(job, block, pixel),
                4.. => tile::<WIDE, 4>(job, block, pixel),
                2.. => tile::<WIDE, 2>(job, block, pixel),
                _ => tile::<WIDE, 1>(job, block, pixel),
            };
        }
    }
}

/// One tile; gives the number of its pixels.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn tile<const WIDE: usize, const TALL: usize>(
    job: &Job<'_>,
    block: usize,
    pixel: usize,
) -> usize {
    let (packed, origins) = (&job.layer.packed, &job.layer.geometry.origins);
    let groups = packed.groups();
    // SAFETY: the pixels are the job's.
    let from: [*const u8; TALL] = std::array::from_fn(|row| unsafe {
        job.input.add(*origins.get_unchecked(pixel + row) as usize)
    });
    // SAFETY: biases are padded to whole blocks.
    let bias: [__m512i; WIDE] = std::array::from_fn(|at| unsafe {
        _mm512_loadu_si512(packed.bias.as_ptr().add((block + at) * BLOCK).cast())
    });
    let mut sums = [bias; TALL];
    // SAFETY: there are `groups` panels for each block.
    let panels: [*const Panel; WIDE] =
        std::array::from_fn(|at| unsafe { packed.panels.as_ptr().add((block + at) * groups) });
    let step = step::<TALL>(&from);
    for (group, &offset) in packed.offsets.iter().enumerate() {
        // SAFETY: panels are aligned and there are `groups` of them.
        let weights: [__m512i; WIDE] =
            std::array::from_fn(|at| unsafe { _mm512_load_si512(panels[at].add(group).cast()) });
        // SAFETY: a group lies in a run or in the slack behind it.
        unsafe {
            if let Some(step) = step {
                let first = from[0].offset(offset as isize);
                for (row, sums) in sums.iter_mut().enumerate() {
                    let base = first.offset((row / 4 * 4) as isize * step);
                    accumulate(sums, base, (row % 4) as isize * step, &weights);
                }
            } else {
                for (sums, from) in sums.iter_mut().zip(from) {
                    accumulate(sums, from, offset as isize, &weights);
                }
            }
        }
    }
    // SAFETY: the blocks and the pixels are the job's.
    unsafe { finish(job, block, pixel, &mut { sums }) };
    TALL
}

/// Distance of the rows of a tile where it is the same for all.
#[inline]
fn step<const TALL: usize>(from: &[*const u8; TALL]) -> Option<isize> {
    let distance = |at: usize| (from[at] as isize).wrapping_sub(from[at - 1] as isize);
    (TALL > 4 && (2..TALL).all(|at| distance(at) == distance(1))).then(|| distance(1))
}

/// Adds the products of the four bytes at `base + offset` with the weights of each block.
///
/// In assembly, because the compiler would load the bytes of all rows first and then has
/// no registers left for the sums.
///
/// # Safety
///
/// The bytes are readable.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn accumulate<const WIDE: usize>(
    sums: &mut [__m512i; WIDE],
    base: *const u8,
    offset: isize,
    weights: &[__m512i; WIDE],
) {
    let _four: __m512i;
    macro_rules! dots {
        ($($at:literal $sum:ident $weight:ident),*) => {
            // SAFETY: reads four bytes and changes nothing but the sums.
            unsafe {
                asm!(
                    "vpbroadcastd {four}, dword ptr [{base} + {offset}]",
                    $(concat!("vpdpbusd {", stringify!($sum), "}, {four}, {", stringify!($weight), "}"),)*
                    four = out(zmm_reg) _four,
                    base = in(reg) base,
                    offset = in(reg) offset,
                    $($sum = inout(zmm_reg) sums[$at], $weight = in(zmm_reg) weights[$at],)*
                    options(readonly, nostack, preserves_flags)
                );
            }
        };
    }
    match WIDE {
        1 => dots!(0 a wa),
        2 => dots!(0 a wa, 1 b wb),
        3 => dots!(0 a wa, 1 b wb, 2 c wc),
        _ => dots!(0 a wa, 1 b wb, 2 c wc, 3 d wd),
    }
}
