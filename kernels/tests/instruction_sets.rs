//! Every instruction set against the scalar reference or the definition: codes equal,
//! sums of products within 1e-5 of the sum of their magnitudes.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use umbra_kernels::{
    Add8, Affine8, Arithmetic, Average8, Between, Bilinear, DepthwiseF32, Geometry, Isa,
    KernelError, Mul8, ProductF32, Run, SLACK, Scale8, Sum8, Window, add_codes, add_reals,
    arg_max_codes, arithmetic_f32, average_pool_codes, average_pool_f32, clamp_f32, dequantize,
    global_average_codes, max_pool_codes, max_pool_f32, mul_codes, quantize, sigmoid_f32,
    softmax_f32, table,
};

const NO_CLAMP: (f32, f32) = (f32::NEG_INFINITY, f32::INFINITY);

/// Reproducible values in -1..1 and codes, without a generator per element.
fn noise(seed: u32, len: usize) -> Vec<f32> {
    bits(seed, len).map(|bits| bits as f32 / 2_147_483_648.0 - 1.0).collect()
}

fn code_noise(seed: u32, len: usize) -> Vec<u8> {
    bits(seed, len).map(|bits| (bits >> 24) as u8).collect()
}

fn bits(seed: u32, len: usize) -> impl Iterator<Item = u32> {
    let mut state = seed | 1;
    (0..len).map(move |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    })
}

/// A k x k convolution over an image of channels-last pixels, without padding.
#[derive(Debug, Clone)]
struct Shape {
    side: usize,
    kernel: usize,
    stride: usize,
    channels: usize,
    outputs: usize,
    /// Channels of other tensors between the output's pixels.
    gap: usize,
    seed: u32,
}

fn shapes() -> impl Strategy<Value = Shape> {
    (5_usize..15, 1_usize..6, 1_usize..3, 1_usize..40, 1_usize..140, 0_usize..5, any::<u32>())
        .prop_map(|(side, kernel, stride, channels, outputs, gap, seed)| Shape {
            side,
            kernel,
            stride,
            channels,
            outputs,
            gap,
            seed,
        })
}

impl Shape {
    fn across(&self) -> usize {
        (self.side - self.kernel) / self.stride + 1
    }

    fn origins(&self) -> Vec<u32> {
        let pixels = (0..self.across()).flat_map(|y| (0..self.across()).map(move |x| (y, x)));
        let at = |(y, x)| (y * self.side + x) * self.stride * self.channels;
        pixels.map(|pixel| at(pixel) as u32).collect()
    }

    fn places(&self, channels: usize) -> Vec<u32> {
        let pixels = self.across() * self.across();
        (0..pixels).map(|pixel| (pixel * (channels + self.gap)) as u32).collect()
    }

    fn input_len(&self) -> usize {
        self.side * self.side * self.channels + SLACK
    }

    fn geometry(&self) -> Geometry {
        let run =
            |y| Run { offset: y * self.side * self.channels, len: self.kernel * self.channels };
        let runs = (0..self.kernel).map(run).collect();
        Geometry { origins: self.origins(), runs, places: self.places(self.outputs) }
    }

    fn window(&self) -> Window {
        let taps = (0..self.kernel * self.kernel)
            .map(|tap| (tap / self.kernel * self.side + tap % self.kernel) * self.channels)
            .collect();
        let (channels, places) = (self.channels, self.places(self.channels));
        Window { origins: self.origins(), taps, places, channels }
    }

    fn output_len(&self, channels: usize) -> usize {
        self.across() * self.across() * (channels + self.gap)
    }
}

/// What a product is by definition, and the sum of its absolute products.
fn product_by_definition(
    geometry: &Geometry,
    outputs: usize,
    input: &[f32],
    weights: &[f32],
    bias: &[f32],
) -> Vec<(f32, f32)> {
    let steps: Vec<usize> =
        geometry.runs.iter().flat_map(|run| run.offset..run.offset + run.len).collect();
    let sum = |(origin, n): (usize, usize)| {
        let row = &weights[n * steps.len()..(n + 1) * steps.len()];
        let products = steps.iter().zip(row).map(|(step, &weight)| input[origin + step] * weight);
        definite(bias[n], products)
    };
    let origins = geometry.origins.iter().map(|&origin| origin as usize);
    origins.flat_map(|origin| (0..outputs).map(move |n| (origin, n))).map(sum).collect()
}

