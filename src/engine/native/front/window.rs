//! Where a window stands: attributes of convolutions and poolings.

use super::graph::Builder;
use super::refuse;
use crate::engine::EngineError;
use crate::engine::native::ir::{Id, Op, Window};
use crate::model::onnx::Node;

/// A window and how often it stands.
pub(super) struct Placed {
    pub window: Window,
    /// Height and width of the output.
    pub size: [usize; 2],
}

/// Reads the window of a node over the height and width of `x`.
pub(super) fn placed(
    node: &Node,
    x: &[usize],
    kernel: [usize; 2],
    flat: bool,
) -> Result<Placed, EngineError> {
    let fault = || refuse(node, "with this window");
    let attributes = Attributes { node, flat };
    let strides = attributes.pair("strides").ok_or_else(fault)?;
    let dilations = attributes.pair("dilations").ok_or_else(fault)?;
    let mut window = Window { kernel, strides, dilations, pads: [0; 4] };
    let ceil = node.attr_i("ceil_mode").unwrap_or(0) != 0;
    let given = attributes.pads().ok_or_else(fault)?;
    let mut size = [0; 2];
    for at in 0..2 {
        let &length = x.get(at + 2).ok_or_else(fault)?;
        let side = Side::read(&window, at, length).ok_or_else(fault)?;
        let auto = node.attr_s("auto_pad").unwrap_or("NOTSET");
        let [before, after] = given.get(at).copied().unwrap_or_default();
        let (count, before, after) = match auto {
            "SAME_UPPER" | "SAME_LOWER" => side.same(auto == "SAME_LOWER"),
            "VALID" => side.fixed(0, 0, ceil),
            _ => side.fixed(before, after, ceil),
        }
        .ok_or_else(fault)?;
        size.iter_mut().skip(at).take(1).for_each(|slot| *slot = count);
        window
            .pads
            .iter_mut()
            .skip(at)
            .step_by(2)
            .zip([before, after])
            .for_each(|(slot, pad)| *slot = pad);
    }
    Ok(Placed { window, size })
}

/// Attributes with numbers for one spatial dimension (`flat`) or two; a flat window has
/// height 1.
struct Attributes<'a> {
    node: &'a Node,
    flat: bool,
}

impl Attributes<'_> {
    fn pair(&self, name: &str) -> Option<[usize; 2]> {
        let number = |n: i64| usize::try_from(n).ok().filter(|n| *n > 0);
        match (self.node.attr_ints(name), self.flat) {
            (None | Some([]), _) => Some([1, 1]),
            (Some([w]), true) => Some([1, number(*w)?]),
            (Some([h, w]), false) => Some([number(*h)?, number(*w)?]),
            _ => None,
        }
    }

    /// Before and after the height, then the width.
    fn pads(&self) -> Option<[[usize; 2]; 2]> {
        let number = |n: i64| usize::try_from(n).ok();
        match (self.node.attr_ints("pads"), self.flat) {
            (None | Some([]), _) => Some([[0; 2]; 2]),
            (Some([left, right]), true) => Some([[0; 2], [number(*left)?, number(*right)?]]),
            (Some([top, left, bottom, right]), false) => {
                Some([[number(*top)?, number(*bottom)?], [number(*left)?, number(*right)?]])
            }
            _ => None,
        }
    }
}

/// One dimension under a window.
struct Side {
    length: usize,
    extent: usize,
    stride: usize,
}

impl Side {
    fn read(window: &Window, at: usize, length: usize) -> Option<Self> {
        let kernel = *window.kernel.get(at)?;
        let gaps = kernel.checked_sub(1)?.checked_mul(*window.dilations.get(at)?)?;
        Some(Self { length, extent: gaps.checked_add(1)?, stride: *window.strides.get(at)? })
    }

    /// As many places as the stride makes; the odd element of padding behind, or before.
    fn same(&self, lower: bool) -> Option<(usize, usize, usize)> {
        let count = self.length.div_ceil(self.stride);
        let reach = count.checked_sub(1)?.checked_mul(self.stride)?.checked_add(self.extent)?;
        let total = reach.saturating_sub(self.length);
        let (less, more) = (total / 2, total - total / 2);
        Some(if lower { (count, more, less) } else { (count, less, more) })
    }

