//! Operators that keep the elements and change how they are arranged.

use super::constant::dims;
use super::fact::{Fact, LONGEST, Value};
use super::site::{Site, place, places};

/// The same elements in another shape.
fn rearranged(site: &Site<'_>, shape: Option<Vec<u64>>) -> Vec<Fact> {
    vec![Fact::new(site.dtype(0), shape).with_value(site.value(0).cloned())]
}

/// `Reshape`.
pub(super) fn reshape(site: &Site<'_>) -> Vec<Fact> {
    let wanted = site.node.attr_ints("shape").or_else(|| site.ints(1));
    let keep_zeros = site.node.attr_i("allowzero").unwrap_or(0) != 0;
    let shape = wanted.and_then(|wanted| {
        let count = site.input(0).and_then(Fact::count);
        reshaped(site.shape(0), count, wanted, keep_zeros)
    });
    rearranged(site, shape)
}

fn reshaped(
    from: Option<&[u64]>,
    count: Option<u64>,
    wanted: &[i64],
    keep_zeros: bool,
) -> Option<Vec<u64>> {
    let mut shape = Vec::with_capacity(wanted.len());
    let mut open = None;
    for (at, dim) in wanted.iter().enumerate() {
        shape.push(match dim {
            0 if !keep_zeros => *from?.get(at)?,
            -1 if open.replace(at).is_some() => return None,
            -1 => 1,
            _ => u64::try_from(*dim).ok()?,
        });
    }
    let known = shape.iter().try_fold(1u64, |count, dim| count.checked_mul(*dim))?;
    if let Some(slot) = open.and_then(|at| shape.get_mut(at)) {
        let count = count?;
        *slot = if known == 0 { 0 } else { (count % known == 0).then(|| count / known)? };
    } else if count.is_some_and(|count| count != known) {
        return None;
    }
    Some(shape)
}

/// `Flatten`: everything before the axis, everything from it.
pub(super) fn flatten(site: &Site<'_>) -> Vec<Fact> {
    let shape = || {
        let shape = site.shape(0)?;
        let axis = match site.node.attr_i("axis").unwrap_or(1) {
            axis if usize::try_from(axis).is_ok_and(|axis| axis == shape.len()) => shape.len(),
            axis => place(axis, shape.len())?,
        };
        let (outer, inner) = shape.split_at_checked(axis)?;
        let product = |dims: &[u64]| dims.iter().try_fold(1u64, |p, dim| p.checked_mul(*dim));
        Some(vec![product(outer)?, product(inner)?])
    };
    rearranged(site, shape())
}

/// `Squeeze`: drops dimensions of 1, all or those given.
pub(super) fn squeeze(site: &Site<'_>) -> Vec<Fact> {
    let shape = || {
        let shape = site.shape(0)?;
        let drop = match site.ints_of("axes", 1)? {
            Some(axes) => places(&axes, shape.len())?,
            None => (0..shape.len()).filter(|at| shape.get(*at) == Some(&1)).collect(),
        };
        let kept = shape.iter().enumerate().filter(|(at, _)| !drop.contains(at));
        Some(kept.map(|(_, dim)| *dim).collect())
    };
    rearranged(site, shape())
}

/// `Unsqueeze`: inserts dimensions of 1.
pub(super) fn unsqueeze(site: &Site<'_>) -> Vec<Fact> {
    let shape = || {
        let mut shape = site.shape(0)?.to_vec();
        let axes = site.ints_of("axes", 1)??;
        for at in places(&axes, shape.len().checked_add(axes.len())?)? {
            if at > shape.len() {
                return None;
            }
            shape.insert(at, 1);
        }
        Some(shape)
    };
    rearranged(site, shape())
}

/// `Transpose`: reversed, or as `perm` says.
pub(super) fn transpose(site: &Site<'_>) -> Vec<Fact> {
    let shape = site.shape(0).and_then(|shape| match site.node.attr_ints("perm") {
        None => Some(shape.iter().rev().copied().collect()),
        Some(perm) if perm.len() == shape.len() => perm
            .iter()
            .map(|from| usize::try_from(*from).ok().and_then(|from| shape.get(from).copied()))
            .collect(),
        Some(_) => None,
    });
    site.alike(shape)
}

