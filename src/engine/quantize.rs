//! The arithmetic of affine quantisation, as ONNX defines it and ONNX Runtime does it.
//!
//! `Quantize`: `clamp(round_half_even(x / scale) + zero_point)`, or `x * scale` after an
//! integer product; `Dequantize`: `(q - zero_point) * scale`. Both per tensor or per
//! channel. Weights are folded with the same functions that run at inference.

use crate::model::Dtype;

/// How a real number becomes an integer code.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Quantize {
    /// One, or one per channel.
    pub scale: Vec<f32>,
    /// One, or one per channel; broadcast against `scale`.
    pub zero_point: Vec<i64>,
    /// Channel axis, counted from the end if negative; ignored where there is one scale.
    pub axis: i64,
    /// Whether `scale` multiplies (a requantisation) instead of dividing.
    pub multiply: bool,
    /// 8 or 16 bit integer.
    pub dtype: Dtype,
}

/// How an integer code becomes a real number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Dequantize {
    /// One, or one per channel.
    pub scale: Vec<f32>,
    /// One, or one per channel; broadcast against `scale`.
    pub zero_point: Vec<i64>,
    /// Channel axis, counted from the end if negative; ignored where there is one scale.
    pub axis: i64,
}

/// The parameters of one channel, ready for the inner loop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lane {
    scale: f32,
    multiply: bool,
    low: f32,
    high: f32,
    zero: f32,
}

/// Adding and subtracting it rounds to the nearest integer, ties to even, every
/// `f32` of magnitude below 2^22; unlike a call to `rintf` it vectorises.
const ROUND: f32 = 12_582_912.0;

impl Lane {
    /// The code of `x`, still held in a float. NaN stays NaN.
    #[inline(always)]
    pub(crate) fn code(self, x: f32) -> f32 {
        let real = if self.multiply { x * self.scale } else { x / self.scale };
        (real.clamp(self.low, self.high) + ROUND) - ROUND + self.zero
    }
}

/// Smallest and largest code of a type that tensors are quantised to.
pub(crate) fn range(dtype: Dtype) -> Option<(i64, i64)> {
    match dtype {
        Dtype::Int8 => Some((-128, 127)),
        Dtype::UInt8 => Some((0, 255)),
        Dtype::Int16 => Some((-32768, 32767)),
        Dtype::UInt16 => Some((0, 65535)),
        _ => None,
    }
}

fn at<T: Copy>(values: &[T], channel: usize) -> Option<T> {
    if values.len() == 1 { values.first().copied() } else { values.get(channel).copied() }
}

impl Quantize {
    /// How many channels have parameters of their own.
    pub(crate) fn channels(&self) -> usize {
        self.scale.len().max(self.zero_point.len())
    }

    /// The parameters of each channel; `None` where lists disagree or the type is no code.
    pub(crate) fn lanes(&self) -> Option<Vec<Lane>> {
        let (min, max) = range(self.dtype)?;
        (0..self.channels())
            .map(|channel| {
                let zero = at(&self.zero_point, channel)?;
                Some(Lane {
                    scale: at(&self.scale, channel)?,
                    multiply: self.multiply,
                    low: (min - zero) as f32,
                    high: (max - zero) as f32,
                    zero: zero as f32,
                })
            })
            .collect()
    }
}

impl Dequantize {
    /// How many channels have parameters of their own.
    pub(crate) fn channels(&self) -> usize {
        self.scale.len().max(self.zero_point.len())
    }

    /// Zero point and scale of each channel; `None` where the lists disagree.
    pub(crate) fn lanes(&self) -> Option<Vec<(i64, f32)>> {
        (0..self.channels())
            .map(|channel| Some((at(&self.zero_point, channel)?, at(&self.scale, channel)?)))
            .collect()
    }

    /// Real values of constant codes of this shape; `None` where the parameters do not fit.
    pub(crate) fn fold(&self, shape: &[usize], codes: &[i64]) -> Option<Vec<f32>> {
        let lanes = self.lanes()?;
        let inner = run_length(shape, self.axis, lanes.len())?;
        let mut channel = lanes.iter().cycle();
        let mut values = Vec::with_capacity(codes.len());
        for run in codes.chunks(inner.max(1)) {
            let &(zero, scale) = channel.next()?;
            values.extend(run.iter().map(|code| (code - zero) as f32 * scale));
        }
        Some(values)
    }
}

/// Consecutive elements that share a channel: all of them where there is one channel.
/// `None` where the axis does not exist or has another length.
pub(crate) fn run_length(shape: &[usize], axis: i64, channels: usize) -> Option<usize> {
    if channels == 1 {
        return Some(shape.iter().product());
    }
    let rank = i64::try_from(shape.len()).ok()?;
    let axis = usize::try_from(if axis < 0 { axis + rank } else { axis }).ok()?;
    if *shape.get(axis)? != channels {
        return None;
    }
    Some(shape.get(axis + 1..)?.iter().product())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(quantize: &Quantize, xs: &[f32]) -> Vec<f32> {
        let lane = quantize.lanes().unwrap()[0];
        xs.iter().map(|&x| lane.code(x)).collect()
    }

    #[test]
    fn rounds_ties_to_even_before_the_zero_point_is_added() {
        let quantize = Quantize {
            scale: vec![2.0],
            zero_point: vec![3],
            axis: 0,
            multiply: false,
            dtype: Dtype::Int8,
        };
        // 0.5 -> 0, 1.5 -> 2, 2.5 -> 2, -0.5 -> 0, -1.5 -> -2; then + 3.
        assert_eq!(codes(&quantize, &[1.0, 3.0, 5.0, -1.0, -3.0]), [3.0, 5.0, 5.0, 3.0, 1.0]);
        assert_eq!(codes(&quantize, &[1e9, -1e9, f32::INFINITY]), [127.0, -128.0, 127.0]);
        assert!(codes(&quantize, &[f32::NAN])[0].is_nan());
    }

    #[test]
    fn the_rounding_constant_rounds_like_the_standard_library() {
        for step in -2_000_000_i32..2_000_000 {
            let x = step as f32 / 16.0;
            assert_eq!((x + ROUND) - ROUND, x.round_ties_even());
        }
    }

    #[test]
    fn folds_per_channel_along_a_middle_axis() {
        let dequantize = Dequantize { scale: vec![1.0, 10.0], zero_point: vec![0, 1], axis: 1 };
        let values = dequantize.fold(&[2, 2, 2], &[1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(values.unwrap(), [1.0, 2.0, 20.0, 30.0, 5.0, 6.0, 60.0, 70.0]);
        assert_eq!(dequantize.fold(&[2, 3], &[0; 6]), None);
    }
}
