//! Which shapes fit an operator: the invariant that the back relies on.

use crate::engine::native::ir::{Conv, Op, Window};

/// Elements of a shape; none where there are none, or more than 32-bit offsets reach.
pub(in crate::engine::native) fn count(shape: &[usize]) -> Option<usize> {
    let count = shape.iter().try_fold(1_usize, |count, dim| count.checked_mul(*dim))?;
    (1..i32::MAX as usize).contains(&count).then_some(count)
}

/// Whether an operator makes this shape of its inputs' shapes.
pub(in crate::engine::native) fn agrees(op: &Op, inputs: &[&[usize]], shape: &[usize]) -> bool {
    count(shape).is_some() && made(op, inputs, shape).is_some_and(|made| made == shape)
}

/// The shape that an operator makes; for those whose inputs leave it open, the wished one if
/// it is possible.
fn made(op: &Op, inputs: &[&[usize]], wish: &[usize]) -> Option<Vec<usize>> {
    let first = *inputs.first()?;
    match op {
        Op::Conv(conv) => convolved(conv, first, wish),
        Op::Dense(dense) => {
            let (last, rest) = first.split_last()?;
            (*last == dense.depth).then(|| [rest, &[dense.outputs]].concat())
        }
        Op::MatMul => product(first, inputs.get(1)?),
        Op::Binary(..) => broadcast(first, inputs.get(1)?),
        Op::MaxPool(window) | Op::AveragePool(window, _) => {
            let [batch, channels, ..] = first else { return None };
            Some(vec![*batch, *channels])
                .map(|outer| [outer, slid(window, first, wish)])
                .map(|p| p.concat())
        }
        Op::Mean(axes, keep) => folded(first, axes, *keep),
        Op::Concat(axis) => joined(inputs, *axis),
        Op::Reshape => (count(first) == count(wish)).then(|| wish.to_vec()),
        Op::Transpose(order) => permuted(first, order),
        Op::Pad(pads, _) => padded(first, pads),
        Op::Resize(_) => {
            let fits = first.len() == 4 && first.get(..2) == wish.get(..2) && !first.contains(&0);
            (fits && wish.len() == 4).then(|| wish.to_vec())
        }
        Op::Select(axis, places) => {
            let size = *first.get(*axis)?;
            let within = places.iter().all(|place| *place < size);
            within.then(|| replaced(first, *axis, places.len()))?
        }
        Op::ArgMax(axis, _) => replaced(first, *axis, 1).filter(|_| first.get(*axis) != Some(&0)),
        Op::Softmax(axis) => (*axis < first.len()).then(|| first.to_vec()),
        Op::Quantize | Op::Dequantize | Op::Table(_) | Op::Affine(_) | Op::Unary(_) | Op::Cast => {
            Some(first.to_vec())
        }
    }
}

fn replaced(shape: &[usize], axis: usize, size: usize) -> Option<Vec<usize>> {
    let mut shape = shape.to_vec();
    *shape.get_mut(axis)? = size;
    Some(shape)
}

fn convolved(conv: &Conv, x: &[usize], wish: &[usize]) -> Option<Vec<usize>> {
    let [outputs, inner, height, width] = conv.shape;
    let [batch, channels, ..] = x else { return None };
    let grouped = conv.groups > 0 && outputs.is_multiple_of(conv.groups);
    let fits = grouped && inner.checked_mul(conv.groups)? == *channels;
    let same = conv.window.kernel == [height, width];
    (fits && same).then(|| [vec![*batch, outputs], slid(&conv.window, x, wish)].concat())
}

/// Height and width of the wish where the window, padded as it says, stands exactly so often
/// (the padding behind may be longer than the last window needs); nothing otherwise.
fn slid(window: &Window, x: &[usize], wish: &[usize]) -> Vec<usize> {
    let ([_, _, height, width], [_, _, wished @ ..]) = (x, wish) else { return Vec::new() };
    let [top, left, bottom, right] = window.pads;
    let sizes = [(*height, top, bottom), (*width, left, right)];
    let counts: Option<Vec<usize>> = (0..2).map(|at| stands(window, at, *sizes.get(at)?)).collect();
    counts.filter(|counts| counts == wished).unwrap_or_default()
}

fn stands(
    window: &Window,
    at: usize,
    (size, before, after): (usize, usize, usize),
) -> Option<usize> {
    let (kernel, stride) = (*window.kernel.get(at)?, *window.strides.get(at)?);
    let extent = kernel.checked_sub(1)?.checked_mul(*window.dilations.get(at)?)?.checked_add(1)?;
    let room = size.checked_add(before)?.checked_add(after)?.checked_sub(extent)?;
    Some(room.checked_div(stride)? + 1)
}

/// Two shapes stretched to each other as NumPy does.
pub(super) fn broadcast(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let dim = |shape: &[usize], at: usize| match (at + shape.len()).checked_sub(rank) {
        Some(at) => shape.get(at).copied(),
        None => Some(1),
    };
    let one = |at: usize| match (dim(a, at)?, dim(b, at)?) {
        (a, b) if a == b || b == 1 => Some(a),
        (1, b) => Some(b),
        _ => None,
    };
    (0..rank).map(one).collect()
}

/// Shape of a matrix product, leading dimensions stretched to each other.
pub(super) fn product(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let ([outer_a @ .., m, k], [outer_b @ .., k_b, n]) = (a, b) else { return None };
    let outer = broadcast(outer_a, outer_b)?;
    (k == k_b).then(|| [outer, vec![*m, *n]].concat())
}

/// Shape of a mean over axes.
pub(super) fn folded(shape: &[usize], axes: &[usize], keep: bool) -> Option<Vec<usize>> {
    if axes.iter().any(|axis| *axis >= shape.len()) {
        return None;
    }
    let dims = shape.iter().enumerate();
    Some(
        dims.filter_map(|(at, dim)| match axes.contains(&at) {
            true => keep.then_some(1),
            false => Some(*dim),
        })
        .collect(),
    )
}

/// Shape of tensors joined along an axis.
pub(super) fn joined(parts: &[&[usize]], axis: usize) -> Option<Vec<usize>> {
    let first = *parts.first()?;
    let alike = |part: &&[usize]| replaced(part, axis, 0) == replaced(first, axis, 0);
    if axis >= first.len() || !parts.iter().all(alike) {
        return None;
    }
    let whole = parts.iter().try_fold(0_usize, |sum, part| sum.checked_add(*part.get(axis)?))?;
    replaced(first, axis, whole)
}

/// Shape of a tensor with its axes in another order.
pub(super) fn permuted(shape: &[usize], order: &[usize]) -> Option<Vec<usize>> {
    let mut sorted = order.to_vec();
    sorted.sort_unstable();
    if !sorted.into_iter().eq(0..shape.len()) {
        return None;
    }
    order.iter().map(|axis| shape.get(*axis).copied()).collect()
}

/// Shape of a tensor with a border.
pub(super) fn padded(shape: &[usize], pads: &[(usize, usize)]) -> Option<Vec<usize>> {
    if shape.len() != pads.len() {
        return None;
    }
    let one = |(dim, (before, after)): (&usize, &(usize, usize))| {
        dim.checked_add(*before)?.checked_add(*after)
    };
    shape.iter().zip(pads).map(one).collect()
}
