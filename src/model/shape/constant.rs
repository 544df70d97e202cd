//! Operators that make tensors from constants and shapes.

use super::fact::{Fact, LONGEST, Value};
use super::site::{Site, place};
use crate::model::Dtype;

/// `Constant`, in any of its forms.
pub(super) fn constant(site: &Site<'_>) -> Vec<Fact> {
    let node = site.node;
    if let Some(tensor) = node.attr_t("value") {
        return vec![Fact::constant(tensor)];
    }
    let scalar = |dtype, value| Fact::new(Some(dtype), Some(Vec::new())).with_value(Some(value));
    let vector = |dtype, length: usize, value| {
        Fact::new(Some(dtype), Some(vec![length as u64])).with_value(Some(value))
    };
    let fact = if let Some(value) = node.attr_i("value_int") {
        scalar(Dtype::Int64, Value::Ints(vec![value]))
    } else if let Some(value) = node.attr_f("value_float") {
        scalar(Dtype::Float32, Value::Floats(vec![value]))
    } else if let Some(values) = node.attr_ints("value_ints") {
        vector(Dtype::Int64, values.len(), Value::Ints(values.to_vec()))
    } else if let Some(values) = node.attr_floats("value_floats") {
        vector(Dtype::Float32, values.len(), Value::Floats(values.to_vec()))
    } else {
        Fact::default()
    };
    vec![fact]
}

/// `Shape`, with the optional `start` and `end` of opset 15.
pub(super) fn shape(site: &Site<'_>) -> Vec<Fact> {
    let Some(shape) = site.shape(0) else { return vec![Fact::new(Some(Dtype::Int64), None)] };
    let bound = |name: &str, default: usize| {
        let Some(at) = site.node.attr_i(name) else { return default };
        let rank = i64::try_from(shape.len()).unwrap_or(i64::MAX);
        let at = if at < 0 { at.saturating_add(rank) } else { at };
        usize::try_from(at.clamp(0, rank)).unwrap_or(default)
    };
    let (start, end) = (bound("start", 0), bound("end", shape.len()));
    let dims: Option<Vec<i64>> = shape
        .get(start..end)
        .unwrap_or_default()
        .iter()
        .map(|dim| i64::try_from(*dim).ok())
        .collect();
    vec![dims.map_or_else(|| Fact::new(Some(Dtype::Int64), None), Fact::ints)]
}

/// `Size`.
pub(super) fn size(site: &Site<'_>) -> Vec<Fact> {
    let count = site.input(0).and_then(Fact::count).and_then(|count| i64::try_from(count).ok());
    let mut fact = Fact::new(Some(Dtype::Int64), Some(Vec::new()));
    fact.constant = count.is_some();
    vec![fact.with_value(count.map(|count| Value::Ints(vec![count])))]
}

/// `ConstantOfShape`.
pub(super) fn of_shape(site: &Site<'_>) -> Vec<Fact> {
    let filler = site.node.attr_t("value").map(Fact::constant);
    let dtype = filler.as_ref().map_or(Some(Dtype::Float32), |fact| fact.dtype);
    let fact = Fact::new(dtype, site.ints(0).and_then(dims));
    let count = fact.count().and_then(|count| usize::try_from(count).ok());
    let repeated = count.filter(|count| *count <= LONGEST).and_then(|count| {
        match filler.as_ref().map(|fact| fact.value.as_ref()) {
            None => Some(Value::Floats(vec![0.0; count])),
            Some(Some(Value::Ints(values))) => Some(Value::Ints(vec![*values.first()?; count])),
            Some(Some(Value::Floats(values))) => Some(Value::Floats(vec![*values.first()?; count])),
            Some(None) => None,
        }
    });
    vec![fact.with_value(repeated)]
}

/// `Range(start, limit, delta)`.
pub(super) fn range(site: &Site<'_>) -> Vec<Fact> {
    let unknown = vec![Fact::new(site.dtype(0), None)];
    if let (Some([start]), Some([limit]), Some([delta])) =
        (site.ints(0), site.ints(1), site.ints(2))
    {
        return steps(*start, *limit, *delta).map_or(unknown, |(count, values)| {
            vec![Fact::new(site.dtype(0), Some(vec![count])).with_value(values.map(Value::Ints))]
        });
    }
    if let (Some([start]), Some([limit]), Some([delta])) =
        (site.floats(0), site.floats(1), site.floats(2))
    {
        let count = ((f64::from(*limit) - f64::from(*start)) / f64::from(*delta)).ceil();
        // A float-to-integer cast saturates, and takes NaN for 0.
        return vec![Fact::new(site.dtype(0), Some(vec![count.max(0.0) as u64]))];
    }
    unknown
}

/// How many numbers, and which if they are few.
fn steps(start: i64, limit: i64, delta: i64) -> Option<(u64, Option<Vec<i64>>)> {
    let (start, limit, delta) = (i128::from(start), i128::from(limit), i128::from(delta));
    if delta == 0 {
        return None;
    }
    let span = limit - start;
    let count = if (span > 0) == (delta > 0) {
        span.unsigned_abs().div_ceil(delta.unsigned_abs())
    } else {
        0
    };
    let few = (count <= LONGEST as u128).then(|| {
        let at = |n: u128| start + delta * i128::try_from(n).unwrap_or(0);
        (0..count).filter_map(|n| i64::try_from(at(n)).ok()).collect()
    });
    Some((u64::try_from(count).unwrap_or(u64::MAX), few))
}

/// `EyeLike`, `RandomNormalLike`, ...: the shape of the input, a type of its own.
pub(super) fn like(site: &Site<'_>) -> Vec<Fact> {
    let dtype = site.node.attr_i("dtype").and_then(|code| i32::try_from(code).ok());
    let dtype = dtype.map_or_else(|| site.dtype(0), |code| Some(Dtype::from_onnx(code)));
    vec![Fact::new(dtype, site.shape(0).map(<[u64]>::to_vec))]
}

/// `OneHot(indices, depth, values)`.
pub(super) fn one_hot(site: &Site<'_>) -> Vec<Fact> {
    let shape = || {
        let mut shape = site.shape(0)?.to_vec();
        let depth = u64::try_from(*site.ints(1)?.first()?).ok()?;
        let at = place(site.node.attr_i("axis").unwrap_or(-1), shape.len() + 1)?;
        shape.insert(at, depth);
        Some(shape)
    };
    vec![Fact::new(site.dtype(2), shape())]
}

/// Numbers as dimensions; none if one is negative.
pub(super) fn dims(values: &[i64]) -> Option<Vec<u64>> {
    values.iter().map(|value| u64::try_from(*value).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::steps;

    #[test]
    fn ranges_count_in_both_directions() {
        assert_eq!(steps(0, 5, 2), Some((3, Some(vec![0, 2, 4]))));
        assert_eq!(steps(5, 0, -2), Some((3, Some(vec![5, 3, 1]))));
        assert_eq!(steps(0, 5, -1), Some((0, Some(vec![]))));
        assert_eq!(steps(i64::MIN, i64::MAX, 1), Some((u64::MAX, None)));
        assert_eq!(steps(0, 1, 0), None);
    }
}
