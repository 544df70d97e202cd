//! What becomes of sixteen sums, with Neon.

use std::arch::aarch64::*;

use super::{finish::Spread, packed::BLOCK, product::Target};

/// Registers of a block of sums.
pub(super) const QUARTERS: usize = 4;

/// Sixteen sums, four to a register.
pub(super) type Sums = [int32x4_t; QUARTERS];

/// The parameters of one block of outputs, in registers.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a> {
    finish: &'a Spread,
    zero: Option<Sums>,
    multiplier: [float32x4_t; QUARTERS],
    zero_point: int16x8_t,
    low: uint8x16_t,
    high: uint8x16_t,
    first: usize,
    /// Outputs of the block.
    count: usize,
}

impl<'a> Columns<'a> {
    /// The block that starts at output `first` of `outputs`. `zero` is empty where all
    /// weights have the zero point 0.
    ///
    /// # Safety
    ///
    /// The lists are padded to whole blocks.
    #[inline]
    #[target_feature(enable = "neon")]
    pub(super) unsafe fn new(
        finish: &'a Spread,
        zero: &[i32],
        first: usize,
        outputs: usize,
    ) -> Self {
        // SAFETY: what the caller promises.
        unsafe {
            let from = finish.multiplier.as_ptr().add(first);
            Self {
                finish,
                zero: if zero.is_empty() { None } else { Some(load(zero, first)) },
                multiplier: std::array::from_fn(|at| vld1q_f32(from.add(4 * at))),
                zero_point: vdupq_n_s16(finish.zero_point as i16),
                low: vdupq_n_u8(finish.low_code),
                high: vdupq_n_u8(finish.high_code),
                first,
                count: (outputs - first).min(BLOCK),
            }
        }
    }

    /// Takes `total * zero point` off the sums, where weights have zero points.
    #[inline]
    #[target_feature(enable = "neon")]
    pub(super) fn without_zero(&self, sums: Sums, totals: Sums) -> Sums {
        match self.zero {
            Some(zero) => std::array::from_fn(|at| vmlsq_s32(sums[at], totals[at], zero[at])),
            None => sums,
        }
    }

    /// Whether weights have zero points.
    #[inline]
    pub(super) fn needs_totals(&self) -> bool {
        self.zero.is_some()
    }

    /// Finishes and writes the sums of the pixels whose first outputs are at `places`.
    ///
    /// # Safety
    ///
    /// There are as many places as pixels, and each plus all outputs lies in the target.
    #[inline]
    #[target_feature(enable = "neon")]
    pub(super) unsafe fn put<const TALL: usize>(
        &self,
        target: Target,
        places: *const u32,
        sums: [Sums; TALL],
    ) {
        // What is written could otherwise be any of the parameters.
        let columns = *self;
        // SAFETY: what the caller promises; no more than `count` elements are written.
        unsafe {
            let places: [usize; TALL] =
                std::array::from_fn(|row| *places.add(row) as usize + columns.first);
            match target {
                Target::Codes(to) if columns.finish.bounded => {
                    for (place, sums) in places.into_iter().zip(sums) {
                        put_bytes(to.add(place), columns.bytes::<true>(sums), columns.count);
                    }
                }
                _ => {
                    for (place, sums) in places.into_iter().zip(sums) {
                        self.put_seldom(target, place, sums);
                    }
                }
            }
        }
    }

    /// What is seldom asked for, apart so that the rest stays short.
    ///
    /// # Safety
    ///
    /// The place plus the outputs of the block lie in the target.
    #[cold]
    #[inline(never)]
    #[target_feature(enable = "neon")]
    unsafe fn put_seldom(&self, target: Target, place: usize, sums: Sums) {
        // SAFETY: what the caller promises.
        unsafe {
            match target {
                Target::Codes(to) => {
                    put_bytes(to.add(place), self.bytes::<false>(sums), self.count);
                }
                Target::Reals(to) => self.put_reals(to.add(place), self.reals(sums)),
            }
        }
    }

    #[inline]
    #[target_feature(enable = "neon")]
    fn reals(&self, sums: Sums) -> [float32x4_t; QUARTERS] {
        std::array::from_fn(|at| vmulq_f32(vcvtq_f32_s32(sums[at]), self.multiplier[at]))
    }

