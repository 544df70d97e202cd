//! `Resize` and `Upsample` of height and width.

use super::graph::Builder;
use super::refuse;
use super::term::Term;
use crate::engine::EngineError;
use crate::engine::native::ir::{Coordinates, Kind, Op, Resize, Rounding};
use crate::model::onnx::Node;

/// `Resize`; before opset 11 and as `Upsample` with asymmetric coordinates.
pub(super) fn resize(b: &mut Builder, node: &Node) -> Result<(), EngineError> {
    let mut x = b.moved(node, 0)?;
    let shape = b.output_shape(node)?;
    let old = node.op_type == "Upsample" || b.opset < 11;
    let linear = match node.attr_s("mode").unwrap_or("nearest") {
        "nearest" => false,
        "linear" | "bilinear" => true,
        _ => return Err(refuse(node, "in this mode")),
    };
    let plain = node.attr_i("antialias").unwrap_or(0) == 0 && node.attr("axes").is_none();
    let coordinates = if old { Some(Coordinates::Asymmetric) } else { coordinates(node) };
    let rounding = if old { Some(Rounding::Floor) } else { rounding(node) };
    let (true, Some(coordinates), Some(rounding)) = (plain, coordinates, rounding) else {
        return Err(refuse(node, "in this mode"));
    };
    let scales = scales(b, node, b.shape(x), &shape, old);
    let scales = scales.ok_or_else(|| refuse(node, "by these scales"))?;
    let op = Op::Resize(Resize { linear, coordinates, rounding, scales });
    if !linear {
        let y = b.move_elements(node, op, x, shape)?;
        return b.give_like(node, 0, y);
    }
    x = b.operand(node, 0).map(|_| x)?;
    let y = b.emit(node, op, vec![x], shape, Kind::Real)?;
    b.give(node, Term::Value(y))
}

/// Scales of height and width, given or from the sizes; none where others are stretched.
fn scales(b: &Builder, node: &Node, from: &[usize], to: &[usize], old: bool) -> Option<[f32; 2]> {
    let (&[batch, channels, height, width], &[_, _, new_height, new_width]) = (from, to) else {
        return None;
    };
    if to.get(..2) != Some(&[batch, channels]) {
        return None;
    }
    let at = if old { 1 } else { 2 };
    let given = node.attr_floats("scales").map(<[f32]>::to_vec);
    let given = given.or_else(|| b.known(node.input_at(at)?)?.reals());
    match given.as_deref() {
        Some([_, _, vertical, horizontal]) => {
            let sound = |scale: f32| scale.is_finite() && scale > 0.0;
            (sound(*vertical) && sound(*horizontal)).then_some([*vertical, *horizontal])
        }
        None | Some([]) => {
            let ratio = |new: usize, old: usize| new as f32 / old as f32;
            Some([ratio(new_height, height), ratio(new_width, width)])
        }
        Some(_) => None,
    }
}

fn coordinates(node: &Node) -> Option<Coordinates> {
    Some(match node.attr_s("coordinate_transformation_mode").unwrap_or("half_pixel") {
        "half_pixel" => Coordinates::HalfPixel,
        "pytorch_half_pixel" => Coordinates::PytorchHalfPixel,
        "align_corners" => Coordinates::AlignCorners,
        "asymmetric" => Coordinates::Asymmetric,
        _ => return None,
    })
}

fn rounding(node: &Node) -> Option<Rounding> {
    Some(match node.attr_s("nearest_mode").unwrap_or("round_prefer_floor") {
        "round_prefer_floor" => Rounding::PreferFloor,
        "round_prefer_ceil" => Rounding::PreferCeil,
        "floor" => Rounding::Floor,
        "ceil" => Rounding::Ceil,
        _ => return None,
    })
}
