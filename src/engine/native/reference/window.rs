//! Poolings, means and resampling.

use super::{Data, Site, index, indices, offset};
use crate::engine::native::ir::{Coordinates, Kind, Resize, Rounding, Window};

impl Site<'_> {
    /// Places under a window that are in the data, and how many are in the padding as stated.
    fn under(&self, window: &Window, to: &[usize]) -> (Vec<usize>, usize) {
        let from = self.input_shape(0);
        let (mut places, mut padding) = (Vec::new(), 0);
        for y in 0..window.kernel[0] {
            for x in 0..window.kernel[1] {
                let place = |side: usize, tap: usize| {
                    let at = to[2 + side] * window.strides[side] + tap * window.dilations[side];
                    at.checked_sub(window.pads[side]).filter(|at| *at < from[2 + side])
                };
                match (place(0, y), place(1, x)) {
                    (Some(row), Some(column)) => {
                        places.push(offset(from, &[to[0], to[1], row, column]));
                    }
                    _ => padding += 1,
                }
            }
        }
        (places, padding)
    }

    pub(super) fn max_pool(&self, window: &Window) -> Data {
        let each = indices(self.output_shape()).map(|to| self.under(window, &to).0);
        match self.inputs[0] {
            Data::Codes(codes) => {
                Data::Codes(each.map(|at| at.iter().map(|at| codes[*at]).max().unwrap()).collect())
            }
            _ => {
                let reals = self.inputs[0].reals();
                let most = |at: Vec<usize>| {
                    at.iter().map(|at| reals[*at]).fold(f32::NEG_INFINITY, f32::max)
                };
                Data::Real(each.map(most).collect())
            }
        }
    }

    pub(super) fn average_pool(&self, window: &Window, padding_counts: bool) -> Data {
        let groups = indices(self.output_shape()).map(|to| {
            let (places, padding) = self.under(window, &to);
            let count = places.len() + if padding_counts { padding } else { 0 };
            (places, count)
        });
        match self.kind() {
            Kind::Codes(_) => self.averages_of_codes(groups),
            _ => self.averages(groups),
        }
    }

    pub(super) fn mean(&self, axes: &[usize]) -> Data {
        let from = self.input_shape(0);
        let kept: Vec<usize> = from
            .iter()
            .enumerate()
            .map(|(at, dim)| if axes.contains(&at) { 1 } else { *dim })
            .collect();
        let run: Vec<usize> = from
            .iter()
            .enumerate()
            .map(|(at, dim)| if axes.contains(&at) { *dim } else { 1 })
            .collect();
        let groups = indices(&kept).map(|first| {
            let place = |more: Vec<usize>| {
                let at: Vec<usize> = first.iter().zip(more).map(|(a, b)| a + b).collect();
                offset(from, &at)
            };
            let places: Vec<usize> = indices(&run).map(place).collect();
            let count = places.len();
            (places, count)
        });
        match self.kind() {
            Kind::Codes(_) => self.averages_of_codes(groups),
            _ => self.averages(groups),
        }
    }

    /// Sums over counts.
    fn averages(&self, groups: impl Iterator<Item = (Vec<usize>, usize)>) -> Data {
        let reals = self.inputs[0].reals();
        let one = |(places, count): (Vec<usize>, usize)| {
            let sum: f64 = places.iter().map(|at| f64::from(reals[*at])).sum();
            (sum / count as f64) as f32
        };
        Data::Real(groups.map(one).collect())
    }

    /// As ONNX Runtime's QLinearAveragePool and MlasQLinearGlobalAveragePool, an exact sum
    /// times one ratio; or plainly what the codes stand for, summed and divided in single
    /// precision. Means of codes are often ties, and fall as the order of operations says.
    fn averages_of_codes(&self, groups: impl Iterator<Item = (Vec<usize>, usize)>) -> Data {
        let (from, to) = (self.input_quantised(0), Self::quantised(self.kind()));
        let codes = self.inputs[0].codes();
        let one = |(places, count): (Vec<usize>, usize)| {
            if self.plain {
                let sum = places.iter().fold(0.0_f32, |sum, at| sum + from.real(codes[*at]));
                return to.code(sum / count as f32);
            }
            let centred = |at: &usize| i64::from(codes[*at]) - i64::from(from.zero);
            let sum: i64 = places.iter().map(centred).sum();
            let mean = sum as f32 * (from.scale / (to.scale * count as f32));
            (mean.round_ties_even() + f32::from(to.zero)) as u8
        };
        Data::Codes(groups.map(one).collect())
    }

    pub(super) fn resize(&self, resize: &Resize) -> Data {
        let (from, to) = (self.input_shape(0), self.output_shape());
        let position = |side: usize, at: usize| {
            let (old, new) = (from[2 + side] as f32, to[2 + side] as f32);
            let (at, scale) = (at as f32, resize.scales[side]);
            match resize.coordinates {
                Coordinates::Asymmetric => at / scale,
                Coordinates::PytorchHalfPixel if new <= 1.0 => 0.0,
                Coordinates::HalfPixel | Coordinates::PytorchHalfPixel => (at + 0.5) / scale - 0.5,
                Coordinates::AlignCorners if new <= 1.0 => 0.0,
                Coordinates::AlignCorners => at * (old - 1.0) / (new - 1.0),
            }
        };
        if resize.linear {
            let reals = self.inputs[0].reals();
            let one = |at: usize| {
                let to = index(to, at);
                let corners = |side: usize| {
                    let at = position(side, to[2 + side]).clamp(0.0, (from[2 + side] - 1) as f32);
                    let low = at.floor();
                    let next = (low as usize + 1).min(from[2 + side] - 1);
                    [(low as usize, 1.0 - (at - low)), (next, at - low)]
                };
                let mut sum = 0.0;
                for (y, wy) in corners(0) {
                    for (x, wx) in corners(1) {
                        sum += f64::from(wy * wx)
                            * f64::from(reals[offset(from, &[to[0], to[1], y, x])]);
                    }
                }
                sum as f32
            };
            return Data::Real((0..to.iter().product()).map(one).collect());
        }
        let nearest = |side: usize, at: usize| {
            let at = position(side, at);
            let place = match resize.rounding {
                Rounding::Floor => at.floor(),
                Rounding::Ceil => at.ceil(),
                Rounding::PreferFloor if at.fract() == 0.5 => at.floor(),
                Rounding::PreferFloor | Rounding::PreferCeil => (at + 0.5).floor(),
            };
            place.clamp(0.0, (from[2 + side] - 1) as f32) as usize
        };
        let place =
            |to: Vec<usize>| offset(from, &[to[0], to[1], nearest(0, to[2]), nearest(1, to[3])]);
        self.inputs[0].picked(indices(to).map(place))
    }
}