/// The same for a depthwise convolution.
fn depthwise_by_definition(
    window: &Window,
    input: &[f32],
    weights: &[f32],
    bias: &[f32],
) -> Vec<(f32, f32)> {
    let sum = |(origin, c): (usize, usize)| {
        let weight = |t: usize| weights[t * window.channels + c];
        let taps = window.taps.iter().enumerate();
        definite(bias[c], taps.map(|(t, tap)| input[origin + tap + c] * weight(t)))
    };
    let origins = window.origins.iter().map(|&origin| origin as usize);
    origins.flat_map(|origin| (0..window.channels).map(move |c| (origin, c))).map(sum).collect()
}

fn definite(bias: f32, products: impl Iterator<Item = f32>) -> (f32, f32) {
    let start = (f64::from(bias), f64::from(bias.abs()));
    let (sum, size) = products.fold(start, |(sum, size), product| {
        (sum + f64::from(product), size + f64::from(product.abs()))
    });
    (sum as f32, size as f32)
}

/// Compares a layer with its definition, clamped or not; gaps between pixels stay untouched.
fn check_layer(
    shape: &Shape,
    channels: usize,
    expected: &[(f32, f32)],
    run: impl Fn(Isa, (f32, f32), &mut [f32]),
) -> Result<(), TestCaseError> {
    for (isa, clamp) in
        Isa::available().into_iter().flat_map(|isa| [(isa, NO_CLAMP), (isa, (0.0, 0.5))])
    {
        let mut output = vec![9.5; shape.output_len(channels)];
        run(isa, clamp, &mut output);
        let pixels = output.chunks(channels + shape.gap).zip(expected.chunks(channels));
        for (pixel, expected) in pixels {
            for (value, &(sum, size)) in pixel.iter().zip(expected) {
                let error = (value - sum.clamp(clamp.0, clamp.1)).abs();
                prop_assert!(error <= 1e-5 * size, "{}: {value} for {sum}", isa.name());
            }
            prop_assert!(pixel[channels..].iter().all(|&gap| gap == 9.5));
        }
    }
    Ok(())
}

/// Equal within a millionth.
fn close(isa: Isa, values: &[f32], expected: &[f32]) -> Result<(), TestCaseError> {
    for (i, (value, expected)) in values.iter().zip(expected).enumerate() {
        let near = value == expected || (value - expected).abs() <= 1e-6 * expected.abs();
        prop_assert!(near, "{}: {value} for {expected} at {i}", isa.name());
    }
    Ok(())
}

/// Runs `kernel` on all instruction sets and compares with the scalar result.
fn same_codes(
    len: usize,
    kernel: impl Fn(Isa, &mut [u8]) -> Result<(), KernelError>,
) -> Result<(), TestCaseError> {
    let mut expected = vec![99; len];
    kernel(Isa::Scalar, &mut expected).unwrap();
    for isa in Isa::available() {
        let mut output = vec![99; len];
        kernel(isa, &mut output).unwrap();
        prop_assert_eq!(&output, &expected, "{}", isa.name());
    }
    Ok(())
}

