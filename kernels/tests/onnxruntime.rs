//! Equality with ONNX Runtime 1.31, bit for bit, on vectors that it computed
//! (`tests/vectors/make.py`).

#![allow(clippy::unwrap_used)]

use std::collections::HashMap;

use umbra_kernels::{
    Add8, Average8, Isa, Mul8, SLACK, Softmax8, Window, add_codes, average_pool_codes,
    global_average_codes, mul_codes, quantize, sigmoid_f32, softmax_f32, table,
};

/// One line of the file.
struct Case<'a> {
    op: &'a str,
    signed: bool,
    keys: HashMap<&'a str, &'a str>,
    inputs: [&'a str; 2],
    output: &'a str,
}

impl<'a> Case<'a> {
    fn parse(line: &'a str) -> Self {
        let parts: Vec<&str> = line.split('|').map(str::trim).collect();
        let mut words = parts[0].split(' ');
        let (op, signed) = (words.next().unwrap(), words.next() == Some("1"));
        let keys = words.filter_map(|word| word.split_once('=')).collect();
        Self { op, signed, keys, inputs: [parts[1], parts[2]], output: parts[3] }
    }

    fn scale(&self, key: &str) -> f32 {
        f32::from_bits(u32::from_str_radix(self.keys[key], 16).unwrap())
    }

    fn zero(&self, key: &str) -> u8 {
        self.keys[key].parse().unwrap()
    }

    fn size(&self, key: &str) -> usize {
        self.keys[key].parse().unwrap()
    }
}

fn codes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn reals(hex: &str) -> Vec<f32> {
    let bytes = codes(hex);
    bytes.chunks(4).map(|word| f32::from_be_bytes(word.try_into().unwrap())).collect()
}

