//! Whether a program that comes from outside is one that the front could have made.
//!
//! The back relies on what is checked here: every index names a value, a value is made once
//! and before it is read, kinds and shapes are what each operator makes of its inputs, and
//! lists of parameters are as long as the shapes say. Numbers themselves may be any.

use super::front::{agrees, count};
use super::ir::{
    Affine, Binary, Constant, Conv, Dense, Id, Kind, Node, Op, Port, Program, Quantised, Resize,
    Value, Weights, Window,
};
use crate::model::Dtype;

/// Elements of all values together, borders included: a gigabyte of reals.
const LARGEST: usize = 1 << 28;
/// Axes of a value.
const DEEPEST: usize = 16;

/// Whether the back can rely on a program. The weights of nodes that are `packed` are
/// elsewhere, and looked at there.
pub(super) fn is_sound(program: &Program, packed: &dyn Fn(usize) -> bool) -> bool {
    let Program { values, inputs, outputs, nodes, unfused: _ } = program;
    let mut ready: Vec<bool> = values.iter().map(|value| value.constant.is_some()).collect();
    let mut make = |id: Id| match ready.get_mut(id) {
        Some(ready) if !*ready => {
            *ready = true;
            true
        }
        _ => false,
    };
    if !values.iter().all(is_value) || !inputs.iter().all(|port| make(port.value)) {
        return false;
    }
    let ports = inputs.iter().chain(outputs);
    let mut room = Room(LARGEST);
    is_small(values, &mut room)
        && ports.into_iter().all(|port| values.get(port.value).is_some_and(|v| fits(port, v)))
        && nodes.iter().enumerate().all(|(at, node)| {
            let known = node.inputs.iter().all(|id| ready.get(*id) == Some(&true));
            let free = ready.get_mut(node.output).filter(|ready| !**ready);
            known
                && free.map(|ready| *ready = true).is_some()
                && is_node(values, node, packed(at), &mut room)
        })
        && outputs.iter().all(|port| ready.get(port.value) == Some(&true))
}

/// What is left of [`LARGEST`].
struct Room(usize);

impl Room {
    fn take(&mut self, elements: Option<usize>) -> bool {
        let left = elements.and_then(|elements| self.0.checked_sub(elements));
        self.0 = left.unwrap_or(0);
        left.is_some()
    }
}

fn is_small(values: &[Value], room: &mut Room) -> bool {
    values.iter().all(|value| room.take(count(&value.shape)))
}

fn is_value(value: &Value) -> bool {
    let constant = match (&value.constant, value.kind) {
        (None, _) => true,
        (Some(Constant::Codes(codes)), Kind::Codes(_)) => count(&value.shape) == Some(codes.len()),
        (Some(Constant::Real(reals)), Kind::Real) => count(&value.shape) == Some(reals.len()),
        _ => false,
    };
    let scaled = match value.kind {
        Kind::Codes(Quantised { scale, .. }) => scale.is_finite() && scale > 0.0,
        _ => true,
    };
    constant && scaled && value.shape.len() <= DEEPEST
}

/// Whether a port's type and shape are the value's.
fn fits(port: &Port, value: &Value) -> bool {
    let shape = port.info.shape.iter().map(|dim| dim.and_then(|dim| usize::try_from(dim).ok()));
    let kind = match port.info.dtype {
        Dtype::UInt8 | Dtype::Int8 | Dtype::Bool => matches!(value.kind, Kind::Codes(_)),
        Dtype::Float32 | Dtype::Float64 | Dtype::Float16 | Dtype::BFloat16 => {
            value.kind == Kind::Real
        }
        Dtype::Int32 | Dtype::Int64 => value.kind == Kind::Whole,
        _ => false,
    };
    kind && shape.eq(value.shape.iter().map(|&dim| Some(dim)))
}

fn is_node(values: &[Value], node: &Node, packed: bool, room: &mut Room) -> bool {
    let inputs: Option<Vec<&Value>> = node.inputs.iter().map(|id| values.get(*id)).collect();
    let (Some(inputs), Some(output)) = (inputs, values.get(node.output)) else { return false };
    let shapes: Vec<&[usize]> = inputs.iter().map(|value| value.shape.as_slice()).collect();
    let kinds: Vec<Kind> = inputs.iter().map(|value| value.kind).collect();
    arity(&node.op).is_none_or(|arity| arity == inputs.len())
        && agrees(&node.op, &shapes, &output.shape)
        && are_kinds(&node.op, &kinds, output.kind)
        && has_parameters(&node.op, packed, shapes.first().copied().unwrap_or_default(), room)
}

/// How many inputs; any number but none for concatenations.
fn arity(op: &Op) -> Option<usize> {
    match op {
        Op::Concat(_) => None,
        Op::MatMul | Op::Binary(..) => Some(2),
        _ => Some(1),
    }
}

