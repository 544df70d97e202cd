//! A factor and a summand per channel between quantisations: a normalisation that no product
//! takes in, because its result is quantised first.

use super::channel::per_channel;
use super::graph::Builder;
use crate::engine::native::ir::{Affine, Binary, Constant, Id, Kind, Op, Quantised, Range};

/// Axis of the channels.
const CHANNELS: usize = 1;

impl Builder {
    /// Makes sums and products of codes with constants per channel one operator on codes;
    /// whether the value is one.
    pub(super) fn affine(&mut self, id: Id, to: Quantised) -> bool {
        let Some((source, affine)) = self.line(id, to) else { return false };
        let fits = self.shape(source) == self.shape(id) && self.quantised(source).is_some();
        if let Some(node) = self.made_for_one(id).filter(|_| fits) {
            (node.op, node.inputs) = (Op::Affine(affine), vec![source]);
        }
        fits
    }

    /// What a value is an affine function of, and which.
    fn line(&self, id: Id, to: Quantised) -> Option<(Id, Affine)> {
        let channels = *self.shape(id).get(CHANNELS)?;
        let (last, range, x, constant) = self.by_channel(id)?;
        let range = to.range(range);
        match last {
            Binary::Mul => {
                let affine = Affine { factor: constant, summand: vec![0.0; channels], range };
                Some((x, affine))
            }
            Binary::Add => match self.by_channel(x) {
                Some((Binary::Mul, Range::OPEN, x, factor)) => {
                    Some((x, Affine { factor, summand: constant, range }))
                }
                _ => Some((x, Affine { factor: vec![1.0; channels], summand: constant, range })),
            },
            Binary::Sub | Binary::Div => None,
        }
    }

    /// A function of a value and a constant per channel that makes a value: its operation and
    /// clamp, the value, and the constant, an element for every channel.
    fn by_channel(&self, id: Id) -> Option<(Binary, Range, Id, Vec<f32>)> {
        let node = self.made(id)?;
        let (Op::Binary(op, range), &[a, b]) = (&node.op, node.inputs.as_slice()) else {
            return None;
        };
        let shape = self.shape(id);
        let channels = *shape.get(CHANNELS)?;
        [(a, b), (b, a)].into_iter().find_map(|(x, constant)| {
            let own = self.shape(constant);
            let reals = self.reals(constant)?;
            per_channel(own, shape.len(), CHANNELS, channels)
                .then(|| (*op, *range, x, super::weights::spread(reals, channels)))
        })
    }

    /// The reals of a constant value.
    fn reals(&self, id: Id) -> Option<Vec<f32>> {
        let value = self.program.values.get(id)?;
        match (value.constant.as_ref()?, value.kind) {
            (Constant::Real(reals), _) => Some(reals.clone()),
            (Constant::Codes(codes), Kind::Codes(q)) => {
                Some(codes.iter().map(|code| q.real(*code)).collect())
            }
            _ => None,
        }
    }
}
