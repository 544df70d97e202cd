//! Operators that work element by element.

use super::arithmetic;
use super::fact::Fact;
use super::site::Site;
use crate::model::Dtype;

/// The shape two shapes broadcast to; none if they do not.
pub(super) fn broadcast(a: &[u64], b: &[u64]) -> Option<Vec<u64>> {
    let rank = a.len().max(b.len());
    let padded = |s: &[u64]| -> Vec<u64> {
        std::iter::repeat_n(1, rank - s.len()).chain(s.iter().copied()).collect()
    };
    let pair = |(a, b): (u64, u64)| match (a, b) {
        (a, b) if a == b => Some(a),
        (1, b) => Some(b),
        (a, 1) => Some(a),
        _ => None,
    };
    padded(a).into_iter().zip(padded(b)).map(pair).collect()
}

/// Shape of all inputs at these places broadcast together.
fn broadcast_all(site: &Site<'_>, places: impl Iterator<Item = usize>) -> Option<Vec<u64>> {
    let mut shape = Vec::new();
    for at in places {
        shape = broadcast(&shape, site.shape(at)?)?;
    }
    Some(shape)
}

/// Type and shape of the first input.
pub(super) fn same(site: &Site<'_>) -> Vec<Fact> {
    site.alike(site.shape(0).map(<[u64]>::to_vec))
}

/// Type, shape and value of the first input.
pub(super) fn identity(site: &Site<'_>) -> Vec<Fact> {
    vec![site.input(0).cloned().unwrap_or_default()]
}

/// Two or more inputs, broadcast; small whole numbers are computed.
pub(super) fn arithmetic(site: &Site<'_>) -> Vec<Fact> {
    let shape = broadcast_all(site, 0..site.node.input.len());
    let fact = Fact::new(site.dtype(0), shape);
    let value = arithmetic::evaluate(site);
    vec![fact.with_value(value)]
}

/// Two inputs, broadcast to booleans.
pub(super) fn compare(site: &Site<'_>) -> Vec<Fact> {
    vec![Fact::new(Some(Dtype::Bool), broadcast_all(site, 0..site.node.input.len()))]
}

/// `Where(condition, x, y)`.
pub(super) fn choose(site: &Site<'_>) -> Vec<Fact> {
    vec![Fact::new(site.dtype(1), broadcast_all(site, 0..3))]
}

/// Same shape, type from the attribute `to`.
pub(super) fn cast(site: &Site<'_>) -> Vec<Fact> {
    let to = site.node.attr_i("to").and_then(|code| i32::try_from(code).ok());
    let dtype = to.map(Dtype::from_onnx);
    let fact = Fact::new(dtype, site.shape(0).map(<[u64]>::to_vec));
    let value = dtype.and_then(|dtype| arithmetic::cast(site.value(0)?, dtype));
    vec![fact.with_value(value)]
}

/// Same shape, booleans.
pub(super) fn test(site: &Site<'_>) -> Vec<Fact> {
    vec![Fact::new(Some(Dtype::Bool), site.shape(0).map(<[u64]>::to_vec))]
}

/// Data and a mask of the same shape.
pub(super) fn dropout(site: &Site<'_>) -> Vec<Fact> {
    let mut facts = identity(site);
    facts.push(Fact::new(Some(Dtype::Bool), site.shape(0).map(<[u64]>::to_vec)));
    facts
}

/// The normalised input; further outputs (training) stay unknown.
pub(super) fn normalization(site: &Site<'_>) -> Vec<Fact> {
    same(site)
}

#[cfg(test)]
mod tests {
    use super::broadcast;

    #[test]
    fn broadcasts_as_numpy_does() {
        assert_eq!(broadcast(&[8, 1, 6, 1], &[7, 1, 5]), Some(vec![8, 7, 6, 5]));
        assert_eq!(broadcast(&[], &[3]), Some(vec![3]));
        assert_eq!(broadcast(&[0], &[1]), Some(vec![0]));
        assert_eq!(broadcast(&[2], &[3]), None);
    }
}
