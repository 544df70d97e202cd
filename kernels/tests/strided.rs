//! Copies between layouts.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use umbra_kernels::{Strided, copy_rows, copy_strided};

/// Strides of a dense tensor, last axis innermost.
fn dense(shape: &[usize]) -> Vec<usize> {
    (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect()
}

proptest! {
    #[test]
    fn transposes_every_element(
        shape in prop::collection::vec(1_usize..20, 0..4),
        order: [u8; 4],
        offset in 0_usize..3,
    ) {
        let mut axes: Vec<usize> = (0..shape.len()).collect();
        axes.sort_by_key(|&axis| order[axis]);
        let len: usize = shape.iter().product();
        let input: Vec<u32> = (0..(len + offset) as u32).collect();
        let strides = dense(&shape);
        let permuted: Vec<usize> = axes.iter().map(|&axis| shape[axis]).collect();
        let from =
            Strided { offset, strides: axes.iter().map(|&axis| strides[axis]).collect() };
        let to = Strided { offset: 0, strides: dense(&permuted) };
        let mut output = vec![0; len];
        copy_strided(&permuted, &input, &from, &mut output, &to).unwrap();
        for (position, &value) in output.iter().enumerate() {
            let index = |axis: usize| position / to.strides[axis] % permuted[axis];
            let at: usize = (0..permuted.len()).map(|i| index(i) * from.strides[i]).sum();
            prop_assert_eq!(value as usize, offset + at);
        }
    }
}

#[test]
fn refuses_what_lies_outside() {
    let dense = |offset| Strided { offset, strides: vec![3, 1] };
    let copy = |from: &Strided, to: &Strided, output: &mut [u8]| {
        copy_strided(&[2, 3], &[1_u8; 6], from, output, to)
    };
    assert!(copy(&dense(0), &dense(0), &mut [0; 6]).is_ok());
    assert!(copy(&dense(1), &dense(0), &mut [0; 6]).is_err());
    assert!(copy(&dense(0), &dense(0), &mut [0; 5]).is_err());
    let far = Strided { offset: 0, strides: vec![usize::MAX, 1] };
    assert!(copy(&far, &dense(0), &mut [0; 6]).is_err());
    let fewer = Strided { offset: 0, strides: vec![1] };
    assert!(copy(&fewer, &dense(0), &mut [0; 6]).is_err());
}

#[test]
fn copies_rows_into_a_wider_tensor() {
    let mut output = [0_u8; 8];
    copy_rows(&[1, 2, 3, 4], 2, &mut output[1..], 4, 2, 2).unwrap();
    assert_eq!(output, [0, 1, 2, 0, 0, 3, 4, 0]);
    assert!(copy_rows(&[1, 2, 3], 2, &mut output, 4, 2, 2).is_err());
    assert!(copy_rows(&[1, 2, 3, 4], 2, &mut output[..5], 4, 2, 2).is_err());
    assert!(copy_rows(&[1, 2], usize::MAX, &mut output, 4, 2, 2).is_err());
}
