//! The parameters of products as the kernels take them.

use umbra_kernels::{Dequantize, Finish, Requantize};

use crate::engine::native::ir::{Kind, Range};

/// One value per output from one per output, one for all, or none.
pub(super) fn spread<T: Copy + Default>(values: &[T], outputs: usize) -> Vec<T> {
    match values {
        [] => vec![T::default(); outputs],
        [one] => vec![*one; outputs],
        many => many.to_vec(),
    }
}

/// What integer sums become, `scale` being what one of them stands for.
pub(super) fn finish(kind: Kind, scale: &[f32], real_bias: &[f32], range: Range) -> Finish {
    match kind {
        Kind::Codes(to) => {
            let (low, high) = codes_between(range);
            let multiplier = scale.iter().map(|scale| scale / to.scale).collect();
            Finish::Codes(Requantize { multiplier, zero_point: to.zero, low, high })
        }
        Kind::Real | Kind::Whole => Finish::Reals(Dequantize {
            multiplier: scale.to_vec(),
            bias: real_bias.to_vec(),
            low: range.low,
            high: range.high,
        }),
    }
}

/// The codes that a clamp lets through.
pub(super) fn codes_between(range: Range) -> (u8, u8) {
    (range.low.clamp(0.0, 255.0) as u8, range.high.clamp(0.0, 255.0) as u8)
}
