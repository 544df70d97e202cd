//! How the readers of each value would like it to lie.
//!
//! Convolutions, pools and resizes read four-dimensional values channels last, padded
//! convolutions with a border. A wish travels up through what only relabels (Transpose,
//! Reshape by axes of 1, Pad with the zero) and, without its border, through what works
//! element by element, until it meets the step that can grant it.

use super::view::same_axes;
use crate::engine::native::ir::{Id, Kind, Node, Op, Program};

/// Channels last, as an order of the axes N, C, H, W from slowest to fastest.
pub(super) const CHANNELS_LAST: [usize; 4] = [0, 2, 3, 1];

/// A layout that readers wish for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wish {
    /// Axes from the slowest to the fastest.
    pub(super) order: Vec<usize>,
    /// Border before and after each axis.
    pub(super) border: Vec<(usize, usize)>,
}

impl Wish {
    fn channels_last(pads: [usize; 4]) -> Self {
        let [top, left, bottom, right] = pads;
        let border = vec![(0, 0), (0, 0), (top, bottom), (left, right)];
        Self { order: CHANNELS_LAST.to_vec(), border }
    }

    fn without_border(mut self) -> Self {
        self.border.fill((0, 0));
        self
    }

    /// The same layout of the value that `permutation` makes this one of.
    fn before_transpose(&self, permutation: &[usize]) -> Option<Self> {
        let order = self.order.iter().map(|&axis| permutation.get(axis).copied());
        let mut border = vec![(0, 0); self.border.len()];
        for (&axis, &wished) in permutation.iter().zip(&self.border) {
            *border.get_mut(axis)? = wished;
        }
        Some(Self { order: order.collect::<Option<_>>()?, border })
    }

    /// The same layout of a value whose shape differs by axes of 1 only.
    fn before_reshape(&self, from: &[usize], to: &[usize]) -> Option<Self> {
        let axes = same_axes(from, to)?;
        let mut wish = Self { order: Vec::new(), border: vec![(0, 0); from.len()] };
        wish.order.extend((0..from.len()).filter(|axis| !axes.contains(&Some(*axis))));
        for &axis in &self.order {
            let border = *self.border.get(axis)?;
            match *axes.get(axis)? {
                Some(axis) => {
                    wish.order.push(axis);
                    *wish.border.get_mut(axis)? = border;
                }
                None if border != (0, 0) => return None,
                None => {}
            }
        }
        Some(wish)
    }

    /// With this much of the border holding the elements of a Pad.
    fn before_pad(&self, pads: &[(usize, usize)]) -> Self {
        let pairs = self.border.iter().zip(pads);
        let border = pairs.map(|(border, pad)| (border.0 + pad.0, border.1 + pad.1));
        Self { order: self.order.clone(), border: border.collect() }
    }
}

/// What fills the border of a value: the code of zero, or zero.
pub(super) fn zero_of(kind: Kind) -> f32 {
    match kind {
        Kind::Codes(quantised) => f32::from(quantised.zero),
        Kind::Real | Kind::Whole => 0.0,
    }
}

/// The wish for each value; none where nobody cares.
pub(super) fn wishes(program: &Program, nodes: &[Node]) -> Vec<Option<Wish>> {
    let mut wishes = vec![None; program.values.len()];
    for node in nodes.iter().rev() {
        for (&input, wish) in node.inputs.iter().zip(wishes_of(program, node, &wishes)) {
            join(&mut wishes, input, wish);
        }
    }
    wishes
}

/// Equal orders share the larger border; else the reader that comes last keeps its wish.
fn join(wishes: &mut [Option<Wish>], id: Id, wish: Option<Wish>) {
    let (Some(known), Some(wish)) = (wishes.get_mut(id), wish) else { return };
    match known {
        None => *known = Some(wish),
        Some(known) if known.order == wish.order => {
            for (known, wish) in known.border.iter_mut().zip(wish.border) {
                *known = (known.0.max(wish.0), known.1.max(wish.1));
            }
        }
        Some(_) => {}
    }
}

