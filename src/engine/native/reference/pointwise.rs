//! Element by element, and elements moved.

use super::{Data, Site, index, indices, offset};
use crate::engine::native::ir::{Affine, Binary, Kind, Range};

impl Site<'_> {
    pub(super) fn binary(&self, op: Binary, range: Range) -> Data {
        let (a, b) = (self.input_shape(0), self.input_shape(1));
        let places = indices(self.output_shape()).map(|to| {
            let place = |shape: &[usize]| {
                let skipped = to.len() - shape.len();
                let at: Vec<usize> =
                    shape.iter().zip(&to[skipped..]).map(|(dim, at)| at % dim).collect();
                offset(shape, &at)
            };
            (place(a), place(b))
        });
        match self.kind() {
            Kind::Codes(to) => {
                let (qa, qb) = (self.input_quantised(0), self.input_quantised(1));
                let (a, b) = (self.inputs[0].codes(), self.inputs[1].codes());
                let code = |(at, bt): (usize, usize)| {
                    let (x, y) = (f32::from(a[at]), f32::from(b[bt]));
                    let (za, zb, zc) = (f32::from(qa.zero), f32::from(qb.zero), f32::from(to.zero));
                    let code = match op {
                        // MlasQLinearAdd: two fused multiplications behind a constant part.
                        Binary::Add if self.plain => {
                            let (x, y) = ((x - za) * qa.scale, (y - zb) * qb.scale);
                            ((x + y) / to.scale).round_ties_even() + zc
                        }
                        // MlasQLinearAdd: two fused multiplications behind a constant part.
                        Binary::Add => {
                            let (ra, rb) = (qa.scale / to.scale, qb.scale / to.scale);
                            let fixed = zc - (ra * za + rb * zb);
                            y.mul_add(rb, x.mul_add(ra, fixed)).round_ties_even()
                        }
                        // MlasQLinearMul: an exact product of integers, times one ratio.
                        Binary::Mul => {
                            let ratio = qa.scale * qb.scale / to.scale;
                            ((x - za) * (y - zb) * ratio).round_ties_even() + zc
                        }
                        _ => panic!("{op:?} on codes"),
                    };
                    range.clamp(code) as u8
                };
                Data::Codes(places.map(code).collect())
            }
            _ => {
                let (a, b) = (self.inputs[0].reals(), self.inputs[1].reals());
                Data::Real(places.map(|(at, bt)| range.clamp(op.of(a[at], b[bt]))).collect())
            }
        }
    }

    pub(super) fn affine(&self, Affine { factor, summand, range }: &Affine) -> Data {
        let (from, to) = (self.input_quantised(0), Self::quantised(self.kind()));
        let shape = self.output_shape();
        let code = |(at, code): (usize, &u8)| {
            let channel = index(shape, at)[1];
            let real = from.real(*code) * factor[channel] + summand[channel];
            range.clamp(f32::from(to.code(real))) as u8
        };
        Data::Codes(self.inputs[0].codes().iter().enumerate().map(code).collect())
    }

    pub(super) fn softmax(&self, axis: usize) -> Data {
        let x = self.inputs[0].reals();
        let shape = self.input_shape(0);
        let inner: usize = shape[axis + 1..].iter().product();
        let row = |at: usize| {
            let first = at / (inner * shape[axis]) * (inner * shape[axis]) + at % inner;
            (0..shape[axis]).map(move |n| first + n * inner)
        };
        let one = |at: usize| {
            let most = row(at).map(|at| x[at]).fold(f32::NEG_INFINITY, f32::max);
            let power = |at: usize| f64::from(x[at] - most).exp();
            (power(at) / row(at).map(power).sum::<f64>()) as f32
        };
        Data::Real((0..x.len()).map(one).collect())
    }

    pub(super) fn concat(&self, axis: usize) -> Data {
        let to = self.output_shape();
        let source = |to: &[usize]| {
            let mut index = to.to_vec();
            let mut part = 0;
            while index[axis] >= self.input_shape(part)[axis] {
                index[axis] -= self.input_shape(part)[axis];
                part += 1;
            }
            (part, offset(self.input_shape(part), &index))
        };
        let sources = indices(to).map(|to| source(&to));
        match self.inputs[0] {
            Data::Codes(_) => {
                Data::Codes(sources.map(|(n, at)| self.inputs[n].codes()[at]).collect())
            }
            _ => Data::Real(sources.map(|(n, at)| self.inputs[n].reals()[at]).collect()),
        }
    }

    pub(super) fn transpose(&self, order: &[usize]) -> Data {
        let from = self.input_shape(0);
        let place = |to: Vec<usize>| {
            let mut index = vec![0; from.len()];
            order.iter().zip(to).for_each(|(axis, at)| index[*axis] = at);
            offset(from, &index)
        };
        self.inputs[0].picked(indices(self.output_shape()).map(place))
    }

    pub(super) fn pad(&self, pads: &[(usize, usize)], value: f32) -> Data {
        let from = self.input_shape(0);
        let place = |to: Vec<usize>| {
            let index = to.iter().zip(pads).map(|(at, (before, _))| at.checked_sub(*before));
            let index: Option<Vec<usize>> = index.collect();
            index
                .filter(|index| index.iter().zip(from).all(|(at, dim)| at < dim))
                .map(|i| offset(from, &i))
        };
        let places = indices(self.output_shape()).map(place);
        match self.inputs[0] {
            Data::Codes(codes) => {
                Data::Codes(places.map(|at| at.map_or(value as u8, |at| codes[at])).collect())
            }
            _ => {
                let reals = self.inputs[0].reals();
                Data::Real(places.map(|at| at.map_or(value, |at| reals[at])).collect())
            }
        }
    }

    pub(super) fn select(&self, axis: usize, places: &[usize]) -> Data {
        let place = |mut to: Vec<usize>| {
            to[axis] = places[to[axis]];
            offset(self.input_shape(0), &to)
        };
        self.inputs[0].picked(indices(self.output_shape()).map(place))
    }

    pub(super) fn arg_max(&self, axis: usize, last: bool) -> Data {
        let from = self.input_shape(0);
        let value = |at: usize| match self.inputs[0] {
            Data::Codes(codes) => f32::from(codes[at]),
            _ => self.inputs[0].reals()[at],
        };
        let one = |at: usize| {
            let mut place = index(self.output_shape(), at);
            let mut best = (0, f32::NEG_INFINITY);
            for n in 0..from[axis] {
                place[axis] = n;
                let value = value(offset(from, &place));
                if value > best.1 || (last && value == best.1) {
                    best = (n, value);
                }
            }
            best.0 as i64
        };
        Data::Whole((0..self.output_shape().iter().product()).map(one).collect())
    }

    pub(super) fn cast(&self) -> Data {
        let Data::Whole(whole) = self.inputs[0] else { panic!("cast of {:?}", self.inputs[0]) };
        Data::Real(whole.iter().map(|n| *n as f32).collect())
    }
}
