//! Operators that take parts of a tensor.

use super::fact::{Fact, Value};
use super::site::{Site, place};
use crate::model::Dtype;

/// `Gather(data, indices)`.
pub(super) fn gather(site: &Site<'_>) -> Vec<Fact> {
    let shape = || {
        let (data, indices) = (site.shape(0)?, site.shape(1)?);
        let at = site.axis(0, data.len())?;
        let (before, rest) = data.split_at_checked(at)?;
        let (_, after) = rest.split_first()?;
        Some([before, indices, after].concat())
    };
    let value = || -> Option<Value> {
        let [_] = site.shape(0)? else { return None };
        let data = site.ints(0)?;
        let pick = |index: &i64| data.get(place(*index, data.len())?).copied();
        Some(Value::Ints(site.ints(1)?.iter().map(pick).collect::<Option<_>>()?))
    };
    vec![Fact::new(site.dtype(0), shape()).with_value(value())]
}

/// `GatherElements`: the shape of the indices.
pub(super) fn gather_elements(site: &Site<'_>) -> Vec<Fact> {
    site.alike(site.shape(1).map(<[u64]>::to_vec))
}

/// `GatherND`.
pub(super) fn gather_nd(site: &Site<'_>) -> Vec<Fact> {
    let shape = || {
        let (data, indices) = (site.shape(0)?, site.shape(1)?);
        let batch = usize::try_from(site.node.attr_i("batch_dims").unwrap_or(0)).ok()?;
        let (depth, outer) = indices.split_last()?;
        let rest = data.get(batch.checked_add(usize::try_from(*depth).ok()?)?..)?;
        Some([outer, rest].concat())
    };
    site.alike(shape())
}

/// `Slice`, with attributes (opset 1) or inputs (opset 10).
pub(super) fn slice(site: &Site<'_>) -> Vec<Fact> {
    let spans = spans(site);
    let shape = spans.as_ref().map(|spans| spans.iter().map(|span| span.count).collect());
    let value = || -> Option<Value> {
        let [span] = spans.as_deref()? else { return None };
        let data = site.ints(0)?;
        let at = |n: u64| {
            let offset = i64::try_from(n).ok()?.checked_mul(span.step)?;
            data.get(usize::try_from(span.start.checked_add(offset)?).ok()?).copied()
        };
        (span.count <= data.len() as u64)
            .then(|| (0..span.count).map(at).collect::<Option<_>>().map(Value::Ints))?
    };
    vec![Fact::new(site.dtype(0), shape).with_value(value())]
}

/// What is taken of one dimension.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Span {
    start: i64,
    step: i64,
    count: u64,
}

fn spans(site: &Site<'_>) -> Option<Vec<Span>> {
    let shape = site.shape(0)?;
    let starts = site.ints_of("starts", 1)??;
    let ends = site.ints_of("ends", 2)??;
    let axes = match site.ints_of("axes", 3)? {
        Some(axes) => axes,
        None => (0..i64::try_from(starts.len()).ok()?).collect(),
    };
    let steps = site.ints_of("steps", 4)?.unwrap_or_else(|| vec![1; starts.len()]);
    if ends.len() != starts.len() || axes.len() != starts.len() || steps.len() != starts.len() {
        return None;
    }
    let mut spans: Vec<Span> =
        shape.iter().map(|dim| Span { start: 0, step: 1, count: *dim }).collect();
    for (((start, end), axis), step) in starts.into_iter().zip(ends).zip(axes).zip(steps) {
        let at = place(axis, shape.len())?;
        *spans.get_mut(at)? = span(*shape.get(at)?, start, end, step)?;
    }
    Some(spans)
}