    /// Places with this padding. With `ceil` a last window may reach behind it, but not begin
    /// there; the padding grows to hold it.
    fn fixed(&self, before: usize, after: usize, ceil: bool) -> Option<(usize, usize, usize)> {
        let padded = self.length.checked_add(before)?.checked_add(after)?;
        let room = padded.checked_sub(self.extent)?;
        let mut count = room / self.stride + 1;
        if ceil && count * self.stride < self.length + before && room % self.stride != 0 {
            count += 1;
        }
        let reach = (count - 1).checked_mul(self.stride)?.checked_add(self.extent)?;
        Some((count, before, after.max(reach.saturating_sub(self.length + before))))
    }
}

/// A tensor of one spatial dimension as one of two, height 1; whether it was.
pub(super) fn planar(b: &mut Builder, node: &Node, x: Id) -> Result<(Id, bool), EngineError> {
    match *b.shape(x) {
        [_, _, _, _] => Ok((x, false)),
        [batch, channels, width] => {
            let kind = b.kind(x);
            let x = b.emit(node, Op::Reshape, vec![x], vec![batch, channels, 1, width], kind)?;
            Ok((x, true))
        }
        _ => Err(refuse(node, "over other than one or two dimensions")),
    }
}

/// The reverse for the result.
pub(super) fn unplanar(b: &mut Builder, node: &Node, y: Id, flat: bool) -> Result<Id, EngineError> {
    match *b.shape(y) {
        [batch, channels, _, width] if flat => {
            let kind = b.kind(y);
            b.emit(node, Op::Reshape, vec![y], vec![batch, channels, width], kind)
        }
        _ => Ok(y),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::onnx::Attribute;

    fn window(node: &Node, x: [usize; 2], kernel: [usize; 2]) -> ([usize; 2], [usize; 4]) {
        let placed = placed(node, &[1, 1, x[0], x[1]], kernel, false).unwrap();
        (placed.size, placed.window.pads)
    }

    #[test]
    fn padding_is_explicit_whatever_the_file_says() {
        let strided = || Node::new("Conv", &[], &[]).with(Attribute::ints("strides", &[2, 2]));
        let same = |side: &str| strided().with(Attribute::string("auto_pad", side));
        assert_eq!(window(&same("SAME_UPPER"), [6, 7], [3, 3]), ([3, 4], [0, 1, 1, 1]));
        assert_eq!(window(&same("SAME_LOWER"), [6, 7], [3, 3]), ([3, 4], [1, 1, 0, 1]));
        assert_eq!(window(&same("VALID"), [6, 7], [3, 3]), ([2, 3], [0; 4]));
        let given = strided().with(Attribute::ints("pads", &[1, 0, 0, 2]));
        assert_eq!(window(&given, [6, 7], [3, 3]), ([3, 4], [1, 0, 0, 2]));
    }

    #[test]
    fn a_ceiling_lengthens_the_padding_behind_only_where_a_window_begins_in_the_data() {
        let ceil = Node::new("MaxPool", &[], &[])
            .with(Attribute::ints("strides", &[2, 2]))
            .with(Attribute::int("ceil_mode", 1));
        assert_eq!(window(&ceil, [8, 7], [3, 3]), ([4, 3], [0, 0, 1, 0]));
        assert_eq!(window(&ceil, [3, 3], [1, 1]), ([2, 2], [0; 4]));
    }

    #[test]
    fn impossible_windows_are_refused() {
        for (name, values) in
            [("strides", vec![0, 1]), ("dilations", vec![-1, 1]), ("pads", vec![1])]
        {
            let node = Node::new("Conv", &[], &["y"]).with(Attribute::ints(name, &values));
            assert!(placed(&node, &[1, 1, 5, 5], [3, 3], false).is_err(), "{name}");
        }
        assert!(placed(&Node::new("Conv", &[], &[]), &[1, 1, 2, 5], [3, 3], false).is_err());
    }
}
