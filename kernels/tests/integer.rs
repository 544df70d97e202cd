//! Every implementation of the integer kernels gives the bits that the definition gives.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use umbra_kernels::{
    Depthwise8, Dequantize, Finish, Geometry, Isa, KernelError, Product8, Requantize, Run, SLACK,
    Window,
};

/// A product with its operands; `depth` of each run, gaps between pixels and channels.
#[derive(Debug, Clone)]
struct Case {
    geometry: Geometry,
    outputs: usize,
    weights: Vec<i8>,
    weight_zero: Vec<i8>,
    bias: Vec<i32>,
    input_zero: u8,
    input: Vec<u8>,
    codes: Requantize,
}

fn codes(multipliers: Vec<f32>, zero_point: u8, range: (u8, u8)) -> Requantize {
    let (low, high) = (range.0.min(range.1), range.0.max(range.1));
    Requantize { multiplier: multipliers, zero_point, low, high }
}

prop_compose! {
    fn sizes()(pixels in 1..30_usize, outputs in 1..=100_usize, runs in prop::collection::vec(1..150_usize, 1..5),
               stride in 1..40_usize, row in 1..31_usize, jump in 0..50_usize,
               moved in prop::collection::vec(0..900_usize, 0..3),
               gap in 0..9_usize, run_gap in 0..20_usize)
        -> (Geometry, usize) {
        let mut offset = 0;
        let runs = runs.into_iter().map(|len| {
            let run = Run { offset, len };
            offset += len + run_gap;
            run
        }).collect();
        // Rows of an image, and now and then a pixel that is out of line.
        let mut origins: Vec<u32> =
            (0..pixels).map(|at| (at * stride + at / row * jump) as u32).collect();
        moved.iter().for_each(|&to| origins[to % pixels] = to as u32);
        let places = (0..pixels).map(|at| (at * (outputs + gap)) as u32).collect();
        (Geometry { origins, runs, places }, outputs)
    }
}

fn case() -> impl Strategy<Value = Case> {
    sizes().prop_flat_map(|(geometry, outputs)| {
        let depth = geometry.depth();
        let input = geometry.input_needed();
        (
            prop_oneof![
                prop::collection::vec(any::<i8>(), depth * outputs),
                // Few of them too large for a byte without their zero points.
                prop::collection::vec(
                    prop_oneof![999 => -60..60_i8, 1 => any::<i8>()],
                    depth * outputs
                )
            ],
            prop_oneof![
                Just(vec![]),
                prop::collection::vec(any::<i8>(), outputs),
                prop::collection::vec(-60..60_i8, outputs)
            ],
            prop_oneof![Just(vec![]), prop::collection::vec(-100_000..100_000_i32, outputs)],
            any::<u8>(),
            prop::collection::vec(any::<u8>(), input),
            prop_oneof![
                prop::collection::vec(1e-6..1e-2_f32, 1),
                prop::collection::vec(1e-6..1e-2_f32, outputs),
                prop::collection::vec(-1e-2..1e-2_f32, outputs),
                // Beyond what 32 bits hold, before clamping.
                prop::collection::vec(1e-2..1e30_f32, outputs)
            ],
            (any::<u8>(), any::<(u8, u8)>()),
        )
            .prop_map(
                move |(weights, weight_zero, bias, input_zero, input, scales, to)| Case {
                    geometry: geometry.clone(),
                    outputs,
                    weights,
                    weight_zero,
                    bias,
                    input_zero,
                    input,
                    codes: codes(scales, to.0, to.1),
                },
            )
    })
}

/// The definition, in 64 bits and in the order of its formula.
fn sums(case: &Case) -> Vec<Vec<i64>> {
    let at = |list: &[i8], n: usize| list.get(n).map_or(0, |&value| i64::from(value));
    let depth = case.geometry.depth();
    let pixel = |&origin: &u32| {
        let runs = case.geometry.runs.iter();
        let x: Vec<i64> = runs
            .flat_map(|run| run.offset..run.offset + run.len)
            .map(|k| i64::from(case.input[origin as usize + k]) - i64::from(case.input_zero))
            .collect();
        let sum = |n: usize| -> i64 {
            let row = &case.weights[n * depth..(n + 1) * depth];
            let bias = case.bias.get(n).map_or(0, |&bias| i64::from(bias));
            let zero = at(&case.weight_zero, n);
            bias + x.iter().zip(row).map(|(x, &w)| x * (i64::from(w) - zero)).sum::<i64>()
        };
        (0..case.outputs).map(sum).collect()
    };
    case.geometry.origins.iter().map(pixel).collect()
}

fn code(sum: i64, n: usize, to: &Requantize) -> u8 {
    let scale = if to.multiplier.len() == 1 { to.multiplier[0] } else { to.multiplier[n] };
    let rounded = (sum as f32 * scale).round_ties_even() as f64 + f64::from(to.zero_point);
    rounded.clamp(f64::from(to.low), f64::from(to.high)) as u8
}

