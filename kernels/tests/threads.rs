//! Calls on a pool write what calls on one thread write.

#![allow(clippy::unwrap_used)]

use umbra_kernels::{
    Depthwise8, DepthwiseF32, Dequantize, Finish, Geometry, Isa, Pool, Product8, ProductF32,
    Requantize, Run, SLACK, Window, average_pool_f32, max_pool_codes,
};

fn codes() -> Finish {
    let multiplier = vec![3e-3];
    Finish::Codes(Requantize { multiplier, zero_point: 100, low: 3, high: 250 })
}

fn reals() -> Finish {
    let multiplier = vec![1e-3];
    Finish::Reals(Dequantize { multiplier, bias: vec![], low: -9.0, high: 9.0 })
}

fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|at| (at * 131 % 251) as u8).collect()
}

fn weights(count: usize) -> Vec<i8> {
    (0..count).map(|at| (at * 37 % 255) as i8).collect()
}

#[test]
fn products_on_a_pool_equal_those_on_one_thread() {
    let pool = Pool::new(3);
    // Places apart, and all in one another's way.
    for step in [24, 1] {
        let pixels = 2_003;
        let places: Vec<u32> = (0..pixels).map(|at| at * step).collect();
        let origins = (0..pixels).map(|at| at * 40).collect();
        let runs = vec![Run { offset: 0, len: 120 }];
        let geometry = Geometry { origins, runs, places };
        let (input, weights) = (bytes(geometry.input_needed()), weights(24 * 120));
        for isa in Isa::available() {
            let new = |finish| {
                Product8::new(isa, geometry.clone(), 24, &weights, &[], &[], 7, finish).unwrap()
            };
            let mut outputs =
                [vec![0; geometry.output_needed(24)], vec![0; geometry.output_needed(24)]];
            new(codes()).run_codes(&input, &mut outputs[0]).unwrap();
            new(codes()).run_codes_on(&pool, &input, &mut outputs[1]).unwrap();
            assert_eq!(outputs[0], outputs[1], "{} {step}", isa.name());
            assert!(outputs[0].iter().any(|&code| code != outputs[0][0]));
            let mut outputs =
                [vec![0.0; geometry.output_needed(24)], vec![0.0; geometry.output_needed(24)]];
            new(reals()).run_reals(&input, &mut outputs[0]).unwrap();
            new(reals()).run_reals_on(&pool, &input, &mut outputs[1]).unwrap();
            assert_eq!(outputs[0], outputs[1], "{} {step}", isa.name());
        }
    }
}

#[test]
fn depthwise_convolutions_on_a_pool_equal_those_on_one_thread() {
    let pool = Pool::new(3);
    let (pixels, channels) = (1_500, 70);
    let origins: Vec<u32> = (0..pixels).map(|at| at * 70).collect();
    let taps = (0..9).map(|tap| tap * channels).collect();
    let window = Window { places: origins.clone(), origins, taps, channels };
    let input = bytes((pixels as usize + 9) * channels + SLACK);
    let weights = weights(9 * channels);
    for isa in Isa::available() {
        let new =
            |finish| Depthwise8::new(isa, window.clone(), &weights, &[], &[], 9, finish).unwrap();
        let mut outputs = [vec![0; 1_500 * 70], vec![0; 1_500 * 70]];
        new(codes()).run_codes(&input, &mut outputs[0]).unwrap();
        new(codes()).run_codes_on(&pool, &input, &mut outputs[1]).unwrap();
        assert_eq!(outputs[0], outputs[1], "{}", isa.name());
        assert!(outputs[0].iter().any(|&code| code != outputs[0][0]));
        let mut outputs = [vec![0.0; 1_500 * 70], vec![0.0; 1_500 * 70]];
        new(reals()).run_reals(&input, &mut outputs[0]).unwrap();
        new(reals()).run_reals_on(&pool, &input, &mut outputs[1]).unwrap();
        assert_eq!(outputs[0], outputs[1], "{}", isa.name());
    }
}

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|at| (at * 131 % 251) as f32 / 100.0 - 1.0).collect()
}

#[test]
fn products_of_reals_on_a_pool_equal_those_on_one_thread() {
    for threads in [2, 3, 5] {
        let pool = Pool::new(threads);
        let origins: Vec<u32> = (0..2_003).map(|at| at * 40).collect();
        let places = (0..2_003).map(|at| at * 24).collect();
        let geometry = Geometry { origins, runs: vec![Run { offset: 0, len: 120 }], places };
        let (input, weights) = (numbers(geometry.input_needed()), numbers(24 * 120));
        for isa in Isa::available() {
            let geometry = geometry.clone();
            let size = geometry.output_needed(24);
            let product =
                ProductF32::new(isa, geometry, 24, &weights, &numbers(24), (-50.0, 50.0)).unwrap();
            let mut outputs = [vec![0.0; size], vec![0.0; size]];
            product.run(&input, &mut outputs[0]).unwrap();
            product.run_on(&pool, &input, &mut outputs[1]).unwrap();
            assert_eq!(outputs[0], outputs[1], "{} {threads}", isa.name());
        }
    }
}

#[test]
fn windows_of_reals_on_a_pool_equal_those_on_one_thread() {
    let pool = Pool::new(3);
    let (pixels, channels) = (3_500, 70);
    let origins: Vec<u32> = (0..pixels).map(|at| at * 70).collect();
    let taps = (0..9).map(|tap| tap * channels).collect();
    let window = Window { places: origins.clone(), origins, taps, channels };
    let input = numbers((pixels as usize + 9) * channels + SLACK);
    let codes = bytes(input.len());
    let (weights, bias) = (numbers(9 * channels), numbers(channels));
    for isa in Isa::available() {
        let size = pixels as usize * channels;
        let mut outputs = [vec![0.0; size], vec![0.0; size]];
        let depthwise =
            DepthwiseF32::new(isa, window.clone(), &weights, &bias, (-9.0, 9.0)).unwrap();
        depthwise.run(&input, &mut outputs[0]).unwrap();
        depthwise.run_on(&pool, &input, &mut outputs[1]).unwrap();
        assert_eq!(outputs[0], outputs[1], "{}", isa.name());
        average_pool_f32(isa, &window, &[9], &input, &mut outputs[0]).unwrap();
        let average = |window: &Window, output: &mut [f32]| {
            average_pool_f32(isa, window, &[9], &input, output)
        };
        window.share(&pool, &mut outputs[1], average).unwrap();
        assert_eq!(outputs[0], outputs[1], "{}", isa.name());
        let mut outputs = [vec![0; size], vec![0; size]];
        max_pool_codes(isa, &window, &codes, &mut outputs[0]).unwrap();
        let maximum =
            |window: &Window, output: &mut [u8]| max_pool_codes(isa, window, &codes, output);
        window.share(&pool, &mut outputs[1], maximum).unwrap();
        assert_eq!(outputs[0], outputs[1], "{}", isa.name());
        // What does not fit is said, whoever notices it.
        assert!(window.share(&pool, &mut outputs[1][1..], maximum).is_err());
    }
}
