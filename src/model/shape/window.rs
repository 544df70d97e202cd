//! Convolutions and poolings: windows that slide over the spatial dimensions (NC...).

use super::fact::Fact;
use super::site::Site;
use crate::model::Dtype;

/// Sizes of a window in every spatial dimension, from a node's attributes.
struct Window<'a> {
    site: &'a Site<'a>,
    kernel: Vec<u64>,
}

impl Window<'_> {
    /// An attribute with one number per spatial dimension, 1 by default.
    fn numbers(&self, name: &str, default: u64) -> Option<Vec<u64>> {
        match self.site.node.attr_ints(name) {
            None | Some([]) => Some(vec![default; self.kernel.len()]),
            Some(given) if given.len() == self.kernel.len() => super::constant::dims(given),
            Some(_) => None,
        }
    }

    /// Padding before and after each spatial dimension; zero by default.
    fn pads(&self) -> Option<(Vec<u64>, Vec<u64>)> {
        let rank = self.kernel.len();
        let Some(pads) = self.site.node.attr_ints("pads") else {
            return Some((vec![0; rank], vec![0; rank]));
        };
        let pads = super::constant::dims(pads)?;
        let (before, after) = pads.split_at_checked(rank)?;
        (after.len() == rank).then(|| (before.to_vec(), after.to_vec()))
    }

    /// What the window covers, dilated.
    fn extents(&self) -> Option<Vec<u64>> {
        let dilations = self.numbers("dilations", 1)?;
        let extent = |(kernel, dilation): (&u64, u64)| {
            kernel.checked_sub(1)?.checked_mul(dilation)?.checked_add(1)
        };
        self.kernel.iter().zip(dilations).map(extent).collect()
    }

    /// Spatial dimensions of the output.
    fn slide(&self, spatial: &[u64]) -> Option<Vec<u64>> {
        if spatial.len() != self.kernel.len() {
            return None;
        }
        let strides = self.numbers("strides", 1)?;
        let (extents, (before, after)) = (self.extents()?, self.pads()?);
        let auto = self.site.node.attr_s("auto_pad").unwrap_or("NOTSET");
        let ceil = self.site.node.attr_i("ceil_mode").unwrap_or(0) != 0;
        let sizes = spatial.iter().zip(strides).zip(extents).zip(before.iter().zip(after));
        sizes
            .map(|(((size, stride), extent), (before, after))| match auto {
                "SAME_UPPER" | "SAME_LOWER" => (stride > 0).then(|| size.div_ceil(stride)),
                "VALID" => steps(*size, 0, 0, extent, stride, ceil),
                _ => steps(*size, *before, after, extent, stride, ceil),
            })
            .collect()
    }

    /// Spatial dimensions of a transposed convolution's output.
    fn spread(&self, spatial: &[u64]) -> Option<Vec<u64>> {
        if spatial.len() != self.kernel.len() {
            return None;
        }
        if let Some(given) = self.site.node.attr_ints("output_shape") {
            return super::constant::dims(given);
        }
        let strides = self.numbers("strides", 1)?;
        let extra = self.numbers("output_padding", 0)?;
        let (extents, (before, after)) = (self.extents()?, self.pads()?);
        let auto = self.site.node.attr_s("auto_pad").unwrap_or("NOTSET");
        let sizes =
            spatial.iter().zip(strides).zip(extents).zip(extra).zip(before.iter().zip(after));
        sizes
            .map(|((((size, stride), extent), extra), (before, after))| match auto {
                "SAME_UPPER" | "SAME_LOWER" => size.checked_mul(stride),
                _ => size
                    .checked_sub(1)?
                    .checked_mul(stride)?
                    .checked_add(extra)?
                    .checked_add(extent)?
                    .checked_sub(before.checked_add(after)?),
            })
            .collect()
    }
}

/// How many times a window fits. With `ceil`, a last window that begins in the padding behind
/// the data does not count.
fn steps(size: u64, before: u64, after: u64, extent: u64, stride: u64, ceil: bool) -> Option<u64> {
    let room = size.checked_add(before)?.checked_add(after)?.checked_sub(extent)?;
    if stride == 0 {
        return None;
    }
    if !ceil {
        return Some(room / stride + 1);
    }
    let count = room.div_ceil(stride) + 1;
    let begins_behind = (count - 1).checked_mul(stride)? >= size + before;
    Some(if begins_behind { count - 1 } else { count })
}