fn product(isa: Isa, case: &Case, finish: Finish) -> Product8 {
    let Case { geometry, outputs, weights, weight_zero, bias, input_zero, .. } = case;
    Product8::new(isa, geometry.clone(), *outputs, weights, weight_zero, bias, *input_zero, finish)
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn products_are_what_the_definition_says(case in case()) {
        let sums = sums(&case);
        for isa in Isa::available() {
            let built = product(isa, &case, Finish::Codes(case.codes.clone()));
            let mut output = vec![7; case.geometry.output_needed(case.outputs)];
            built.run_codes(&case.input, &mut output).unwrap();
            let mut expected = vec![7; output.len()];
            for (row, &place) in sums.iter().zip(&case.geometry.places) {
                for (n, &sum) in row.iter().enumerate() {
                    expected[place as usize + n] = code(sum, n, &case.codes);
                }
            }
            prop_assert_eq!(output, expected, "{}", isa.name());
        }
    }

    #[test]
    fn products_in_reals_are_what_the_definition_says(case in case()) {
        let sums = sums(&case);
        let bias: Vec<f32> = (0..case.outputs).map(|n| n as f32 - 3.5).collect();
        let to = Dequantize { multiplier: vec![0.01], bias, low: -900.0, high: 900.0 };
        for isa in Isa::available() {
            let built = product(isa, &case, Finish::Reals(to.clone()));
            let mut output = vec![f32::MAX; case.geometry.output_needed(case.outputs)];
            built.run_reals(&case.input, &mut output).unwrap();
            for (row, &place) in sums.iter().zip(&case.geometry.places) {
                for (n, &sum) in row.iter().enumerate() {
                    let real = (sum as f32 * 0.01 + to.bias[n]).clamp(-900.0, 900.0);
                    prop_assert_eq!(output[place as usize + n], real, "{}", isa.name());
                }
            }
        }
    }

    #[test]
    fn depthwise_convolutions_are_what_the_definition_says(
        pixels in 1..24_usize,
        channels in prop_oneof![1..33_usize, 1..150_usize],
        count in 1..27_usize,
        seed in any::<u64>(),
        zeros in 0..3_u8,
        to in (any::<u8>(), any::<(u8, u8)>()),
    ) {
        let mut state = seed | 1;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        };
        // Without a gap pixels follow one another.
        let gap = usize::from((next() % 6).saturating_sub(3));
        let (row, jump) = (1 + usize::from(next() % 8), usize::from(next() % 40));
        let origin = |at: usize| at * (channels + gap) + at / row * jump;
        let window = Window {
            origins: (0..pixels).map(|at| origin(at) as u32).collect(),
            taps: (0..count).map(|tap| tap * (channels + 1)).collect(),
            places: (0..pixels).map(|at| (at * (channels + gap)) as u32).collect(),
            channels,
        };
        let reach = origin(pixels - 1) + (count - 1) * (channels + 1) + channels;
        let input: Vec<u8> = (0..reach + SLACK).map(|_| next()).collect();
        let mut weights: Vec<i8> = (0..count * channels).map(|_| next() as i8).collect();
        let mut zero: Vec<i8> = (0..channels).map(|_| next() as i8).collect();
        match zeros {
            0 => zero.clear(),
            // Few weights too large for a byte without their zero points.
            1 => {
                zero.iter_mut().for_each(|zero| *zero /= 2);
                weights.iter_mut().skip(1).for_each(|weight| *weight /= 2);
            }
            _ => {}
        }
        let bias: Vec<i32> = (0..channels).map(|_| i32::from(next()) * 50 - 6000).collect();
        let unit = if next() % 4 == 0 { 1e30 } else { 1e-5 };
        let scales = (0..channels).map(|_| f32::from(next()) * unit).collect();
        let (input_zero, codes) = (next(), codes(scales, to.0, to.1));
        let mut expected = vec![7; (pixels - 1) * (channels + gap) + channels];
        for pixel in 0..pixels {
            for c in 0..channels {
                let sum: i64 = (0..count).map(|tap| {
                    let x = input[origin(pixel) + tap * (channels + 1) + c];
                    let zero = zero.get(c).map_or(0, |&zero| i64::from(zero));
                    (i64::from(x) - i64::from(input_zero)) * (i64::from(weights[tap * channels + c]) - zero)
                }).sum();
                let place = pixel * (channels + gap) + c;
                expected[place] = code(sum + i64::from(bias[c]), c, &codes);
            }
        }
        for isa in Isa::available() {
            let built = Depthwise8::new(
                isa, window.clone(), &weights, &zero, &bias, input_zero,
                Finish::Codes(codes.clone()),
            ).unwrap();
            let mut output = vec![7; expected.len()];
            built.run_codes(&input, &mut output).unwrap();
            prop_assert_eq!(&output, &expected, "{}", isa.name());
        }
    }
}

fn small(pixels: usize) -> Geometry {
    let origins: Vec<u32> = (0..pixels as u32).collect();
    Geometry { places: origins.clone(), origins, runs: vec![Run { offset: 0, len: 3 }] }
}