    /// Rounded half to even, zero point added, clamped. The conversions saturate; what is
    /// `BOUNDED` is a number and stays within 32 bits anyhow.
    #[inline]
    #[target_feature(enable = "neon")]
    fn bytes<const BOUNDED: bool>(&self, sums: Sums) -> uint8x16_t {
        let reals = self.reals(sums);
        let code = |at: usize| {
            let real = reals[at];
            vcvtnq_s32_f32(if BOUNDED { real } else { clamp(self.finish, real) })
        };
        let words = |a: usize, b: usize| {
            vqaddq_s16(vqmovn_high_s32(vqmovn_s32(code(a)), code(b)), self.zero_point)
        };
        let bytes = vqmovun_high_s16(vqmovun_s16(words(0, 1)), words(2, 3));
        vminq_u8(vmaxq_u8(bytes, self.low), self.high)
    }

    /// # Safety
    ///
    /// The outputs of the block may be written at `to`.
    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn put_reals(&self, to: *mut f32, reals: [float32x4_t; QUARTERS]) {
        let mut list = [0.0; BLOCK];
        // SAFETY: biases are padded to whole blocks, the list is one block long, and only
        // the outputs that exist are written.
        unsafe {
            let bias = self.finish.bias.as_ptr().add(self.first);
            for (at, real) in reals.into_iter().enumerate() {
                let real = vaddq_f32(real, vld1q_f32(bias.add(4 * at)));
                let real = clamp(self.finish, real);
                if self.count == BLOCK {
                    vst1q_f32(to.add(4 * at), real);
                } else {
                    vst1q_f32(list.as_mut_ptr().add(4 * at), real);
                }
            }
            if self.count < BLOCK {
                to.copy_from_nonoverlapping(list.as_ptr(), self.count);
            }
        }
    }
}

/// A NaN becomes the lowest value, as in [`Spread::code`].
#[inline]
#[target_feature(enable = "neon")]
fn clamp(finish: &Spread, real: float32x4_t) -> float32x4_t {
    vminnmq_f32(vmaxnmq_f32(real, vdupq_n_f32(finish.low)), vdupq_n_f32(finish.high))
}

/// Four sums from a list.
///
/// # Safety
///
/// The list has a whole block from `first`.
#[inline]
#[target_feature(enable = "neon")]
pub(super) unsafe fn load(list: &[i32], first: usize) -> Sums {
    // SAFETY: what the caller promises.
    std::array::from_fn(|at| unsafe { vld1q_s32(list.as_ptr().add(first + 4 * at)) })
}

/// Writes the first `count` of the bytes.
///
/// # Safety
///
/// `count`, at most 16, may be written at `to`.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn put_bytes(to: *mut u8, bytes: uint8x16_t, count: usize) {
    // SAFETY: what the caller promises.
    unsafe { if count == BLOCK { vst1q_u8(to, bytes) } else { put_some(to, bytes, count) } }
}

/// The same in pieces of 8, 4, 2 and 1: without a call and without a buffer.
///
/// # Safety
///
/// As for [`put_bytes`].
#[inline(never)]
#[target_feature(enable = "neon")]
unsafe fn put_some(mut to: *mut u8, mut bytes: uint8x16_t, count: usize) {
    // SAFETY: the pieces together are `count` long.
    unsafe {
        if count & 8 != 0 {
            vst1_u8(to, vget_low_u8(bytes));
            (to, bytes) = (to.add(8), vextq_u8::<8>(bytes, bytes));
        }
        if count & 4 != 0 {
            to.cast::<u32>().write_unaligned(vgetq_lane_u32::<0>(vreinterpretq_u32_u8(bytes)));
            (to, bytes) = (to.add(4), vextq_u8::<4>(bytes, bytes));
        }
        if count & 2 != 0 {
            to.cast::<u16>().write_unaligned(vgetq_lane_u16::<0>(vreinterpretq_u16_u8(bytes)));
            (to, bytes) = (to.add(2), vextq_u8::<2>(bytes, bytes));
        }
        if count & 1 != 0 {
            to.write(vgetq_lane_u8::<0>(bytes));
        }
    }
}
