//! How fast the pointwise kernels and pools are beside a copy of the same output:
//! `cargo bench -p umbra-kernels --bench pointwise`.
//!
//! Each is timed in turns with the copy; printed are the times of the fastest turns and
//! their ratio. The buffers fit the second-level cache.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{hint::black_box, time::Instant};

use umbra_kernels::{
    Add8, Arithmetic, Average8, Between, Bilinear, Isa, KernelError, Mul8, SLACK, Softmax8,
    Strided, Window, add_codes, arg_max_codes, arithmetic_f32, average_pool_codes, copy_strided,
    dequantize, global_average_codes, max_pool_codes, mul_codes, quantize, sigmoid_f32,
    softmax_f32, table,
};

const SIDE: usize = 32;
const CHANNELS: usize = 32;
const OPEN: (f32, f32) = (f32::NEG_INFINITY, f32::INFINITY);
const LEN: usize = SIDE * SIDE * CHANNELS;

fn seconds(call: &mut impl FnMut() -> Result<(), KernelError>) -> f64 {
    let start = Instant::now();
    call().unwrap();
    start.elapsed().as_secs_f64()
}

/// Times `kernel` in turns with a copy of `bytes`.
fn compare(
    isa: Isa,
    name: &str,
    bytes: usize,
    mut kernel: impl FnMut() -> Result<(), KernelError>,
) {
    let (source, mut target) = (vec![1_u8; bytes], vec![0_u8; bytes]);
    let mut copy = || {
        black_box(&mut target[..]).copy_from_slice(black_box(&source));
        Ok(())
    };
    let (mut best, mut best_copy) = (f64::MAX, f64::MAX);
    for _ in 0..400 {
        best_copy = best_copy.min(seconds(&mut copy));
        best = best.min(seconds(&mut kernel));
    }
    let ratio = best / best_copy;
    println!("{:10} {name:24} {:7.2} us  {ratio:6.1} copies", isa.name(), best * 1e6);
}

fn codes(isa: Isa) {
    let a: Vec<u8> = (0..LEN + SLACK).map(|i| (i * 37 % 251) as u8).collect();
    let (a, b) = (&a[..LEN], &a[7..LEN + 7]);
    let mut out = vec![0_u8; LEN];
    let (ratio_a, ratio_b) = (0.4, 0.7);
    let (zero_a, zero_b, zero_c, low, high) = (3, 128, 77, 0, 255);
    for signed in [false, true] {
        let add = Add8 { ratio_a, ratio_b, zero_a, zero_b, zero_c, low, high, signed };
        compare(isa, "add codes", LEN, || add_codes(isa, a, b, add, &mut out));
    }
    let mul = Mul8 { ratio: 0.01, zero_a, zero_b, zero_c, low, high, signed: false };
    compare(isa, "mul codes", LEN, || mul_codes(isa, a, b, mul, &mut out));
    compare(isa, "mul codes per channel", LEN, || mul_codes(isa, a, &b[..CHANNELS], mul, &mut out));
    let entries: [u8; 256] = std::array::from_fn(|i| (i * 7) as u8);
    compare(isa, "table", LEN, || table(isa, a, &entries, &mut out));
    let softmax = Softmax8::new(1024, 0.05, 1.0 / 256.0, 0).unwrap();
    compare(isa, "softmax of 1024 codes", 1024, || softmax.run(&a[..1024], &mut out[..1024]));
    let mut reals = vec![0.0; LEN];
    compare(isa, "dequantize", 4 * LEN, || dequantize(isa, a, 0.03, 5, &mut reals));
    compare(isa, "quantize", LEN, || quantize(isa, &reals, 0.03, 5, (0, 255), &mut out));
}

