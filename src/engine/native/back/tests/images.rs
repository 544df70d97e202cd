//! Convolutions, pools and resizes.

use super::{CODES, Near, agree, other};
use crate::engine::native::back::fixture;
use crate::engine::native::ir::{Coordinates, Kind, Op, Resize, Rounding, Window};

fn window(kernel: [usize; 2], strides: [usize; 2], pads: [usize; 4]) -> Window {
    Window { kernel, strides, dilations: [1, 1], pads }
}

const KINDS: [(Kind, Kind); 3] = [(CODES, CODES), (CODES, Kind::Real), (Kind::Real, Kind::Real)];

#[test]
fn convolutions_of_any_shape() {
    let windows = [
        window([1, 1], [1, 1], [0; 4]),
        window([3, 3], [1, 1], [1; 4]),
        window([3, 3], [2, 2], [0, 0, 1, 1]),
        window([5, 1], [1, 2], [2, 0, 1, 0]),
        Window { dilations: [2, 3], ..window([3, 2], [1, 1], [2, 3, 2, 0]) },
    ];
    for (from, to) in KINDS {
        for window in windows {
            for (batch, channels, outputs, groups) in
                [(1, 3, 5, 1), (2, 8, 17, 1), (1, 6, 4, 2), (2, 5, 5, 5), (1, 4, 12, 4)]
            {
                let mut draft = fixture::program();
                let x = draft.given(from, &[batch, channels, 7, 6]);
                let y = draft.conv(x, outputs, groups, window, to);
                agree(&draft.outputs(&[y]), Near::Exact);
            }
        }
    }
}

#[test]
fn readers_with_other_pads_share_a_border() {
    for (from, to) in KINDS {
        let mut draft = fixture::program();
        let x = draft.given(from, &[1, 4, 6, 5]);
        let first = draft.conv(x, 4, 1, window([1, 1], [1, 1], [0; 4]), from);
        let wide = draft.conv(first, 3, 1, window([5, 5], [1, 1], [2; 4]), to);
        let small = draft.conv(first, 4, 4, window([3, 3], [1, 1], [1; 4]), to);
        let none = draft.conv(first, 2, 1, window([3, 3], [1, 1], [0; 4]), to);
        agree(&draft.outputs(&[wide, small, none, first]), Near::Exact);
    }
}

#[test]
fn slots_are_reused_and_their_borders_written_again() {
    let mut draft = fixture::program();
    let x = draft.given(CODES, &[1, 4, 9, 9]);
    let mut y = x;
    for (kernel, pad) in [(3, 1), (1, 0), (5, 2), (3, 1), (1, 0), (3, 1)] {
        y = draft.conv(y, 4, 1, window([kernel; 2], [1, 1], [pad; 4]), CODES);
    }
    agree(&draft.outputs(&[y]), Near::Exact);
}

#[test]
fn transposes_around_an_image_cost_no_step() {
    let mut draft = fixture::program();
    let x = draft.given(CODES, &[1, 6, 5, 3]);
    let first = draft.node(Op::Transpose(vec![0, 3, 1, 2]), &[x], &[1, 3, 6, 5]);
    let y = draft.conv(first, 8, 1, window([3, 3], [1, 1], [1; 4]), CODES);
    let last = draft.node(Op::Transpose(vec![0, 2, 3, 1]), &[y], &[1, 6, 5, 8]);
    let program = draft.outputs(&[last]);
    let session = super::plan(program.clone(), umbra_kernels::Isa::Scalar).unwrap();
    // The border and the convolution.
    assert_eq!(session.steps.len(), 2);
    agree(&program, Near::Exact);
}

#[test]
fn a_pad_before_a_convolution_is_its_border() {
    for fill in [119.0, 7.0] {
        let mut draft = fixture::program();
        let x = draft.given(CODES, &[1, 3, 5, 5]);
        let pads = vec![(0, 0), (0, 0), (0, 1), (1, 1)];
        let padded = draft.node(Op::Pad(pads, fill), &[x], &[1, 3, 6, 7]);
        let y = draft.conv(padded, 8, 1, window([3, 3], [2, 2], [1, 0, 0, 0]), CODES);
        let program = draft.outputs(&[y]);
        let steps = super::plan(program.clone(), umbra_kernels::Isa::Scalar).unwrap().steps.len();
        assert_eq!(steps, if fill == 119.0 { 2 } else { 5 });
        agree(&program, Near::Exact);
    }
}