#[test]
fn depthwise_reals_keep_the_order_of_the_channels() {
    for channels in [1, 16, 17, 33, 64, 70] {
        let window = Window { origins: vec![0], taps: vec![0], places: vec![0], channels };
        let to = Dequantize {
            multiplier: vec![0.5],
            bias: (0..channels).map(|c| c as f32).collect(),
            low: f32::NEG_INFINITY,
            high: f32::INFINITY,
        };
        let weights = vec![2; channels];
        let input: Vec<u8> = (0..channels + SLACK).map(|at| at as u8).collect();
        for isa in Isa::available() {
            let finish = Finish::Reals(to.clone());
            let built =
                Depthwise8::new(isa, window.clone(), &weights, &[], &[], 0, finish).unwrap();
            let mut output = vec![0.0; channels];
            built.run_reals(&input, &mut output).unwrap();
            let expected: Vec<f32> = (0..channels).map(|c| 2.0 * c as f32).collect();
            assert_eq!(output, expected, "{} {channels}", isa.name());
        }
    }
}

#[test]
fn what_does_not_fit_is_an_error() {
    let finish = || Finish::Codes(codes(vec![1.0], 0, (0, 255)));
    let new = |weights: &[i8], bias: &[i32], finish| {
        Product8::new(Isa::best(), small(4), 1, weights, &[], bias, 0, finish)
    };
    assert!(matches!(new(&[1; 4], &[], finish()), Err(KernelError::Parameters(_))));
    assert!(matches!(new(&[1; 3], &[1, 2], finish()), Err(KernelError::Parameters(_))));
    let many = Finish::Codes(codes(vec![1.0; 3], 0, (0, 255)));
    assert!(matches!(new(&[1; 3], &[], many), Err(KernelError::Parameters(_))));
    let built = new(&[1; 3], &[], finish()).unwrap();
    let needed = small(4).input_needed();
    let short = built.run_codes(&vec![0; needed - 1], &mut [0; 4]);
    assert_eq!(short, Err(KernelError::Input { needed, given: needed - 1 }));
    let short = built.run_codes(&vec![0; needed], &mut [0; 3]);
    assert_eq!(short, Err(KernelError::Output { needed: 4, given: 3 }));
    assert_eq!(built.run_reals(&vec![0; needed], &mut [0.0; 4]), Err(KernelError::Finish));
    let window = Window { origins: vec![0], taps: vec![usize::MAX], places: vec![0], channels: 1 };
    let built = Depthwise8::new(Isa::best(), window, &[1], &[], &[], 0, finish());
    assert!(matches!(built, Err(KernelError::Parameters(_))));
}

#[test]
fn sums_beyond_32_bits_are_refused_when_built() {
    let finish = || Finish::Codes(codes(vec![1.0], 0, (0, 255)));
    let product = |depth: usize, bias: i32| {
        let runs = vec![Run { offset: 0, len: depth }];
        let geometry = Geometry { origins: vec![0], runs, places: vec![0] };
        let weights = vec![127; depth];
        Product8::new(Isa::best(), geometry, 1, &weights, &[], &[bias], 0, finish())
    };
    assert!(product(66_000, 0).is_ok());
    assert!(matches!(product(66_400, 0), Err(KernelError::Parameters(_))));
    assert!(product(2, i32::MAX - 64_770).is_ok());
    assert!(matches!(product(2, i32::MAX - 64_769), Err(KernelError::Parameters(_))));
    let window = Window { origins: vec![0], taps: vec![0], places: vec![0], channels: 1 };
    let built = Depthwise8::new(Isa::best(), window, &[127], &[], &[i32::MAX], 0, finish());
    assert!(matches!(built, Err(KernelError::Parameters(_))));
}

#[test]
fn the_largest_sums_keep_all_their_bits() {
    let depth = 70_000;
    let runs = vec![Run { offset: 0, len: depth }];
    let geometry = Geometry { origins: vec![0], runs, places: vec![0] };
    let weights: Vec<i8> = [[-128_i8; 70_000], [127; 70_000]].concat();
    let to = Dequantize {
        multiplier: vec![1.0],
        bias: vec![],
        low: f32::NEG_INFINITY,
        high: f32::INFINITY,
    };
    let (zero, input) = ([127, 126], vec![255; depth + SLACK]);
    let bias = [7, i32::MAX - 255 * 70_000];
    for isa in Isa::available() {
        let finish = Finish::Reals(to.clone());
        let built = Product8::new(isa, geometry.clone(), 2, &weights, &zero, &bias, 130, finish);
        // The first output could reach - 70 000 * 255 * 130 and the second stays below.
        assert!(matches!(built, Err(KernelError::Parameters(_))), "{}", isa.name());
        let (weights, bias) = (&weights[depth..], &bias[1..]);
        let finish = Finish::Reals(to.clone());
        let built =
            Product8::new(isa, geometry.clone(), 1, weights, &zero[1..], bias, 0, finish).unwrap();
        let mut output = [0.0];
        built.run_reals(&input, &mut output).unwrap();
        assert_eq!(output[0], i32::MAX as f32, "{}", isa.name());
    }
}
