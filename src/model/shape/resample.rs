//! Operators that stretch an image.

use super::constant::dims;
use super::fact::Fact;
use super::site::{Site, place};

/// `Resize` (opset 10: scales; from 11: region, scales, sizes) and `Upsample`.
pub(super) fn resize(site: &Site<'_>) -> Vec<Fact> {
    site.alike(stretched(site))
}

fn stretched(site: &Site<'_>) -> Option<Vec<u64>> {
    let shape = site.shape(0)?;
    let (scales_at, sizes_at) =
        if site.node.op_type == "Upsample" || site.opset < 11 { (1, usize::MAX) } else { (2, 3) };
    let axes = match site.node.attr_ints("axes") {
        Some(axes) => axes.iter().map(|a| place(*a, shape.len())).collect::<Option<Vec<_>>>()?,
        None => (0..shape.len()).collect(),
    };
    let mut result = shape.to_vec();
    if site.has(sizes_at) {
        let fits = site.node.attr_s("keep_aspect_ratio_policy").unwrap_or("stretch") == "stretch";
        let sizes = dims(site.ints(sizes_at)?).filter(|sizes| fits && sizes.len() == axes.len())?;
        for (at, size) in axes.into_iter().zip(sizes) {
            *result.get_mut(at)? = size;
        }
        return Some(result);
    }
    let scales = site.node.attr_floats("scales").or_else(|| site.floats(scales_at))?;
    if scales.len() != axes.len() {
        return None;
    }
    for (at, scale) in axes.into_iter().zip(scales) {
        let slot = result.get_mut(at)?;
        // A float-to-integer cast saturates, and takes NaN for 0.
        *slot = (*slot as f64 * f64::from(*scale)).floor() as u64;
    }
    Some(result)
}
