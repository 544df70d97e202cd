//! Slices and parameters that do not fit together are errors, on every instruction set.

#![allow(clippy::unwrap_used)]

use umbra_kernels::{
    Arithmetic, DepthwiseF32, Geometry, Isa, KernelError, ProductF32, Run, SLACK, Window,
    arithmetic_f32, average_pool_f32, dequantize, max_pool_codes, max_pool_f32, quantize,
    softmax_f32, table,
};

const NO_CLAMP: (f32, f32) = (f32::NEG_INFINITY, f32::INFINITY);

#[test]
fn refuses_what_does_not_fit() {
    for isa in Isa::available() {
        let geometry = Geometry {
            origins: vec![0, 4],
            runs: vec![Run { offset: 1, len: 3 }],
            places: vec![0, 2],
        };
        let new = |geometry: &Geometry, weights: &[f32], bias: &[f32]| {
            ProductF32::new(isa, geometry.clone(), 2, weights, bias, NO_CLAMP)
        };
        assert!(new(&geometry, &[0.0; 5], &[0.0; 2]).is_err());
        assert!(new(&geometry, &[0.0; 6], &[0.0; 1]).is_err());
        let far = Run { offset: usize::MAX, len: 3 };
        assert!(
            new(&Geometry { runs: vec![far], ..geometry.clone() }, &[0.0; 6], &[0.0; 2]).is_err()
        );
        assert!(
            new(&Geometry { places: vec![0], ..geometry.clone() }, &[0.0; 6], &[0.0; 2]).is_err()
        );
        let product = new(&geometry, &[0.0; 6], &[0.0; 2]).unwrap();
        let (needed, mut output) = (4 + 4 + SLACK, [0.0; 4]);
        let given = needed - 1;
        assert_eq!(
            product.run(&vec![0.0; given], &mut output),
            Err(KernelError::Input { needed, given })
        );
        assert_eq!(
            product.run(&vec![0.0; needed], &mut output[..3]),
            Err(KernelError::Output { needed: 4, given: 3 })
        );
        assert!(product.run(&vec![0.0; needed], &mut output).is_ok());
        refuses_short_windows(isa);
        refuses_unequal_lengths(isa);
    }
}

fn refuses_short_windows(isa: Isa) {
    let window = Window { origins: vec![2], taps: vec![0, 3], places: vec![1], channels: 3 };
    let needed = 2 + 3 + 3 + SLACK;
    let layer = DepthwiseF32::new(isa, window.clone(), &[0.0; 6], &[0.0; 3], NO_CLAMP).unwrap();
    assert!(layer.run(&vec![0.0; needed - 1], &mut [0.0; 4]).is_err());
    assert!(layer.run(&vec![0.0; needed], &mut [0.0; 3]).is_err());
    assert!(layer.run(&vec![0.0; needed], &mut [0.0; 4]).is_ok());
    assert!(max_pool_codes(isa, &window, &vec![0; needed - 1], &mut [0; 4]).is_err());
    assert!(max_pool_f32(isa, &window, &vec![0.0; needed], &mut [0.0; 3]).is_err());
    let counts: &[&[u32]] = &[&[], &[0], &[1, 2]];
    for counts in counts {
        assert!(average_pool_f32(isa, &window, counts, &vec![0.0; needed], &mut [0.0; 4]).is_err());
    }
    let far = Window { taps: vec![usize::MAX], ..window };
    assert!(max_pool_codes(isa, &far, &vec![0; needed], &mut [0; 4]).is_err());
}

fn refuses_unequal_lengths(isa: Isa) {
    assert!(quantize(isa, &[0.0; 3], 1.0, 0, (0, 255), &mut [0; 2]).is_err());
    assert!(dequantize(isa, &[0; 2], 1.0, 0, &mut [0.0; 3]).is_err());
    assert!(table(isa, &[0; 2], &[0; 256], &mut [0; 3]).is_err());
    assert!(
        arithmetic_f32(isa, Arithmetic::Add, &[0.0; 4], &[0.0; 3], (0.0, 1.0), &mut [0.0; 4])
            .is_err()
    );
    assert!(
        arithmetic_f32(isa, Arithmetic::Add, &[], &[0.0; 4], (0.0, 1.0), &mut [0.0; 4]).is_err()
    );
    assert!(softmax_f32(isa, &[0.0; 4], 3, &mut [0.0; 4]).is_err());
    assert!(softmax_f32(isa, &[0.0; 4], 0, &mut [0.0; 4]).is_err());
}