/// Shapes joined along an axis.
pub(super) fn joined<'a>(
    shapes: impl Iterator<Item = Option<&'a [u64]>>,
    axis: i64,
) -> Option<Vec<u64>> {
    let mut whole: Option<Vec<u64>> = None;
    for shape in shapes {
        let shape = shape?;
        let Some(whole) = &mut whole else {
            whole = Some(shape.to_vec());
            continue;
        };
        let at = place(axis, whole.len())?;
        let slot = whole.get_mut(at)?;
        *slot = slot.checked_add(*shape.get(at)?)?;
    }
    whole.filter(|shape| place(axis, shape.len()).is_some())
}

/// `Concat`.
pub(super) fn concat(site: &Site<'_>) -> Vec<Fact> {
    let axis = site.node.attr_i("axis").unwrap_or(0);
    let shape = joined((0..site.node.input.len()).map(|at| site.shape(at)), axis);
    let values = || -> Option<Vec<i64>> {
        let parts = (0..site.node.input.len()).map(|at| site.ints(at));
        Some(parts.collect::<Option<Vec<_>>>()?.concat())
    };
    // Only short vectors: their elements follow each other.
    let short = |dim: &u64| *dim <= LONGEST as u64;
    let vector = matches!(shape.as_deref(), Some([dim]) if short(dim));
    let value = if vector { values().map(Value::Ints) } else { None };
    vec![Fact::new(site.dtype(0), shape).with_value(value)]
}

/// `Expand`: broadcast to a shape.
pub(super) fn expand(site: &Site<'_>) -> Vec<Fact> {
    let shape = || super::elementwise::broadcast(site.shape(0)?, &dims(site.ints(1)?)?);
    let shape = shape();
    // A value survives only where nothing is repeated; `with_value` compares the counts.
    vec![Fact::new(site.dtype(0), shape).with_value(site.value(0).cloned())]
}

/// `Tile`.
pub(super) fn tile(site: &Site<'_>) -> Vec<Fact> {
    let shape = || {
        let (shape, repeats) = (site.shape(0)?, dims(site.ints(1)?)?);
        if shape.len() != repeats.len() {
            return None;
        }
        shape.iter().zip(repeats).map(|(dim, times)| dim.checked_mul(times)).collect()
    };
    site.alike(shape())
}

/// `DepthToSpace`.
pub(super) fn depth_to_space(site: &Site<'_>) -> Vec<Fact> {
    site.alike(blocks(site).and_then(|(block, [n, c, h, w])| {
        let area = block.checked_mul(block).filter(|area| *area > 0)?;
        Some(vec![n, c / area, h.checked_mul(block)?, w.checked_mul(block)?])
    }))
}

/// `SpaceToDepth`.
pub(super) fn space_to_depth(site: &Site<'_>) -> Vec<Fact> {
    site.alike(blocks(site).and_then(|(block, [n, c, h, w])| {
        let area = block.checked_mul(block)?;
        Some(vec![n, c.checked_mul(area)?, h.checked_div(block)?, w.checked_div(block)?])
    }))
}

fn blocks(site: &Site<'_>) -> Option<(u64, [u64; 4])> {
    let block = u64::try_from(site.node.attr_i("blocksize")?).ok()?;
    Some((block, site.shape(0)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reshape_copies_zeros_and_fills_one_open_dimension() {
        let from = [2, 3, 4];
        let reshape = |wanted: &[i64]| reshaped(Some(&from), Some(24), wanted, false);
        assert_eq!(reshape(&[0, -1]), Some(vec![2, 12]));
        assert_eq!(reshape(&[4, 6]), Some(vec![4, 6]));
        assert_eq!(reshape(&[-1, -1]), None);
        assert_eq!(reshape(&[5, -1]), None);
        assert_eq!(reshape(&[5, 5]), None);
        assert_eq!(reshape(&[i64::MAX, i64::MAX]), None);
        assert_eq!(reshaped(Some(&[0, 3]), Some(0), &[0, 2], true), Some(vec![0, 2]));
    }

    #[test]
    fn joining_adds_along_one_axis() {
        let shapes: [&[u64]; 2] = [&[1, 2, 3], &[1, 5, 3]];
        assert_eq!(joined(shapes.into_iter().map(Some), -2), Some(vec![1, 7, 3]));
        assert_eq!(joined(shapes.into_iter().map(Some), 3), None);
    }
}