fn wishes_of(program: &Program, node: &Node, wishes: &[Option<Wish>]) -> Vec<Option<Wish>> {
    let value = |id: Id| program.values.get(id);
    let shape = |id: Id| value(id).map_or(&[][..], |value| value.shape.as_slice());
    let first = node.inputs.first().copied().unwrap_or(usize::MAX);
    let rank = shape(first).len();
    let wish = wishes.get(node.output).cloned().flatten();
    let windowed = |pads| (rank == 4).then(|| Wish::channels_last(pads));
    match &node.op {
        Op::Conv(conv) => vec![windowed(conv.window.pads)],
        Op::MaxPool(_) | Op::AveragePool(..) | Op::Resize(_) => vec![windowed([0; 4])],
        Op::Mean(axes, _) if *axes == [2, 3] => vec![windowed([0; 4])],
        Op::Transpose(permutation) => {
            vec![wish.and_then(|wish| wish.before_transpose(permutation))]
        }
        Op::Reshape => {
            let (from, to) = (shape(first), shape(node.output));
            vec![wish.and_then(|wish| wish.before_reshape(from, to))]
        }
        Op::Pad(pads, fill) => {
            let merges = value(first).is_some_and(|value| zero_of(value.kind) == *fill);
            vec![wish.filter(|_| merges).map(|wish| wish.before_pad(pads))]
        }
        op if is_pointwise(op) || matches!(op, Op::Concat(_)) => {
            let wish = wish.map(Wish::without_border);
            let fits = |&id: &Id| wish.clone().filter(|wish| wish.order.len() == shape(id).len());
            node.inputs.iter().map(fits).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether every element of the result depends on the elements at its place only.
pub(super) fn is_pointwise(op: &Op) -> bool {
    use Op::{Affine, Binary, Cast, Dequantize, Quantize, Table, Unary};
    matches!(op, Table(_) | Affine(_) | Quantize | Dequantize | Unary(_) | Binary(..) | Cast)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::native::back::fixture;

    fn wishes_in(program: &Program) -> Vec<Option<Wish>> {
        wishes(program, &program.nodes)
    }

    #[test]
    fn a_border_is_as_large_as_the_largest_pad() {
        let mut program = fixture::program();
        let x = program.real(&[1, 2, 5, 5]);
        let small = program.conv_real(x, 1, [1, 1], [0; 4]);
        let large = program.conv_real(x, 1, [3, 3], [1, 2, 3, 0]);
        let wishes = wishes_in(&program.outputs(&[small, large]));
        let wish = Wish::channels_last([1, 2, 3, 0]);
        assert_eq!(wishes[x], Some(wish));
        assert_eq!(wishes[large], None);
    }

    #[test]
    fn a_transpose_asks_for_what_it_was_made_of() {
        let mut program = fixture::program();
        let x = program.real(&[1, 5, 6, 2]);
        let first = program.node(Op::Transpose(vec![0, 3, 1, 2]), &[x], &[1, 2, 5, 6]);
        let y = program.conv_real(first, 1, [3, 3], [1; 4]);
        let wishes = wishes_in(&program.outputs(&[y]));
        let wish = wishes[x].clone().unwrap();
        assert_eq!(wish.order, [0, 1, 2, 3]);
        assert_eq!(wish.border, [(0, 0), (1, 1), (1, 1), (0, 0)]);
    }

    #[test]
    fn a_pad_with_the_zero_becomes_border() {
        let mut program = fixture::program();
        let x = program.real(&[1, 2, 5, 5]);
        let pads = vec![(0, 0), (0, 0), (0, 1), (0, 1)];
        let padded = program.node(Op::Pad(pads, 0.0), &[x], &[1, 2, 6, 6]);
        let y = program.conv_real(padded, 1, [3, 3], [0; 4]);
        let wishes = wishes_in(&program.outputs(&[y]));
        assert_eq!(wishes[x].as_ref().unwrap().border, [(0, 0), (0, 0), (0, 1), (0, 1)]);
    }
}