/// Runs every case of the operator on every instruction set and compares all codes.
fn compare(op: &str, run: impl Fn(Isa, &Case<'_>, &mut [u8])) {
    let text = include_str!("vectors/onnxruntime.txt");
    let cases: Vec<Case<'_>> = text.lines().map(Case::parse).filter(|case| case.op == op).collect();
    assert!(cases.len() >= 20, "{} cases of {op}", cases.len());
    for case in &cases {
        let expected = codes(case.output);
        for isa in Isa::available() {
            let mut output = vec![0; expected.len()];
            run(isa, case, &mut output);
            assert_eq!(output, expected, "{op} on {} with {:?}", isa.name(), case.keys);
        }
    }
}

#[test]
fn adds_codes() {
    compare("QLinearAdd", |isa, case, output| {
        let add = Add8 {
            ratio_a: case.scale("sa") / case.scale("sc"),
            ratio_b: case.scale("sb") / case.scale("sc"),
            zero_a: case.zero("za"),
            zero_b: case.zero("zb"),
            zero_c: case.zero("zc"),
            low: 0,
            high: 255,
            signed: case.signed,
        };
        add_codes(isa, &codes(case.inputs[0]), &codes(case.inputs[1]), add, output).unwrap();
    });
}

#[test]
fn multiplies_codes() {
    compare("QLinearMul", |isa, case, output| {
        let mul = Mul8 {
            ratio: case.scale("sa") * case.scale("sb") / case.scale("sc"),
            zero_a: case.zero("za"),
            zero_b: case.zero("zb"),
            zero_c: case.zero("zc"),
            low: 0,
            high: 255,
            signed: case.signed,
        };
        mul_codes(isa, &codes(case.inputs[0]), &codes(case.inputs[1]), mul, output).unwrap();
    });
}

fn average(case: &Case<'_>) -> Average8 {
    Average8 {
        scale_in: case.scale("sx"),
        zero_in: case.zero("zx"),
        scale_out: case.scale("sy"),
        zero_out: case.zero("zy"),
        low: 0,
        high: 255,
        signed: case.signed,
    }
}

#[test]
fn averages_codes_globally() {
    compare("QLinearGlobalAveragePool", |isa, case, output| {
        let (pixels, channels) = (case.size("pixels"), case.size("channels"));
        let taps = (0..pixels).map(|pixel| pixel * channels).collect();
        let window = Window { origins: vec![0], taps, places: vec![0], channels };
        let mut input = codes(case.inputs[0]);
        input.resize(input.len() + SLACK, 77);
        global_average_codes(isa, &window, average(case), &input, output).unwrap();
    });
}

#[test]
fn averages_codes_in_windows() {
    const SIDE: usize = 5;
    const CHANNELS: usize = 3;
    compare("QLinearAveragePool", |isa, case, output| {
        let (window, pad) = (case.size("window"), case.size("pad"));
        let row = (SIDE + 2 * pad) * CHANNELS;
        let mut input = vec![case.zero("zx"); row * (SIDE + 2 * pad) + SLACK];
        for (y, line) in codes(case.inputs[0]).chunks(SIDE * CHANNELS).enumerate() {
            let at = (y + pad) * row + pad * CHANNELS;
            input[at..at + line.len()].copy_from_slice(line);
        }
        let side = SIDE + 2 * pad + 1 - window;
        let inside = |i: usize| (i..i + window).filter(|i| (pad..pad + SIDE).contains(i)).count();
        let pixels: Vec<(usize, usize)> =
            (0..side * side).map(|pixel| (pixel / side, pixel % side)).collect();
        let full = case.size("include") == 1;
        let count = |&(y, x): &(usize, usize)| {
            (if full { window * window } else { inside(y) * inside(x) }) as u32
        };
        let counts: Vec<u32> = pixels.iter().map(count).collect();
        let geometry = Window {
            origins: pixels.iter().map(|(y, x)| (y * row + x * CHANNELS) as u32).collect(),
            taps: (0..window * window)
                .map(|tap| tap / window * row + tap % window * CHANNELS)
                .collect(),
            places: (0..pixels.len()).map(|pixel| (pixel * CHANNELS) as u32).collect(),
            channels: CHANNELS,
        };
        average_pool_codes(isa, &geometry, &counts, average(case), &input, output).unwrap();
    });
}

#[test]
fn softmax_of_codes() {
    compare("QLinearSoftmax", |_, case, output| {
        let (scale_in, scale_out) = (case.scale("sx"), case.scale("sy"));
        let softmax = Softmax8::new(case.size("row"), scale_in, scale_out, case.zero("zy"));
        softmax.unwrap().run(&codes(case.inputs[0]), output).unwrap();
    });
}

#[test]
fn quantizes() {
    compare("QuantizeLinear", |isa, case, output| {
        let input = reals(case.inputs[0]);
        quantize(isa, &input, case.scale("s"), case.zero("z"), (0, 255), output).unwrap();
    });
}

/// The table of a function: every code dequantised, mapped, quantised.
fn mapped(isa: Isa, case: &Case<'_>, output: &mut [u8], map: impl Fn(&[f32], &mut [f32])) {
    let zero = i32::from(case.zero("zx"));
    let reals: Vec<f32> = (0..256).map(|c| case.scale("sx") * (c - zero) as f32).collect();
    let (mut values, mut entries) = (vec![0.0; 256], [0; 256]);
    map(&reals, &mut values);
    quantize(isa, &values, case.scale("sy"), case.zero("zy"), (0, 255), &mut entries).unwrap();
    table(isa, &codes(case.inputs[0]), &entries, output).unwrap();
}

#[test]
fn sigmoid_and_leaky_relu_are_tables() {
    compare("QLinearSigmoid", |isa, case, output| {
        mapped(isa, case, output, |x, y| sigmoid_f32(isa, x, y).unwrap());
    });
    compare("QLinearLeakyRelu", |isa, case, output| {
        let alpha = case.scale("alpha");
        mapped(isa, case, output, |x, y| {
            y.iter_mut().zip(x).for_each(|(y, &x)| *y = if x >= 0.0 { x } else { alpha * x });
        });
    });
}

#[test]
fn sigmoid_is_equal_and_softmax_close_on_reals() {
    let text = include_str!("vectors/onnxruntime.txt");
    let cases: Vec<Case<'_>> = text.lines().map(Case::parse).collect();
    let case = |op: &str| cases.iter().find(|case| case.op == op).unwrap();
    for isa in Isa::available() {
        let case = case("Sigmoid");
        let mut output = vec![0.0; 300];
        sigmoid_f32(isa, &reals(case.inputs[0]), &mut output).unwrap();
        assert_eq!(output, reals(case.output), "{}", isa.name());
    }
    for isa in Isa::available() {
        let case = case("Softmax");
        let mut output = vec![0.0; 300];
        softmax_f32(isa, &reals(case.inputs[0]), 300, &mut output).unwrap();
        for (own, theirs) in output.iter().zip(reals(case.output)) {
            assert!((own - theirs).abs() <= 1e-6 * theirs, "{own} {theirs} on {}", isa.name());
        }
    }
}