/// Whether an operator makes this kind of these.
fn are_kinds(op: &Op, from: &[Kind], to: Kind) -> bool {
    let Some(&first) = from.first() else { return false };
    let codes = |kind: Kind| matches!(kind, Kind::Codes(_));
    let numbers = codes(to) || to == Kind::Real;
    match op {
        Op::Conv(Conv { weights, .. }) | Op::Dense(Dense { weights, .. }) => match weights {
            Weights::Codes { .. } => codes(first) && numbers,
            Weights::Reals(..) => first == Kind::Real && to == Kind::Real,
        },
        Op::MatMul | Op::Unary(_) | Op::Softmax(_) => {
            from.iter().chain([&to]).all(|kind| *kind == Kind::Real)
        }
        Op::Quantize => first == Kind::Real && codes(to),
        Op::Dequantize => codes(first) && to == Kind::Real,
        Op::Table(_) | Op::Affine(_) => codes(first) && codes(to),
        Op::Binary(Binary::Div, _) => from.iter().chain([&to]).all(|kind| *kind == Kind::Real),
        Op::Binary(..) => {
            let all = from.iter().chain([&to]);
            all.clone().all(|kind| codes(*kind)) || all.clone().all(|kind| *kind == Kind::Real)
        }
        Op::AveragePool(..) | Op::Mean(..) => codes(first) == codes(to) && numbers,
        Op::Resize(Resize { linear, .. }) => first == to && (!linear || to == Kind::Real),
        Op::Concat(_) => from.iter().all(|kind| *kind == to),
        Op::MaxPool(_) => first == to && numbers,
        Op::Reshape | Op::Transpose(_) | Op::Pad(..) | Op::Select(..) => first == to,
        Op::ArgMax(..) => to == Kind::Whole,
        Op::Cast => first == Kind::Whole && to == Kind::Real,
    }
}

/// Whether lists are as long as they must be, and windows stand in bounds.
fn has_parameters(op: &Op, packed: bool, x: &[usize], room: &mut Room) -> bool {
    match op {
        Op::Conv(Conv { shape, weights, window, .. }) => {
            let [outputs, inner, height, width] = *shape;
            let depth = count(&[inner, height, width]);
            // Channels may be repeated, and each repetition is bordered.
            let copies = x.get(1).map_or(1, |&channels| outputs.div_ceil(channels.max(1)).max(1));
            let bordered = bordered(window, x).and_then(|size| size.checked_mul(copies));
            depth.is_some_and(|depth| are_weights(weights, packed, outputs, depth))
                && is_window(window)
                && room.take(bordered)
        }
        Op::Dense(Dense { depth, outputs, weights, .. }) => {
            are_weights(weights, packed, *outputs, *depth)
        }
        Op::Affine(Affine { factor, summand, .. }) => {
            let channels = x.get(1).copied();
            channels == Some(factor.len()) && channels == Some(summand.len())
        }
        Op::MaxPool(window) | Op::AveragePool(window, _) => {
            is_window(window) && room.take(bordered(window, x))
        }
        Op::Resize(Resize { scales, .. }) => {
            scales.iter().all(|scale| scale.is_finite() && *scale > 0.0)
        }
        Op::Pad(_, fill) => !fill.is_nan(),
        Op::Mean(axes, _) => axes.len() <= DEEPEST,
        _ => !packed,
    }
}

fn are_weights(weights: &Weights, packed: bool, outputs: usize, depth: usize) -> bool {
    let all = outputs.checked_mul(depth).filter(|_| outputs > 0 && depth > 0);
    let all = all.map(|all| if packed { 0 } else { all });
    let each = |len: usize| len == 0 || len == outputs;
    match weights {
        Weights::Codes { codes, zero, scale, bias, real_bias } => {
            all == Some(codes.len())
                && (scale.len() == 1 || scale.len() == outputs)
                && each(zero.len())
                && each(bias.len())
                && each(real_bias.len())
        }
        Weights::Reals(reals, bias) => all == Some(reals.len()) && each(bias.len()),
    }
}

fn is_window(window: &Window) -> bool {
    let Window { kernel, strides, dilations, .. } = window;
    [kernel, strides, dilations].into_iter().flatten().all(|&number| number > 0)
}

/// Elements of an image with the border that a window wants.
fn bordered(window: &Window, x: &[usize]) -> Option<usize> {
    let [top, left, bottom, right] = window.pads;
    let &[batch, channels, height, width] = x else { return None };
    let height = height.checked_add(top)?.checked_add(bottom)?;
    count(&[batch, channels, height, width.checked_add(left)?.checked_add(right)?])
}
