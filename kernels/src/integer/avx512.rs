//! AVX-512 VNNI: sixteen sums of four products an instruction.
//!
//! A tile is some pixels by one to four blocks of outputs, its sums in registers. For each
//! group of four bytes every pixel's four are broadcast and multiplied with the blocks'
//! panels; the input is read where it lies, nothing is gathered first.

use std::arch::asm;
use std::arch::x86_64::*;

use super::avx512_finish::finish;
use super::packed::{BLOCK, Packed, Panel};
use super::product::Job;

/// Parts of the sum of a single pixel: with these, four blocks hide the latency of a dot
/// product, and one block hides most of it.
const PARTS: usize = 4;

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
                _ => single::<WIDE>(job, block, pixel),
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
    let (packed, layer) = (&job.layer.packed, job.layer);
    // SAFETY: biases are padded to whole blocks.
    let bias: [__m512i; WIDE] = std::array::from_fn(|at| unsafe {
        _mm512_loadu_si512(packed.bias.as_ptr().add((block + at) * BLOCK).cast())
    });
    let mut sums = [bias; TALL];
    // SAFETY: the blocks and the pixels are the job's, each with its origin; where `ahead`
    // says so they are one step apart. All bytes lie in the input.
    unsafe {
        let origin = |row: usize| *layer.geometry.origins.get_unchecked(pixel + row) as usize;
        let first = job.input.add(origin(0));
        if TALL > 4 && *layer.ahead.get_unchecked(pixel) as usize >= TALL {
            let step = (origin(1) as isize).wrapping_sub(origin(0) as isize);
            multiply(packed, block, &mut sums, |row, offset| {
                (first.offset(offset + (row / 4 * 4) as isize * step), (row % 4) as isize * step)
            });
        } else {
            let from: [*const u8; TALL] = std::array::from_fn(|row| job.input.add(origin(row)));
            multiply(packed, block, &mut sums, |row, offset| (from[row], offset));
        }
        finish(job, block, pixel, &mut { sums });
    }
    TALL
}

/// One pixel. Its sums are computed in parts, which do not wait for one another.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn single<const WIDE: usize>(job: &Job<'_>, block: usize, pixel: usize) -> usize {
    let packed = &job.layer.packed;
    let groups = packed.groups();
    let mut sums = [[_mm512_setzero_si512(); WIDE]; PARTS];
    // SAFETY: the blocks and the pixel are the job's, its bytes lie in the input; biases are
    // padded to whole blocks and there are `groups` panels for each.
    unsafe {
        let bias = packed.bias.as_ptr().add(block * BLOCK);
        sums[0] = std::array::from_fn(|at| _mm512_loadu_si512(bias.add(at * BLOCK).cast()));
        let from = job.input.add(*job.layer.geometry.origins.get_unchecked(pixel) as usize);
        let panels = packed.panels.as_ptr().add(block * groups);
        let add = |sums: &mut [__m512i; WIDE], group: usize, offset: u32| {
            let panel = |at: usize| panels.add(at * groups + group);
            let weights = std::array::from_fn(|at| _mm512_load_si512(panel(at).cast()));
            accumulate(sums, from, offset as isize, &weights);
        };
        let (whole, rest) = packed.offsets.as_chunks::<PARTS>();
        for (chunk, offsets) in whole.iter().enumerate() {
            for (part, &offset) in offsets.iter().enumerate() {
                add(&mut sums[part], chunk * PARTS + part, offset);
            }
        }
        for (at, &offset) in rest.iter().enumerate() {
            add(&mut sums[0], whole.len() * PARTS + at, offset);
        }
        let total = |at: usize| {
            let parts = sums.iter().map(|part| part[at]);
            parts.fold(_mm512_setzero_si512(), |a, b| _mm512_add_epi32(a, b))
        };
        finish(job, block, pixel, &mut [std::array::from_fn::<_, WIDE, _>(total)]);
    }
    1
}

/// Adds all products; `address` gives the sum of two parts for a row and an offset.
///
/// # Safety
///
/// Addresses are those of readable groups, and there are `WIDE` blocks.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
unsafe fn multiply<const WIDE: usize, const TALL: usize>(
    packed: &Packed,
    block: usize,
    sums: &mut [[__m512i; WIDE]; TALL],
    address: impl Fn(usize, isize) -> (*const u8, isize),
) {
    let groups = packed.groups();
    // SAFETY: there are `groups` panels for each block, all aligned.
    unsafe {
        let panels: [*const Panel; WIDE] =
            std::array::from_fn(|at| packed.panels.as_ptr().add((block + at) * groups));
        for (group, &offset) in packed.offsets.iter().enumerate() {
            let weights: [__m512i; WIDE] =
                std::array::from_fn(|at| _mm512_load_si512(panels[at].add(group).cast()));
            for (row, sums) in sums.iter_mut().enumerate() {
                let (base, more) = address(row, offset as isize);
                accumulate(sums, base, more, &weights);
            }
        }
    }
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
