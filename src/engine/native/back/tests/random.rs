//! Small programs at random.

use proptest::prelude::*;

use super::{CODES, Near, agree, other};
use crate::engine::native::back::fixture::{self, Draft};
use crate::engine::native::ir::{Binary, Id, Kind, Op, Program, Window};

/// Appends an operator whose results are exact; its output is among the values from then on.
fn grow(draft: &mut Draft, values: &mut Vec<Id>) {
    let pick = draft.between(0, values.len() - 1);
    let x = values[pick];
    let shape = draft.shape(x);
    let image = shape.len() == 4;
    let to = if draft.between(0, 2) == 0 { other() } else { CODES };
    let y = match draft.between(0, 7) {
        0 | 1 if image && shape[2] < 20 && shape[3] < 20 => convolution(draft, x, &shape, to),
        2 if image => draft.node(Op::Transpose(vec![0, 2, 3, 1]), &[x], &rotated(&shape)),
        3 => {
            let flat = [shape[0], shape.iter().skip(1).product()];
            draft.node(Op::Reshape, &[x], &flat)
        }
        4 if shape.len() == 2 => draft.dense(x, 6, to),
        5 => {
            let axis = shape.len() - 1;
            let pads = (0..shape.len()).map(|at| if at == axis { (1, 2) } else { (0, 0) });
            let mut wider = shape.clone();
            wider[axis] += 3;
            let fill = [119.0, 3.0, 50.0][draft.between(0, 2)];
            draft.node(Op::Pad(pads.collect(), fill), &[x], &wider)
        }
        6 => {
            let axis = draft.between(0, shape.len() - 1);
            let mut wider = shape.clone();
            wider[axis] *= 2;
            draft.node(Op::Concat(axis), &[x, x], &wider)
        }
        _ => {
            let table: [u8; 256] = std::array::from_fn(|code| (code * 7 % 251) as u8);
            draft.node_of(Op::Table(Box::new(table)), &[x], to, &shape)
        }
    };
    values.push(y);
}

fn convolution(draft: &mut Draft, x: Id, shape: &[usize], to: Kind) -> Id {
    let (kernel, pad) = [(1, 0), (3, 1), (2, 1), (3, 2)][draft.between(0, 3)];
    let stride = draft.between(1, 2);
    let pads = if draft.between(0, 1) == 0 { [pad; 4] } else { [0, pad, pad, 2] };
    let window = Window { kernel: [kernel; 2], strides: [stride; 2], dilations: [1, 1], pads };
    let small = shape[2] + pads[0] + pads[2] < kernel || shape[3] + pads[1] + pads[3] < kernel;
    if small {
        return x;
    }
    let channels = shape[1];
    let (outputs, groups) =
        [(5, 1), (16, 1), (channels, channels), (2 * channels, channels)][draft.between(0, 3)];
    draft.conv(x, outputs, groups, window, to)
}

fn rotated(shape: &[usize]) -> Vec<usize> {
    vec![shape[0], shape[2], shape[3], shape[1]]
}

fn program(seed: u64) -> Program {
    let mut draft = fixture::program();
    draft.reseed(seed);
    let [n, c, h, w] = [2, 5, 6, 6].map(|most| draft.between(1, most));
    let x = draft.given(CODES, &[n, c, h, w]);
    let mut values = vec![x];
    for _ in 0..draft.between(1, 9) {
        grow(&mut draft, &mut values);
    }
    let last = values[values.len() - 1];
    let some = draft.between(0, values.len() - 1);
    let some = values[some];
    let _ = Binary::Add;
    draft.outputs(&[last, some])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn plans_compute_what_programs_say(seed in any::<u64>()) {
        let program = program(seed);
        prop_assume!(program.values.iter().all(|value| value.len() < 60_000));
        agree(&program, Near::Exact);
    }
}