fn same_reals(
    len: usize,
    kernel: impl Fn(Isa, &mut [f32]) -> Result<(), KernelError>,
) -> Result<(), TestCaseError> {
    let mut expected = vec![9.5; len];
    kernel(Isa::Scalar, &mut expected).unwrap();
    for isa in Isa::available() {
        let mut output = vec![9.5; len];
        kernel(isa, &mut output).unwrap();
        close(isa, &output, &expected)?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn products_agree(shape in shapes()) {
        let geometry = shape.geometry();
        let depth = geometry.depth();
        let input = noise(shape.seed, shape.input_len());
        let weights = noise(shape.seed ^ 0x55, depth * shape.outputs);
        let bias = noise(shape.seed ^ 0x77, shape.outputs);
        let expected =
            product_by_definition(&geometry, shape.outputs, &input, &weights, &bias);
        check_layer(&shape, shape.outputs, &expected, |isa, clamp, output| {
            let geometry = geometry.clone();
            let product = ProductF32::new(isa, geometry, shape.outputs, &weights, &bias, clamp);
            product.unwrap().run(&input, output).unwrap();
        })?;
    }

    #[test]
    fn depthwise_convolutions_agree(shape in shapes()) {
        let window = shape.window();
        let input = noise(shape.seed, shape.input_len());
        let weights = noise(shape.seed ^ 0x55, window.taps.len() * shape.channels);
        let bias = noise(shape.seed ^ 0x77, shape.channels);
        let expected = depthwise_by_definition(&window, &input, &weights, &bias);
        check_layer(&shape, shape.channels, &expected, |isa, clamp, output| {
            let layer = DepthwiseF32::new(isa, window.clone(), &weights, &bias, clamp);
            layer.unwrap().run(&input, output).unwrap();
        })?;
    }

    #[test]
    fn pools_agree(shape in shapes(), zero: u8, scales: (u8, u8), signed: bool) {
        let window = shape.window();
        let codes = code_noise(shape.seed, shape.input_len());
        let reals = noise(shape.seed, shape.input_len());
        let len = shape.output_len(shape.channels);
        let average = Average8 {
            scale_in: 0.02 + f32::from(scales.0) * 1e-4,
            zero_in: zero,
            scale_out: 0.01 + f32::from(scales.1) * 1e-4,
            zero_out: 255 - zero,
            low: 3,
            high: 250,
            signed,
        };
        let counts = [window.taps.len() as u32];
        let mut output = vec![0; len];
        max_pool_codes(Isa::Scalar, &window, &codes, &mut output).unwrap();
        for (&origin, &place) in window.origins.iter().zip(&window.places) {
            for c in 0..window.channels {
                let greatest = window.taps.iter().map(|tap| codes[origin as usize + tap + c]).max();
                prop_assert_eq!(Some(output[place as usize + c]), greatest);
            }
        }
        same_codes(len, |isa, out| max_pool_codes(isa, &window, &codes, out))?;
        same_reals(len, |isa, out| max_pool_f32(isa, &window, &reals, out))?;
        same_codes(len, |isa, out| {
            average_pool_codes(isa, &window, &counts, average, &codes, out)
        })?;
        same_codes(len, |isa, out| global_average_codes(isa, &window, average, &codes, out))?;
        same_reals(len, |isa, out| average_pool_f32(isa, &window, &counts, &reals, out))?;
    }

    #[test]
    fn pointwise_codes_agree(seed: u32, rows in 1_usize..9, channels in 1_usize..90, case: u8,
                             zeros: [u8; 3], signed: bool) {
        let len = rows * channels;
        let long = code_noise(seed, len);
        let short = code_noise(seed ^ 9, [1, channels, len][usize::from(case) % 3]);
        let (a, b) = if case & 128 == 0 { (&long, &short) } else { (&short, &long) };
        let (ratio_a, ratio_b) = (0.4 + f32::from(case) * 1e-3, 0.3);
        let [zero_a, zero_b, zero_c] = zeros;
        let add = Add8 { ratio_a, ratio_b, zero_a, zero_b, zero_c, low: 2, high: 253, signed };
        let mul = Mul8 { ratio: 0.01, zero_a, zero_b, zero_c, low: 2, high: 253, signed };
        same_codes(len, |isa, out| add_codes(isa, a, b, add, out))?;
        let (scale_a, scale_b) = (ratio_a, -ratio_b);
        let sum =
            Sum8 { scale_a, scale_b, scale_c: 0.9, zero_a, zero_b, zero_c, low: 2, high: 253 };
        same_codes(len, |isa, out| add_reals(isa, a, b, sum, out))?;
        same_codes(len, |isa, out| mul_codes(isa, a, b, mul, out))?;
        let entries: [u8; 256] = code_noise(seed ^ 5, 256).try_into().unwrap();
        same_codes(len, |isa, out| table(isa, &long, &entries, out))?;
        let reals = noise(seed, len);
        same_codes(len, |isa, out| quantize(isa, &reals, 0.007, zero_a, (1, 254), out))?;
        same_reals(len, |isa, out| dequantize(isa, &long, 0.007, zero_a, out))?;
    }

    #[test]
    fn arithmetic_agrees(seed: u32, rows in 1_usize..9, channels in 1_usize..90, case: u8) {
        let len = rows * channels;
        let long = noise(seed, len);
        let short = noise(seed ^ 9, [1, channels, len][usize::from(case) % 3]);
        let (a, b) = if case & 128 == 0 { (&long, &short) } else { (&short, &long) };
        use Arithmetic::{Add, Div, Max, Min, Mul, Sub};
        for op in [Add, Sub, Mul, Div, Max, Min] {
            same_reals(len, |isa, out| arithmetic_f32(isa, op, a, b, NO_CLAMP, out))?;
            same_reals(len, |isa, out| arithmetic_f32(isa, op, a, b, (-0.1, 0.6), out))?;
        }
        same_reals(len, |isa, out| clamp_f32(isa, &long, (0.0, 0.5), out))?;
        same_reals(len, |isa, out| sigmoid_f32(isa, &long, out))?;
        same_reals(len, |isa, out| softmax_f32(isa, &long, channels, out))?;
        let short_rows = &long[..len / 4 * 4];
        same_reals(short_rows.len(), |isa, out| {
            softmax_f32(isa, short_rows, [2, 4][usize::from(case) % 2], out)
        })?;
    }
}

#[test]
fn affine_functions_of_codes_are_their_definition() {
    let from = Scale8 { scale: 0.0372, zero: 119 };
    let to = Scale8 { scale: 0.0219, zero: 31 };
    for channels in [1, 3, 8, 48, 300] {
        let input = code_noise(7, channels * 21);
        let (factor, summand) = (noise(5, channels), noise(9, channels));
        let affine = Affine8::new(from, to, &factor, &summand, (31, 250)).unwrap();
        let expected: Vec<u8> = input
            .iter()
            .enumerate()
            .map(|(i, &code)| {
                let real = (f32::from(code) - 119.0) * from.scale;
                let scaled = real * factor[i % channels];
                let moved = scaled + summand[i % channels];
                ((moved / to.scale).round_ties_even() + 31.0).clamp(31.0, 250.0) as u8
            })
            .collect();
        for isa in Isa::available() {
            let mut output = vec![0; input.len()];
            affine.run(isa, &input, &mut output).unwrap();
            assert_eq!(output, expected, "{} with {channels} channels", isa.name());
            assert!(affine.run(isa, &input[1..], &mut output[1..]).is_err() || channels == 1);
        }
    }
    assert!(Affine8::new(from, to, &[], &[], (0, 255)).is_err());
    assert!(Affine8::new(from, to, &[1.0; 2], &[1.0], (0, 255)).is_err());
}

#[test]
fn the_greatest_code_is_found_where_it_is_first_or_last() {
    for count in [1, 2, 21, 32, 33, 200, 256] {
        let step = count + 3;
        // Few different codes, so that many are equal.
        let mut input: Vec<u8> =
            code_noise(3, 40 * step).iter().map(|code| code % 5 * 50).collect();
        input.resize(39 * step + count + SLACK, 255);
        for last in [false, true] {
            let place = |pixel: usize| {
                let codes = &input[pixel * step..pixel * step + count];
                let greatest = codes.iter().max().unwrap();
                let mut places = codes.iter().enumerate().filter(|(_, code)| *code == greatest);
                (if last { places.next_back() } else { places.next() }).unwrap().0 as i64
            };
            let expected: Vec<i64> = (0..40).map(place).collect();
            for isa in Isa::available() {
                let mut output = vec![-1; 40];
                arg_max_codes(isa, &input, (count, step), last, &mut output).unwrap();
                assert_eq!(output, expected, "{} of {count}", isa.name());
                let short = &input[1..];
                assert!(arg_max_codes(isa, short, (count, step), last, &mut output).is_err());
            }
        }
    }
}

#[test]
fn bilinear_pixels_are_their_definition() {
    for channels in [1, 15, 16, 21, 40] {
        let row = 3 * channels;
        let input = noise(11, 4 * row + SLACK);
        let between = |low: usize, high: usize, part: f32| Between { low, high, part };
        let resize = Bilinear {
            channels,
            images: vec![0],
            rows: vec![between(0, row, 0.25), between(2 * row, 3 * row, 0.7)],
            columns: vec![between(0, channels, 0.0), between(channels, 2 * channels, 0.4)],
            places: (0..4).map(|at| (at * (channels + 1)) as u32).collect(),
        };
        let mut expected = vec![9.5; 4 * (channels + 1) - 1];
        for (at, pixel) in expected.chunks_mut(channels + 1).enumerate() {
            let (y, x) = (resize.rows[at / 2], resize.columns[at % 2]);
            for (c, out) in pixel.iter_mut().enumerate().take(channels) {
                let upper = (1.0 - y.part) * (1.0 - x.part) * input[y.low + x.low + c]
                    + (1.0 - y.part) * x.part * input[y.low + x.high + c];
                *out = upper
                    + y.part * (1.0 - x.part) * input[y.high + x.low + c]
                    + y.part * x.part * input[y.high + x.high + c];
            }
        }
        for isa in Isa::available() {
            let mut output = vec![9.5; expected.len()];
            resize.run(isa, &input, &mut output).unwrap();
            assert_eq!(output, expected, "{} with {channels} channels", isa.name());
            assert!(resize.run(isa, &input[row..], &mut output).is_err());
            assert!(resize.run(isa, &input, &mut output[1..]).is_err());
        }
    }
}

#[test]
fn repeats_the_shorter_operand_along_the_last_axis() {
    let (a, b) = ([1.0, 2.0, 3.0, 4.0], [10.0, 20.0]);
    let mut output = [0.0; 4];
    for isa in Isa::available() {
        arithmetic_f32(isa, Arithmetic::Sub, &b, &a, NO_CLAMP, &mut output).unwrap();
        assert_eq!(output, [9.0, 18.0, 7.0, 16.0]);
        arithmetic_f32(isa, Arithmetic::Div, &[8.0], &a, (3.0, 9.0), &mut output).unwrap();
        assert_eq!(output, [8.0, 4.0, 3.0, 3.0]);
    }
}