fn reals(isa: Isa) {
    let a: Vec<f32> = (0..LEN).map(|i| (i * 37 % 251) as f32 * 0.03 - 3.0).collect();
    let mut out = vec![0.0_f32; LEN];
    compare(isa, "sigmoid", 4 * LEN, || sigmoid_f32(isa, &a, &mut out));
    compare(isa, "softmax rows of 32", 4 * LEN, || softmax_f32(isa, &a, 32, &mut out));
    compare(isa, "add", 4 * LEN, || arithmetic_f32(isa, Arithmetic::Add, &a, &a, OPEN, &mut out));
    compare(isa, "mul per channel", 4 * LEN, || {
        arithmetic_f32(isa, Arithmetic::Mul, &a, &a[..CHANNELS], OPEN, &mut out)
    });
    let from = Strided { offset: 0, strides: vec![1, CHANNELS] };
    let to = Strided { offset: 0, strides: vec![SIDE * SIDE, 1] };
    compare(isa, "transpose", 4 * LEN, || {
        copy_strided(&[CHANNELS, SIDE * SIDE], &a, &from, &mut out, &to)
    });
}

/// To twice the size, channels that fill no whole register.
fn resize(isa: Isa) {
    const ODD: usize = 21;
    let row = SIDE * ODD;
    let input: Vec<f32> = (0..SIDE * row + SLACK).map(|i| (i % 97) as f32).collect();
    let axis = |stride: usize| {
        let low = |at: usize| (at / 2).min(SIDE - 2) * stride;
        let between = |at: usize| Between {
            low: low(at),
            high: low(at) + stride,
            part: (at % 2) as f32 * 0.5,
        };
        (0..2 * SIDE).map(between).collect()
    };
    let places = (0..4 * SIDE * SIDE).map(|at| (at * ODD) as u32).collect();
    let (rows, columns) = (axis(row), axis(ODD));
    let resize = Bilinear { channels: ODD, images: vec![0], rows, columns, places };
    let mut out = vec![0.0; 4 * SIDE * row];
    compare(isa, "bilinear, 21 channels", 16 * SIDE * row, || resize.run(isa, &input, &mut out));
    let codes: Vec<u8> = (0..SIDE * row + SLACK).map(|i| (i * 37 % 251) as u8).collect();
    let mut greatest = vec![0; SIDE * SIDE];
    compare(isa, "greatest of 21 codes", SIDE * row, || {
        arg_max_codes(isa, &codes, (ODD, ODD), false, &mut greatest)
    });
}

fn pools(isa: Isa) {
    let across = SIDE + 2;
    let input = vec![9_u8; across * across * CHANNELS + SLACK];
    let pixels = || (0..SIDE * SIDE).map(|pixel| (pixel / SIDE, pixel % SIDE));
    let window = Window {
        origins: pixels().map(|(y, x)| ((y * across + x) * CHANNELS) as u32).collect(),
        taps: (0..9).map(|tap| (tap / 3 * across + tap % 3) * CHANNELS).collect(),
        places: (0..SIDE * SIDE).map(|pixel| (pixel * CHANNELS) as u32).collect(),
        channels: CHANNELS,
    };
    let image = Window {
        origins: vec![0],
        taps: pixels().map(|(y, x)| (y * across + x) * CHANNELS).collect(),
        places: vec![0],
        channels: CHANNELS,
    };
    let scales = Average8 {
        scale_in: 0.03,
        zero_in: 9,
        scale_out: 0.02,
        zero_out: 3,
        low: 0,
        high: 255,
        signed: false,
    };
    let mut out = vec![0_u8; LEN];
    compare(isa, "max pool 3x3", LEN, || max_pool_codes(isa, &window, &input, &mut out));
    compare(isa, "average pool 3x3", LEN, || {
        average_pool_codes(isa, &window, &[9], scales, &input, &mut out)
    });
    compare(isa, "global average", LEN, || {
        global_average_codes(isa, &image, scales, &input, &mut out)
    });
}

fn main() {
    for isa in Isa::available() {
        codes(isa);
        reals(isa);
        resize(isa);
        pools(isa);
    }
}
