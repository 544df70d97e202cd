//! Operators element by element, along axes, and those that move elements.

use super::{CODES, Near, agree, other};
use crate::engine::native::back::fixture;
use crate::engine::native::ir::{Affine, Binary, Kind, Op, Range, Unary, Window};

const UNARY: [Unary; 8] = [
    Unary::Clamp(Range { low: 0.0, high: 0.5 }),
    Unary::Sigmoid,
    Unary::LeakyRelu(0.1),
    Unary::HardSigmoid(0.2, 0.5),
    Unary::HardSwish,
    Unary::Tanh,
    Unary::Exp,
    Unary::Clamp(Range::OPEN),
];

const ONE: Window = Window { kernel: [1, 1], strides: [1, 1], dilations: [1, 1], pads: [0; 4] };
const THREE: Window = Window { kernel: [3, 3], pads: [1; 4], ..ONE };

#[test]
fn functions_of_one_operand() {
    for unary in UNARY {
        let mut draft = fixture::program();
        let x = draft.real(&[2, 3, 5]);
        let y = draft.node(Op::Unary(unary), &[x], &[2, 3, 5]);
        agree(&draft.outputs(&[y]), Near::Exact);
    }
    let mut draft = fixture::program();
    let x = draft.real(&[1, 3, 5, 4]);
    let codes = draft.node_of(Op::Quantize, &[x], CODES, &[1, 3, 5, 4]);
    let table: [u8; 256] = std::array::from_fn(|code| (255 - code / 2) as u8);
    let mapped = draft.node_of(Op::Table(Box::new(table)), &[codes], other(), &[1, 3, 5, 4]);
    let conv = draft.conv(mapped, 4, 1, THREE, CODES);
    let y = draft.node_of(Op::Dequantize, &[conv], Kind::Real, &[1, 4, 5, 4]);
    agree(&draft.outputs(&[y, mapped]), Near::Exact);
}

#[test]
fn factors_and_summands_per_channel() {
    let affine = |draft: &mut fixture::Draft, channels: usize| {
        let (factor, summand) = (draft.small_reals(channels), draft.small_reals(channels));
        Op::Affine(Affine { factor, summand, range: Range { low: 3.0, high: 200.0 } })
    };
    for shape in [&[2, 6, 4, 5][..], &[1, 6, 7], &[3, 6], &[1, 1, 4, 4]] {
        let mut draft = fixture::program();
        let x = draft.given(CODES, shape);
        let op = affine(&mut draft, shape[1]);
        let y = draft.node_of(op, &[x], other(), shape);
        agree(&draft.outputs(&[y]), Near::Exact);
    }
    let mut draft = fixture::program();
    let (x, shape) = (draft.given(CODES, &[1, 3, 6, 6]), [1, 3, 6, 6]);
    let image = draft.conv(x, 3, 1, THREE, CODES);
    let op = affine(&mut draft, 3);
    let scaled = draft.node_of(op, &[image], other(), &shape);
    let conv = draft.conv(scaled, 4, 1, THREE, other());
    let joined = draft.node(Op::Concat(1), &[scaled, conv], &[1, 7, 6, 6]);
    let rows = draft.node(Op::Transpose(vec![1, 0, 2, 3]), &[x], &[3, 1, 6, 6]);
    let op = affine(&mut draft, 1);
    let rows = draft.node_of(op, &[rows], other(), &[3, 1, 6, 6]);
    agree(&draft.outputs(&[joined, rows]), Near::Exact);
}