#[test]
fn a_product_reads_a_flattened_image_as_it_lies() {
    for (from, to) in KINDS {
        for (batch, height, width) in [(1, 3, 4), (2, 3, 4), (1, 1, 1)] {
            let mut draft = fixture::program();
            let x = draft.given(from, &[batch, 5, height, width]);
            let image = draft.conv(x, 6, 1, window([1, 1], [1, 1], [0; 4]), from);
            let depth = 6 * height * width;
            let flat = draft.node(Op::Reshape, &[image], &[batch, depth]);
            let y = draft.dense(flat, 10, to);
            let program = draft.outputs(&[y]);
            let steps = super::plan(program.clone(), umbra_kernels::Isa::Scalar).unwrap().steps;
            assert_eq!(steps.len(), 2);
            agree(&program, Near::Exact);
        }
    }
}

#[test]
fn a_flattened_image_that_others_read_too() {
    let mut draft = fixture::program();
    let x = draft.given(CODES, &[2, 5, 3, 4]);
    let image = draft.conv(x, 6, 1, window([3, 3], [1, 1], [1; 4]), CODES);
    let flat = draft.node(Op::Reshape, &[image], &[2, 72]);
    let y = draft.dense(flat, 10, CODES);
    let again = draft.conv(image, 2, 1, window([3, 3], [1, 1], [1; 4]), CODES);
    agree(&draft.outputs(&[y, flat, again]), Near::Exact);
}

#[test]
fn pools() {
    let windows = [
        (window([2, 2], [2, 2], [0; 4]), [3, 3]),
        (window([3, 3], [2, 2], [1; 4]), [4, 3]),
        (window([3, 3], [2, 2], [0, 0, 1, 1]), [3, 3]),
        (window([7, 6], [1, 1], [0; 4]), [1, 1]),
        (Window { dilations: [2, 1], ..window([3, 2], [1, 2], [1, 0, 2, 0]) }, [6, 3]),
    ];
    for kind in [CODES, Kind::Real] {
        for channels in [1, 3, 16] {
            for (window, [height, width]) in windows {
                let mut draft = fixture::program();
                let x = draft.given(kind, &[2, channels, 7, 6]);
                let shape = [2, channels, height, width];
                let most = draft.node(Op::MaxPool(window), &[x], &shape);
                let mean = draft.node(Op::AveragePool(window, false), &[x], &shape);
                let to = if kind == Kind::Real { kind } else { other() };
                let padded = draft.node_of(Op::AveragePool(window, true), &[x], to, &shape);
                agree(&draft.outputs(&[most]), Near::Exact);
                let mut draft = fixture::program();
                let x = draft.given(kind, &[2, channels, 7, 6]);
                let _ = (mean, padded);
                let mean = draft.node(Op::AveragePool(window, false), &[x], &shape);
                let padded = draft.node_of(Op::AveragePool(window, true), &[x], to, &shape);
                agree(&draft.outputs(&[mean, padded]), Near::OneStep);
            }
        }
    }
}

#[test]
fn global_means() {
    for kind in [CODES, Kind::Real] {
        for (axes, keeps, shape) in [
            (vec![2, 3], true, vec![2, 5, 1, 1]),
            (vec![2, 3], false, vec![2, 5]),
            (vec![1], true, vec![2, 1, 4, 3]),
            (vec![3], false, vec![2, 5, 4]),
            (vec![1, 2, 3], false, vec![2]),
        ] {
            let mut draft = fixture::program();
            let x = draft.given(kind, &[2, 5, 4, 3]);
            let image = draft.conv(x, 5, 1, window([1, 1], [1, 1], [0; 4]), kind);
            let y = draft.node(Op::Mean(axes.clone(), keeps), &[image], &shape);
            let z = draft.node(Op::Mean(axes, keeps), &[x], &shape);
            agree(&draft.outputs(&[y, z]), Near::OneStep);
        }
    }
}

#[test]
fn resizes() {
    use Coordinates::{AlignCorners, Asymmetric, HalfPixel, PytorchHalfPixel};
    for coordinates in [HalfPixel, PytorchHalfPixel, AlignCorners, Asymmetric] {
        for (height, width) in [(8, 6), (2, 9), (1, 1)] {
            let scales = [height as f32 / 4.0, width as f32 / 3.0];
            let rounding =
                [Rounding::PreferFloor, Rounding::PreferCeil, Rounding::Floor, Rounding::Ceil];
            for rounding in rounding {
                let mut draft = fixture::program();
                let x = draft.given(CODES, &[2, 3, 4, 3]);
                let resize = Resize { linear: false, coordinates, rounding, scales };
                let y = draft.node(Op::Resize(resize), &[x], &[2, 3, height, width]);
                agree(&draft.outputs(&[y]), Near::Exact);
            }
            let mut draft = fixture::program();
            let x = draft.real(&[2, 3, 4, 3]);
            let rounding = Rounding::Floor;
            let resize = Resize { linear: true, coordinates, rounding, scales };
            let y = draft.node(Op::Resize(resize), &[x], &[2, 3, height, width]);
            agree(&draft.outputs(&[y]), Near::Exact);
        }
    }
}
