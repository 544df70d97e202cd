//! Poolings and means.

use super::graph::Builder;
use super::refuse;
use super::shape;
use super::term::Term;
use super::window::{placed, planar, unplanar};
use crate::engine::EngineError;
use crate::engine::native::ir::{Id, Kind, Op, Window};
use crate::model::onnx::Node;
use crate::model::place;

fn kernel(node: &Node, flat: bool) -> Result<[usize; 2], EngineError> {
    let number = |n: &i64| usize::try_from(*n).ok().filter(|n| *n > 0);
    let sides = match (node.attr_ints("kernel_shape"), flat) {
        (Some([w]), true) => number(w).map(|w| [1, w]),
        (Some([h, w]), false) => number(h).zip(number(w)).map(|(h, w)| [h, w]),
        _ => None,
    };
    sides.ok_or_else(|| refuse(node, "with this window"))
}

/// Shape of what a window makes of `x`.
fn over(b: &Builder, x: Id, size: [usize; 2]) -> Vec<usize> {
    let outer = b.shape(x).get(..2).unwrap_or_default();
    [outer, &size].concat()
}

/// `MaxPool`, of codes too: they have the order of what they stand for.
pub(super) fn max(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    if node.output_at(1).is_some_and(|indices| b.is_read(indices)) {
        return Err(refuse(node, "with indices"));
    }
    let x = b.moved(node, 0)?;
    let (x, flat) = squashed(b, node, x)?;
    let placed = placed(node, b.shape(x), kernel(node, flat)?, flat)?;
    largest(b, node, x, flat, placed.window, placed.size)
}

/// `GlobalMaxPool`: one window over everything.
pub(super) fn global_max(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    let x = b.moved(node, 0)?;
    let (x, flat) = squashed(b, node, x)?;
    let &[_, _, height, width] = b.shape(x) else { return Err(refuse(node, "of this rank")) };
    let window =
        Window { kernel: [height, width], strides: [1, 1], dilations: [1, 1], pads: [0; 4] };
    largest(b, node, x, flat, window, [1, 1])
}

fn largest(
    b: &mut Builder,
    node: &Node,
    x: Id,
    flat: bool,
    window: Window,
    size: [usize; 2],
) -> Result<(), EngineError> {
    let shape = over(b, x, size);
    let y = b.move_elements(node, Op::MaxPool(window), x, shape)?;
    let loose = b.loose.contains(&y);
    let y = unplanar(b, node, y, flat)?;
    if loose {
        b.loose.insert(y);
    }
    b.give_like(node, 0, y)
}

/// [`planar`] of integers too.
fn squashed(b: &mut Builder, node: &Node, x: Id) -> Result<(Id, bool), EngineError> {
    let loose = b.loose.contains(&x);
    let (x, flat) = planar(b, node, x)?;
    if loose {
        b.loose.insert(x);
    }
    Ok((x, flat))
}

/// `AveragePool`.
pub(super) fn average(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    let padding_counts = node.attr_i("count_include_pad").unwrap_or(0) != 0;
    if padding_counts && node.attr_i("ceil_mode").unwrap_or(0) != 0 {
        return Err(refuse(node, "that counts padding and rounds up"));
    }
    let x = b.operand(node, 0)?;
    let (x, flat) = planar(b, node, x)?;
    let placed = placed(node, b.shape(x), kernel(node, flat)?, flat)?;
    let op = Op::AveragePool(placed.window, padding_counts);
    let shape = over(b, x, placed.size);
    let y = b.emit(node, op, vec![x], shape, Kind::Real)?;
    let y = unplanar(b, node, y, flat)?;
    b.give(node, Term::Value(y))
}

/// `GlobalAveragePool`.
pub(super) fn global_average(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    let x = b.operand(node, 0)?;
    let axes = (2..b.shape(x).len()).collect();
    mean(b, node, x, axes, true)
}

/// `ReduceMean`.
pub(super) fn reduce_mean(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    let x = b.operand(node, 0)?;
    let rank = b.shape(x).len();
    let axes = b.numbers(node, "axes", 1)?.filter(|axes| !axes.is_empty());
    if axes.is_none() && node.attr_i("noop_with_empty_axes").unwrap_or(0) != 0 {
        return b.give_like(node, 0, x);
    }
    let axes = match axes {
        Some(axes) => axes.iter().map(|axis| place(*axis, rank)).collect(),
        None => Some((0..rank).collect::<Vec<_>>()),
    };
    let mut axes = axes.ok_or_else(|| refuse(node, "over these axes"))?;
    axes.sort_unstable();
    axes.dedup();
    let keep = node.attr_i("keepdims").unwrap_or(1) != 0;
    mean(b, node, x, axes, keep)
}

fn mean(
    b: &mut Builder,
    node: &Node,
    x: Id,
    axes: Vec<usize>,
    keep: bool,
) -> Result<(), EngineError> {
    let shape = shape::folded(b.shape(x), &axes, keep);
    let shape = shape.ok_or_else(|| refuse(node, "over these axes"))?;
    let y = b.emit(node, Op::Mean(axes, keep), vec![x], shape, Kind::Real)?;
    b.give(node, Term::Value(y))
}
