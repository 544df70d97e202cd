//! Convolutions over images: every implementation gives the bits of the portable one, for
//! the shapes at which tiles, blocks and rows end.

#![allow(clippy::unwrap_used)]

use umbra_kernels::{Depthwise8, Finish, Geometry, Isa, Product8, Requantize, Run, SLACK, Window};

/// A square kernel over an image whose border is there already.
#[derive(Clone, Copy)]
struct Image {
    height: usize,
    width: usize,
    channels: usize,
    kernel: usize,
    stride: usize,
}

impl Image {
    /// Elements of a row of the input.
    fn row(&self) -> usize {
        ((self.width - 1) * self.stride + self.kernel) * self.channels
    }

    fn origins(&self) -> Vec<u32> {
        let pixels = (0..self.height).flat_map(|y| (0..self.width).map(move |x| (y, x)));
        let step = self.channels * self.stride;
        pixels.map(|(y, x)| (y * self.stride * self.row() + x * step) as u32).collect()
    }

    fn places(&self, outputs: usize) -> Vec<u32> {
        (0..self.height * self.width).map(|at| (at * outputs) as u32).collect()
    }

    fn input(&self) -> Vec<u8> {
        let rows = (self.height - 1) * self.stride + self.kernel;
        noise(rows * self.row() + SLACK).map(|byte| byte as u8).collect()
    }
}

/// Bytes of all values, extremes often.
fn noise(count: usize) -> impl Iterator<Item = i8> {
    let mut state = count as u32 ^ 0x9e37_79b9;
    (0..count).map(move |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        match state >> 29 {
            0 => -128,
            1 => 127,
            _ => (state >> 16) as i8,
        }
    })
}

fn finish(count: usize) -> Finish {
    let multiplier = (0..count).map(|n| 1e-4 + n as f32 * 3e-5).collect();
    Finish::Codes(Requantize { multiplier, zero_point: 131, low: 5, high: 240 })
}

fn products_agree(image: Image, outputs: usize, weight_zero: bool) {
    let Image { channels, kernel, .. } = image;
    let run = |y: usize| Run { offset: y * image.row(), len: kernel * channels };
    let geometry = Geometry {
        origins: image.origins(),
        runs: (0..kernel).map(run).collect(),
        places: image.places(outputs),
    };
    let weights: Vec<i8> = noise(geometry.depth() * outputs).collect();
    let zero: Vec<i8> = if weight_zero { noise(outputs).collect() } else { vec![] };
    let bias: Vec<i32> = noise(outputs).map(|bias| i32::from(bias) * 30).collect();
    let (input, needed) = (image.input(), geometry.output_needed(outputs));
    let run = |isa| {
        let geometry = geometry.clone();
        let built =
            Product8::new(isa, geometry, outputs, &weights, &zero, &bias, 77, finish(outputs));
        let mut output = vec![0; needed];
        built.unwrap().run_codes(&input, &mut output).unwrap();
        output
    };
    let expected = run(Isa::Scalar);
    for isa in Isa::available() {
        assert_eq!(run(isa), expected, "{} {outputs} outputs", isa.name());
    }
}

fn depthwise_agrees(image: Image, weight_zero: bool) {
    let Image { channels, kernel, .. } = image;
    let taps = (0..kernel).flat_map(|y| (0..kernel).map(move |x| (y, x)));
    let window = Window {
        origins: image.origins(),
        taps: taps.map(|(y, x)| y * image.row() + x * channels).collect(),
        places: image.places(channels),
        channels,
    };
    let weights: Vec<i8> = noise(kernel * kernel * channels).collect();
    let zero: Vec<i8> = if weight_zero { noise(channels).collect() } else { vec![] };
    let bias: Vec<i32> = noise(channels).map(|bias| i32::from(bias) * 9).collect();
    let (input, needed) = (image.input(), image.height * image.width * channels);
    let run = |isa| {
        let window = window.clone();
        let built = Depthwise8::new(isa, window, &weights, &zero, &bias, 77, finish(channels));
        let mut output = vec![0; needed];
        built.unwrap().run_codes(&input, &mut output).unwrap();
        output
    };
    let expected = run(Isa::Scalar);
    for isa in Isa::available() {
        assert_eq!(run(isa), expected, "{} {channels} channels", isa.name());
    }
}

#[test]
fn products_agree_where_blocks_of_outputs_end() {
    for outputs in [1, 2, 15, 16, 17, 31, 32, 33, 48, 49, 63, 64, 65, 80, 81, 96, 97, 100] {
        for width in [1, 5, 13] {
            let image = Image { height: 2, width, channels: 11, kernel: 1, stride: 1 };
            products_agree(image, outputs, outputs % 2 == 0);
        }
    }
}

#[test]
fn products_agree_where_tiles_of_pixels_end() {
    for width in 1..40 {
        for outputs in [8, 24, 40, 64] {
            let image = Image { height: 1, width, channels: 6, kernel: 1, stride: 1 };
            products_agree(image, outputs, width % 3 == 0);
        }
    }
}

#[test]
fn products_agree_over_images() {
    for (channels, outputs) in [(1, 16), (3, 8), (3, 16), (3, 32), (8, 24), (16, 16), (40, 70)] {
        for (kernel, stride) in [(1, 2), (3, 1), (3, 2), (5, 1), (10, 2)] {
            let image = Image { height: 3, width: 14, channels, kernel, stride };
            products_agree(image, outputs, kernel == 5);
        }
    }
}

#[test]
fn depthwise_convolutions_agree_over_images() {
    for channels in [1, 3, 8, 15, 16, 17, 24, 32, 33, 48, 64, 65, 96, 130] {
        for (kernel, stride) in [(1, 1), (2, 2), (3, 1), (3, 2), (4, 1), (5, 1), (5, 2), (7, 1)] {
            let image = Image { height: 3, width: 9, channels, kernel, stride };
            depthwise_agrees(image, false);
            depthwise_agrees(image, true);
        }
    }
}
