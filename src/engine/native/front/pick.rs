//! Operators that pick elements: Gather, Slice, Split, ArgMax.

use super::graph::Builder;
use super::refuse;
use super::term::Term;
use crate::engine::EngineError;
use crate::engine::native::ir::{Id, Kind, Op};
use crate::model::onnx::Node;
use crate::model::place;

/// Picks places of an axis.
fn select(
    b: &mut Builder,
    node: &Node,
    x: Id,
    axis: usize,
    places: Vec<usize>,
) -> Result<Id, EngineError> {
    let mut shape = b.shape(x).to_vec();
    shape.iter_mut().skip(axis).take(1).for_each(|dim| *dim = places.len());
    b.move_elements(node, Op::Select(axis, places), x, shape)
}

fn axis(b: &Builder, node: &Node, x: Id, default: i64) -> Result<(usize, usize), EngineError> {
    let shape = b.shape(x);
    let axis = place(node.attr_i("axis").unwrap_or(default), shape.len());
    let sized = axis.and_then(|axis| Some((axis, *shape.get(axis)?)));
    sized.ok_or_else(|| refuse(node, "along this axis"))
}

/// `Gather` by constant places.
pub(super) fn gather(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    let x = b.moved(node, 0)?;
    let (axis, size) = axis(b, node, x, 0)?;
    let term = b.term(node, 1)?;
    let (Some(indices), Some(form)) = (term.ints(), term.constant_shape()) else {
        return Err(refuse(node, "by computed places"));
    };
    let places = indices.iter().map(|at| place(*at, size)).collect::<Option<Vec<_>>>();
    let places = places.ok_or_else(|| refuse(node, "beyond the end"))?;
    let mut y = select(b, node, x, axis, places)?;
    if form.len() != 1 {
        let (outer, inner) = b.shape(y).split_at(axis);
        let shape = [outer, form.as_slice(), inner.get(1..).unwrap_or(&[])].concat();
        y = b.move_elements(node, Op::Reshape, y, shape)?;
    }
    b.give_like(node, 0, y)
}

/// `Slice`, attributes (opset 1) or inputs (opset 10).
pub(super) fn slice(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    let mut y = b.moved(node, 0)?;
    let rank = b.shape(y).len();
    let given = |b: &Builder, name: &str, at: usize| b.numbers(node, name, at);
    let without = || refuse(node, "without bounds");
    let starts = given(b, "starts", 1)?.ok_or_else(without)?;
    let ends = given(b, "ends", 2)?.ok_or_else(without)?;
    let axes = given(b, "axes", 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = given(b, "steps", 4)?.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return Err(refuse(node, "with bounds of different lengths"));
    }
    for (((start, end), axis), step) in starts.into_iter().zip(ends).zip(axes).zip(steps) {
        let axis = place(axis, rank).ok_or_else(|| refuse(node, "along this axis"))?;
        let size = b.shape(y).get(axis).copied().unwrap_or(0);
        let places = places(size, start, end, step);
        let places = places.ok_or_else(|| refuse(node, "of nothing"))?;
        if !places.iter().copied().eq(0..size) {
            y = select(b, node, y, axis, places)?;
        }
    }
    b.give_like(node, 0, y)
}

/// Places of `[start:end:step]`, with the standard's clamping; none where there are none.
fn places(size: usize, start: i64, end: i64, step: i64) -> Option<Vec<usize>> {
    let size = i64::try_from(size).ok()?;
    let from_front = |at: i64| if at < 0 { at.saturating_add(size) } else { at };
    let (start, end) = (from_front(start), from_front(end));
    let mut places = Vec::new();
    let mut at = if step > 0 { start.clamp(0, size) } else { start.clamp(0, size - 1) };
    let end = if step > 0 { end.clamp(0, size) } else { end.clamp(-1, size - 1) };
    while step != 0 && (if step > 0 { at < end } else { at > end }) {
        places.push(usize::try_from(at).ok()?);
        at = at.saturating_add(step);
    }
    (!places.is_empty()).then_some(places)
}

/// `Split`: equal parts, or as given.
pub(super) fn split(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    let x = b.moved(node, 0)?;
    b.pin(x);
    let term = b.term(node, 0)?;
    let (axis, size) = axis(b, node, x, 0)?;
    let parts = node.output.len();
    let sizes = match b.numbers(node, "split", 1)? {
        Some(sizes) => sizes.iter().map(|size| usize::try_from(*size).ok()).collect(),
        None => Some(vec![size.div_ceil(parts.max(1)); parts]),
    };
    let sizes: Vec<usize> = sizes.ok_or_else(|| refuse(node, "into these parts"))?;
    let mut start = 0_usize;
    for (name, part) in node.output.iter().zip(sizes) {
        let end = start.saturating_add(part).min(size);
        let y = select(b, node, x, axis, (start..end).collect())?;
        let term = match term {
            Term::Codes(_) => Term::Codes(y),
            Term::View(_) => Term::View(y),
            _ => Term::Value(y),
        };
        b.bind(name, term);
        start = end;
    }
    Ok(())
}

/// `ArgMax`; codes have the order of what they stand for.
pub(super) fn arg_max(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    let x = b.moved(node, 0)?;
    let (axis, _) = axis(b, node, x, 0)?;
    let last = node.attr_i("select_last_index").unwrap_or(0) != 0;
    let mut shape = b.shape(x).to_vec();
    shape.iter_mut().skip(axis).take(1).for_each(|dim| *dim = 1);
    let mut y = b.emit(node, Op::ArgMax(axis, last), vec![x], shape.clone(), Kind::Whole)?;
    if node.attr_i("keepdims").unwrap_or(1) == 0 {
        shape.remove(axis);
        y = b.emit(node, Op::Reshape, vec![y], shape, Kind::Whole)?;
    }
    b.give(node, Term::Value(y))
}

#[cfg(test)]
mod tests {
    use super::places;

    #[test]
    fn slices_clamp_as_the_standard_says() {
        assert_eq!(places(10, 2, 5, 1), Some(vec![2, 3, 4]));
        assert_eq!(places(10, -3, i64::MAX, 1), Some(vec![7, 8, 9]));
        assert_eq!(places(4, -1, i64::MIN, -1), Some(vec![3, 2, 1, 0]));
        assert_eq!(places(10, 9, 0, -4), Some(vec![9, 5, 1]));
        assert_eq!((places(10, 5, 2, 1), places(10, 0, 10, 0)), (None, None));
    }
}