/// `data[start:end:step]` of a dimension, with the standard's clamping.
fn span(size: u64, start: i64, end: i64, step: i64) -> Option<Span> {
    let size = i64::try_from(size).ok()?;
    if size == 0 {
        return (step != 0).then_some(Span { start: 0, step, count: 0 });
    }
    let from_front = |at: i64| if at < 0 { at.saturating_add(size) } else { at };
    let (start, end) = (from_front(start), from_front(end));
    let (start, end) = match step {
        1.. => (start.clamp(0, size), end.clamp(0, size)),
        _ => (start.clamp(0, size - 1), end.clamp(-1, size - 1)),
    };
    let span = i128::from(end) - i128::from(start);
    let count = match step {
        0 => return None,
        _ if (span > 0) != (step > 0) => 0,
        _ => span.unsigned_abs().div_ceil(u128::from(step.unsigned_abs())),
    };
    Some(Span { start, step, count: u64::try_from(count).ok()? })
}

/// `Split`: equal parts, or as given.
pub(super) fn split(site: &Site<'_>) -> Vec<Fact> {
    let outputs = site.node.output.len() as u64;
    let parts = || -> Option<Vec<Vec<u64>>> {
        let shape = site.shape(0)?;
        let at = site.axis(0, shape.len())?;
        let whole = *shape.get(at)?;
        let sizes = match site.ints_of("split", 1)? {
            Some(sizes) => super::constant::dims(&sizes)?,
            None => {
                let part = whole.checked_div(outputs)? + u64::from(whole % outputs != 0);
                (0..outputs)
                    .map(|n| part.min(whole.saturating_sub(n.saturating_mul(part))))
                    .collect()
            }
        };
        let part = |size: u64| {
            let mut shape = shape.to_vec();
            *shape.get_mut(at)? = size;
            Some(shape)
        };
        sizes.into_iter().map(part).collect()
    };
    match parts() {
        Some(parts) => parts.into_iter().map(|s| Fact::new(site.dtype(0), Some(s))).collect(),
        None => vec![Fact::new(site.dtype(0), None); site.node.output.len()],
    }
}

/// `TopK`: values and indices.
pub(super) fn top_k(site: &Site<'_>) -> Vec<Fact> {
    let shape = || {
        let mut shape = site.shape(0)?.to_vec();
        let k = match site.node.attr_i("k") {
            Some(k) => k,
            None => *site.ints(1)?.first()?,
        };
        let at = site.axis(-1, shape.len())?;
        *shape.get_mut(at)? = u64::try_from(k).ok()?;
        Some(shape)
    };
    let shape = shape();
    vec![Fact::new(site.dtype(0), shape.clone()), Fact::new(Some(Dtype::Int64), shape)]
}

/// `Pad`, with attributes (opset 2) or inputs (opset 11), axes from opset 18.
pub(super) fn pad(site: &Site<'_>) -> Vec<Fact> {
    let shape = || {
        let mut shape = site.shape(0)?.to_vec();
        let pads = site.ints_of("pads", 1)??;
        let at = match site.has(3) {
            true => site.ints(3)?.iter().map(|a| place(*a, shape.len())).collect::<Option<_>>()?,
            false => (0..shape.len()).collect::<Vec<_>>(),
        };
        let (before, after) = pads.split_at_checked(at.len())?;
        if after.len() != at.len() {
            return None;
        }
        for ((at, before), after) in at.into_iter().zip(before).zip(after) {
            let slot = shape.get_mut(at)?;
            let padded = i128::from(*slot) + i128::from(*before) + i128::from(*after);
            *slot = u64::try_from(padded).ok()?;
        }
        Some(shape)
    };
    site.alike(shape())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_clamp_as_the_standard_says() {
        let count = |size, start, end, step| span(size, start, end, step).map(|span| span.count);
        assert_eq!(count(10, 2, 5, 1), Some(3));
        assert_eq!(count(10, -3, i64::MAX, 1), Some(3));
        assert_eq!(count(10, -1, i64::MIN, -1), Some(10));
        assert_eq!(count(10, 9, 0, -2), Some(5));
        assert_eq!(count(10, 5, 2, 1), Some(0));
        assert_eq!(count(10, 0, 10, 0), None);
        assert_eq!(count(0, 0, 5, 1), Some(0));
        assert_eq!(count(0, -1, i64::MIN, -1), Some(0));
    }
}