/// Output of a convolution whose weights are input `w`; `M` channels behind the batch.
fn convolved(site: &Site<'_>, x: usize, w: usize) -> Option<Vec<u64>> {
    let ([batch, _, spatial @ ..], [channels, _, kernel @ ..]) = (site.shape(x)?, site.shape(w)?)
    else {
        return None;
    };
    let window = Window { site, kernel: kernel.to_vec() };
    Some([*batch, *channels].into_iter().chain(window.slide(spatial)?).collect())
}

/// `Conv`.
pub(super) fn conv(site: &Site<'_>) -> Vec<Fact> {
    site.alike(convolved(site, 0, 1))
}

/// `ConvInteger`.
pub(super) fn conv_integer(site: &Site<'_>) -> Vec<Fact> {
    vec![Fact::new(Some(Dtype::Int32), convolved(site, 0, 1))]
}

/// `QLinearConv`.
pub(super) fn qlinear_conv(site: &Site<'_>) -> Vec<Fact> {
    vec![Fact::new(site.dtype(7), convolved(site, 0, 3))]
}

/// `ConvTranspose`.
pub(super) fn conv_transpose(site: &Site<'_>) -> Vec<Fact> {
    let shape = || {
        let ([batch, _, spatial @ ..], [_, per_group, kernel @ ..]) =
            (site.shape(0)?, site.shape(1)?)
        else {
            return None;
        };
        let group = u64::try_from(site.node.attr_i("group").unwrap_or(1)).ok()?;
        let window = Window { site, kernel: kernel.to_vec() };
        let channels = per_group.checked_mul(group)?;
        Some([*batch, channels].into_iter().chain(window.spread(spatial)?).collect())
    };
    site.alike(shape())
}

fn pooled(site: &Site<'_>) -> Option<Vec<u64>> {
    let kernel = super::constant::dims(site.node.attr_ints("kernel_shape")?)?;
    let window = Window { site, kernel };
    if site.node.attr_i("channels_last").unwrap_or(0) != 0 {
        let [batch, spatial @ .., channels] = site.shape(0)? else { return None };
        let slid = window.slide(spatial)?;
        return Some([*batch].into_iter().chain(slid).chain([*channels]).collect());
    }
    let [batch, channels, spatial @ ..] = site.shape(0)? else { return None };
    Some([*batch, *channels].into_iter().chain(window.slide(spatial)?).collect())
}

/// `MaxPool` (with its optional indices), `AveragePool`, `LpPool`.
pub(super) fn pool(site: &Site<'_>) -> Vec<Fact> {
    let shape = pooled(site);
    vec![Fact::new(site.dtype(0), shape.clone()), Fact::new(Some(Dtype::Int64), shape)]
}

/// `GlobalAveragePool` and its kin: spatial dimensions become 1.
pub(super) fn global_pool(site: &Site<'_>) -> Vec<Fact> {
    let last = site.node.attr_i("channels_last").unwrap_or(0) != 0;
    let shape = site.shape(0).and_then(|shape| match shape {
        [batch, spatial @ .., channels] if last => {
            Some([*batch].into_iter().chain(spatial.iter().map(|_| 1)).chain([*channels]).collect())
        }
        [batch, channels, spatial @ ..] => {
            Some([*batch, *channels].into_iter().chain(spatial.iter().map(|_| 1)).collect())
        }
        _ => None,
    });
    site.alike(shape)
}

#[cfg(test)]
mod tests {
    use super::steps;

    #[test]
    fn windows_fit_as_the_standard_says() {
        assert_eq!(steps(32, 1, 1, 3, 1, false), Some(32));
        assert_eq!(steps(224, 0, 1, 3, 2, false), Some(112));
        assert_eq!(steps(3, 0, 0, 4, 1, false), None);
        assert_eq!(steps(8, 0, 0, 2, 0, false), None);
        // SqueezeNet's ceiling poolings: 111 -> 55, and 7 -> 4 only with the ceiling.
        assert_eq!(steps(111, 0, 0, 3, 2, true), Some(55));
        assert_eq!((steps(8, 0, 0, 3, 2, false), steps(8, 0, 0, 3, 2, true)), (Some(3), Some(4)));
        assert_eq!(steps(2, 0, 1, 1, 2, true), Some(1));
        assert_eq!(steps(u64::MAX, 1, 1, 3, 1, true), None);
    }
}
