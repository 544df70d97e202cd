//! Convolutions and matrix products.

use super::{Data, Site, index, offset};
use crate::engine::native::ir::{Conv, Dense, Kind, Range, Weights};

impl Site<'_> {
    pub(super) fn conv(&self, conv: &Conv) -> Data {
        let [outputs, inner, height, width] = conv.shape;
        let (&[batch, channels, h, w], &[_, _, oh, ow]) =
            (self.input_shape(0), self.output_shape())
        else {
            panic!("rank")
        };
        let window = &conv.window;
        let mut taps = Vec::new();
        self.each_output(&conv.weights, outputs, conv.range, batch, oh * ow, |at, image, pixel| {
            taps.clear();
            let group = at / (outputs / conv.groups);
            for y in 0..height {
                for x in 0..width {
                    let place = |side: usize, out: usize, tap: usize, size: usize| {
                        let at = out * window.strides[side] + tap * window.dilations[side];
                        at.checked_sub(window.pads[side]).filter(|at| *at < size)
                    };
                    let (Some(row), Some(column)) =
                        (place(0, pixel / ow, y, h), place(1, pixel % ow, x, w))
                    else {
                        continue;
                    };
                    for channel in 0..inner {
                        let input =
                            ((image * channels + group * inner + channel) * h + row) * w + column;
                        taps.push((input, ((at * inner + channel) * height + y) * width + x));
                    }
                }
            }
            std::mem::take(&mut taps)
        })
    }

    pub(super) fn dense(&self, dense: &Dense) -> Data {
        let rows: usize = self.output_shape().iter().product::<usize>() / dense.outputs;
        let Dense { depth, outputs, .. } = *dense;
        // Pixels of a convolution lie behind their channel, rows of a product before it.
        self.each_output(&dense.weights, outputs, dense.range, rows, 1, |at, row, _| {
            (0..depth).map(|k| (row * depth + k, at * depth + k)).collect()
        })
    }

    /// Results of `[outer][outputs][pixels]` from pairs of places in input and weights.
    fn each_output(
        &self,
        weights: &Weights,
        outputs: usize,
        range: Range,
        outer: usize,
        pixels: usize,
        mut taps: impl FnMut(usize, usize, usize) -> Vec<(usize, usize)>,
    ) -> Data {
        let mut codes = Vec::new();
        let mut reals = Vec::new();
        for image in 0..outer {
            for at in 0..outputs {
                let one = One { site: self, weights, at, range };
                for pixel in 0..pixels {
                    let taps = taps(at, image, pixel);
                    match self.kind() {
                        Kind::Codes(_) => codes.push(one.code(&taps)),
                        _ => reals.push(one.real(&taps)),
                    }
                }
            }
        }
        if codes.is_empty() { Data::Real(reals) } else { Data::Codes(codes) }
    }

    pub(super) fn matmul(&self) -> Data {
        let (a, b, to) = (self.input_shape(0), self.input_shape(1), self.output_shape());
        let (depth, rank) = (a[a.len() - 1], to.len());
        let one = |at: usize| {
            let to = index(to, at);
            let (outer, row, column) = (&to[..rank - 2], to[rank - 2], to[rank - 1]);
            let place = |shape: &[usize], row: usize, column: usize| {
                let skipped = rank - shape.len();
                let outer = shape.iter().zip(&outer[skipped..]).map(|(dim, at)| at % dim);
                offset(shape, &outer.chain([row, column]).collect::<Vec<_>>())
            };
            let (left, right) = (self.inputs[0].reals(), self.inputs[1].reals());
            let term = |k: usize| {
                f64::from(left[place(a, row, k)]) * f64::from(right[place(b, k, column)])
            };
            (0..depth).map(term).sum::<f64>() as f32
        };
        Data::Real((0..to.iter().product()).map(one).collect())
    }
}

/// One output of a product.
struct One<'a> {
    site: &'a Site<'a>,
    weights: &'a Weights,
    at: usize,
    range: Range,
}

fn of<T: Copy>(values: &[T], at: usize) -> Option<T> {
    if values.len() == 1 { Some(values[0]) } else { values.get(at).copied() }
}

impl One<'_> {
    /// The exact sum of integers, and what one of it stands for.
    fn sum(&self, taps: &[(usize, usize)]) -> (i32, f32) {
        let Weights::Codes { codes, zero, scale, bias, .. } = self.weights else { panic!("reals") };
        let input = self.site.inputs[0].codes();
        let (input_zero, weight_zero) = (
            i64::from(self.site.input_quantised(0).zero),
            i64::from(of(zero, self.at).unwrap_or(0)),
        );
        let term = |&(x, w): &(usize, usize)| {
            (i64::from(input[x]) - input_zero) * (i64::from(codes[w]) - weight_zero)
        };
        let sum = taps.iter().map(term).sum::<i64>() + i64::from(of(bias, self.at).unwrap_or(0));
        (i32::try_from(sum).unwrap(), of(scale, self.at).unwrap())
    }

    fn code(&self, taps: &[(usize, usize)]) -> u8 {
        let (sum, scale) = self.sum(taps);
        let to = Site::quantised(self.site.kind());
        let code = (sum as f32 * (scale / to.scale)).round_ties_even() + f32::from(to.zero);
        self.range.clamp(code) as u8
    }

    fn real(&self, taps: &[(usize, usize)]) -> f32 {
        let real = match self.weights {
            Weights::Codes { real_bias, .. } => {
                let (sum, scale) = self.sum(taps);
                sum as f32 * scale + of(real_bias, self.at).unwrap_or(0.0)
            }
            Weights::Reals(weights, bias) => {
                let input = self.site.inputs[0].reals();
                let terms = taps.iter().map(|(x, w)| f64::from(input[*x]) * f64::from(weights[*w]));
                (terms.sum::<f64>() + f64::from(of(bias, self.at).unwrap_or(0.0))) as f32
            }
        };
        self.range.clamp(real)
    }
}
