//! Operators that fold dimensions away.

use super::fact::Fact;
use super::site::{Site, places};
use crate::model::Dtype;

/// `Reduce...`: the reduced dimensions become 1 or go.
pub(super) fn reduce(site: &Site<'_>) -> Vec<Fact> {
    let keep = site.node.attr_i("keepdims").unwrap_or(1) != 0;
    let none_means_none = site.node.attr_i("noop_with_empty_axes").unwrap_or(0) != 0;
    let shape = || {
        let shape = site.shape(0)?;
        let axes = site.ints_of("axes", 1)?.filter(|axes| !axes.is_empty());
        let reduced = match axes {
            Some(axes) => places(&axes, shape.len())?,
            None if none_means_none => Vec::new(),
            None => (0..shape.len()).collect(),
        };
        Some(collapse(shape, &reduced, keep))
    };
    site.alike(shape())
}

/// `ArgMax`, `ArgMin`.
pub(super) fn arg(site: &Site<'_>) -> Vec<Fact> {
    let keep = site.node.attr_i("keepdims").unwrap_or(1) != 0;
    let shape =
        site.shape(0).and_then(|shape| Some(collapse(shape, &[site.axis(0, shape.len())?], keep)));
    vec![Fact::new(Some(Dtype::Int64), shape)]
}

fn collapse(shape: &[u64], reduced: &[usize], keep: bool) -> Vec<u64> {
    let dims = shape.iter().enumerate();
    dims.filter_map(|(at, dim)| match reduced.contains(&at) {
        true => keep.then_some(1),
        false => Some(*dim),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reduced_dimensions_stay_as_one_or_go() {
        assert_eq!(collapse(&[2, 3, 4], &[1], true), [2, 1, 4]);
        assert_eq!(collapse(&[2, 3, 4], &[0, 2], false), [3]);
    }
}