#[test]
fn operands_broadcast() {
    let shapes: [(&[usize], &[usize]); 9] = [
        (&[2, 3, 4, 5], &[2, 3, 4, 5]),
        (&[2, 3, 4, 5], &[1, 3, 1, 1]),
        (&[1, 3, 1, 1], &[2, 3, 4, 5]),
        (&[2, 3, 4, 5], &[1]),
        (&[2, 3, 4, 5], &[5]),
        (&[2, 3, 4, 5], &[2, 1, 4, 5]),
        (&[2, 3, 1, 5], &[4, 1]),
        (&[2, 3, 4, 5], &[]),
        (&[7], &[7]),
    ];
    for (a, b) in shapes {
        for constant in [false, true] {
            for binary in [Binary::Add, Binary::Mul, Binary::Sub, Binary::Div] {
                let whole: Vec<usize> = (0..a.len().max(b.len()))
                    .rev()
                    .map(|back| {
                        let dim = |s: &[usize]| s.len().checked_sub(back + 1).map_or(1, |at| s[at]);
                        dim(a).max(dim(b))
                    })
                    .collect();
                for kind in [CODES, Kind::Real] {
                    if kind == CODES && matches!(binary, Binary::Sub | Binary::Div) {
                        continue;
                    }
                    let mut draft = fixture::program();
                    let x = draft.given(kind, a);
                    let y = match constant {
                        true => draft.constant(kind, b),
                        false => draft.given(kind, b),
                    };
                    // An image channels last.
                    let x = if a.len() == 4 { draft.conv(x, 3, 1, ONE, kind) } else { x };
                    let to = if kind == CODES { other() } else { kind };
                    let range = draft.range(to);
                    let z = draft.node_of(Op::Binary(binary, range), &[x, y], to, &whole);
                    agree(&draft.outputs(&[z]), Near::Exact);
                }
            }
        }
    }
}

#[test]
fn softmax_and_argmax_over_every_axis() {
    for axis in 0..4 {
        let mut draft = fixture::program();
        let x = draft.real(&[2, 3, 4, 5]);
        let image = draft.conv(x, 3, 1, ONE, Kind::Real);
        let y = draft.node(Op::Softmax(axis), &[image], &[2, 3, 4, 5]);
        let z = draft.node(Op::Softmax(axis), &[x], &[2, 3, 4, 5]);
        agree(&draft.outputs(&[y, z]), Near::Exact);
        for (last, kind) in [(false, Kind::Real), (true, CODES)] {
            let mut draft = fixture::program();
            let x = draft.given(kind, &[2, 3, 4, 5]);
            let image = draft.conv(x, 3, 1, ONE, kind);
            let mut shape = vec![2, 3, 4, 5];
            shape[axis] = 1;
            let y = draft.node_of(Op::ArgMax(axis, last), &[image], Kind::Whole, &shape);
            let z = draft.node_of(Op::ArgMax(axis, last), &[x], Kind::Whole, &shape);
            let real = draft.node_of(Op::Cast, &[z], Kind::Real, &shape);
            agree(&draft.outputs(&[image, y, z, real]), Near::Exact);
        }
    }
}

#[test]
fn products_of_computed_matrices() {
    let shapes: [(&[usize], &[usize], &[usize]); 4] = [
        (&[3, 4], &[4, 5], &[3, 5]),
        (&[2, 3, 4], &[2, 4, 5], &[2, 3, 5]),
        (&[2, 1, 3, 4], &[6, 4, 1], &[2, 6, 3, 1]),
        (&[1, 4], &[4, 5], &[1, 5]),
    ];
    for (a, b, to) in shapes {
        let mut draft = fixture::program();
        let (x, y) = (draft.real(a), draft.real(b));
        let z = draft.node(Op::MatMul, &[x, y], to);
        agree(&draft.outputs(&[z]), Near::Exact);
    }
    let mut draft = fixture::program();
    let (x, y) = (draft.real(&[3, 4]), draft.real(&[5, 4]));
    let turned = draft.node(Op::Transpose(vec![1, 0]), &[y], &[4, 5]);
    let z = draft.node(Op::MatMul, &[x, turned], &[3, 5]);
    agree(&draft.outputs(&[z]), Near::Exact);
}

#[test]
fn products_with_constants_of_any_rank() {
    for kind in [CODES, Kind::Real] {
        for shape in [&[1, 7][..], &[5, 7], &[2, 3, 7], &[2, 1, 3, 7]] {
            let mut draft = fixture::program();
            let x = draft.given(kind, shape);
            let y = draft.dense(x, 9, kind);
            let z = draft.dense(y, 1, Kind::Real);
            agree(&draft.outputs(&[z, y]), Near::Exact);
        }
    }
}

#[test]
fn concatenations_are_written_in_place() {
    for kind in [CODES, Kind::Real] {
        let mut draft = fixture::program();
        let x = draft.given(kind, &[2, 3, 4, 5]);
        let a = draft.conv(x, 6, 1, ONE, kind);
        let b = draft.conv(x, 1, 1, THREE, kind);
        let pool = draft.node(Op::MaxPool(THREE), &[x], &[2, 3, 4, 5]);
        let joined = draft.node(Op::Concat(1), &[a, b, pool], &[2, 10, 4, 5]);
        let y = draft.conv(joined, 4, 1, THREE, kind);
        let more = draft.node(Op::Concat(1), &[y, x], &[2, 7, 4, 5]);
        let z = draft.conv(more, 7, 7, THREE, kind);
        let program = draft.outputs(&[z, joined]);
        agree(&program, Near::Exact);
    }
}

#[test]
fn concatenations_of_heads_and_repeated_operands() {
    let mut draft = fixture::program();
    let x = draft.given(CODES, &[1, 3, 4, 5]);
    let mut heads = Vec::new();
    for (channels, window) in [(6, ONE), (6, Window { strides: [2, 2], ..THREE })] {
        let y = draft.conv(x, channels, 1, window, CODES);
        let shape = draft.shape(y);
        let (height, width) = (shape[2], shape[3]);
        let last = draft.node(Op::Transpose(vec![0, 2, 3, 1]), &[y], &[1, height, width, 6]);
        heads.push(draft.node(Op::Reshape, &[last], &[1, height * width * 2, 3]));
    }
    heads.push(heads[0]);
    let rows = 40 + 12 + 40;
    let joined = draft.node(Op::Concat(1), &heads, &[1, rows, 3]);
    let real = draft.node_of(Op::Dequantize, &[joined], Kind::Real, &[1, rows, 3]);
    let y = draft.node(Op::Softmax(2), &[real], &[1, rows, 3]);
    agree(&draft.outputs(&[y]), Near::Exact);
}

#[test]
fn single_channels_join_along_the_innermost_axis() {
    let mut draft = fixture::program();
    let x = draft.real(&[1, 2, 4, 5]);
    let a = draft.conv(x, 1, 1, ONE, Kind::Real);
    let b = draft.conv(x, 1, 1, ONE, Kind::Real);
    let b = draft.node(Op::Unary(Unary::Tanh), &[b], &[1, 1, 4, 5]);
    let c = draft.node(Op::Binary(Binary::Add, Range::OPEN), &[a, a], &[1, 1, 4, 5]);
    let joined = draft.node(Op::Concat(1), &[b, c], &[1, 2, 4, 5]);
    agree(&draft.outputs(&[joined]), Near::Exact);
}

#[test]
fn elements_are_picked_and_padded() {
    let picks: [&[usize]; 5] = [&[1, 2], &[0, 2], &[3, 1, 1], &[0], &[3, 2, 1, 0]];
    for axis in 1..3 {
        for places in picks {
            let mut draft = fixture::program();
            let x = draft.given(CODES, &[1, 4, 4, 3]);
            let image = draft.conv(x, 4, 1, THREE, CODES);
            let mut shape = vec![1, 4, 4, 3];
            shape[axis] = places.len();
            let picked = draft.node(Op::Select(axis, places.to_vec()), &[image], &shape);
            let y = draft.conv(picked, 4, 1, THREE, CODES);
            let turned = draft.node(Op::Reshape, &[picked], &[shape.iter().product()]);
            agree(&draft.outputs(&[y, turned]), Near::Exact);
        }
    }
    let mut draft = fixture::program();
    let x = draft.given(CODES, &[2, 3]);
    let y = draft.node(Op::Pad(vec![(1, 0), (2, 1)], 9.0), &[x], &[3, 6]);
    agree(&draft.outputs(&[y]), Near::Exact);
}

#[test]
fn inputs_and_constants_may_be_outputs() {
    let mut draft = fixture::program();
    let x = draft.given(CODES, &[2, 3]);
    let unread = draft.real(&[4]);
    let c = draft.constant(Kind::Real, &[2, 2]);
    let y = draft.node(Op::Transpose(vec![1, 0]), &[x], &[3, 2]);
    let _ = unread;
    agree(&draft.outputs(&[x, y, c]), Near::Exact);
}
