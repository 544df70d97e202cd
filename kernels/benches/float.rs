//! How much of the processor's multiply-adds the float kernels use, layer by layer:
//! `cargo bench -p umbra-kernels --bench float`.
//!
//! Every layer is timed in turns with a loop of multiply-adds that never leaves the
//! registers; printed is the ratio of the two rates, best of many turns each, so that the
//! machine's load and clock cancel out.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{hint::black_box, time::Instant};

use umbra_kernels::{DepthwiseF32, Geometry, Isa, ProductF32, Run, SLACK, Window};

const NO_CLAMP: (f32, f32) = (f32::NEG_INFINITY, f32::INFINITY);

#[cfg(target_arch = "x86_64")]
mod peak {
    use std::arch::x86_64::{
        __m256, __m512, _mm256_fmadd_ps, _mm256_set1_ps, _mm512_fmadd_ps, _mm512_set1_ps,
    };

    const CHAINS: usize = 12;

    /// Multiply-adds in `turns` turns.
    pub(crate) fn count(turns: usize, lanes: usize) -> f64 {
        (turns * CHAINS * lanes) as f64
    }

    #[target_feature(enable = "avx512f")]
    pub(crate) fn avx512(turns: usize) -> [__m512; CHAINS] {
        let (a, b) = (_mm512_set1_ps(1e-3), _mm512_set1_ps(0.5));
        let mut sums = [b; CHAINS];
        for _ in 0..turns {
            sums.iter_mut().for_each(|sum| *sum = _mm512_fmadd_ps(*sum, a, b));
        }
        sums
    }

    #[target_feature(enable = "avx2,fma")]
    pub(crate) fn avx2(turns: usize) -> [__m256; CHAINS] {
        let (a, b) = (_mm256_set1_ps(1e-3), _mm256_set1_ps(0.5));
        let mut sums = [b; CHAINS];
        for _ in 0..turns {
            sums.iter_mut().for_each(|sum| *sum = _mm256_fmadd_ps(*sum, a, b));
        }
        sums
    }
}

/// Seconds of one call.
fn seconds(call: impl FnOnce()) -> f64 {
    let start = Instant::now();
    call();
    start.elapsed().as_secs_f64()
}

/// The highest rate that any kernel could reach, multiply-adds per second, in one turn.
fn peak(isa: Isa) -> f64 {
    #[cfg(target_arch = "x86_64")]
    const TURNS: usize = 4_000;
    #[cfg(target_arch = "x86_64")]
    match isa {
        Isa::Avx512Vnni => {
            // SAFETY: only available instruction sets are measured.
            let time = seconds(|| _ = black_box(unsafe { peak::avx512(black_box(TURNS)) }));
            return peak::count(TURNS, 16) / time;
        }
        Isa::Avx2 => {
            // SAFETY: the same.
            let time = seconds(|| _ = black_box(unsafe { peak::avx2(black_box(TURNS)) }));
            return peak::count(TURNS, 8) / time;
        }
        _ => {}
    }
    let _ = isa;
    f64::NAN
}

/// Times `layer` in turns with the peak and prints the ratio of the best rates.
fn compare(isa: Isa, name: &str, multiply_adds: usize, mut layer: impl FnMut()) {
    layer();
    let once = seconds(&mut layer).max(1e-7);
    let calls = (2e-4 / once).ceil() as usize;
    let (mut best_peak, mut best) = (0.0_f64, 0.0_f64);
    for _ in 0..150 {
        best_peak = best_peak.max(peak(isa));
        let time = seconds(|| (0..calls).for_each(|_| layer()));
        best = best.max((multiply_adds * calls) as f64 / time);
    }
    println!(
        "{:10} {name:32} {:6.2} us  {:6.2} G/s  {:.2} of the peak",
        isa.name(),
        multiply_adds as f64 / best * 1e6,
        best / 1e9,
        best / best_peak
    );
}

/// A square convolution with a border, channels last.
struct Layer {
    name: &'static str,
    /// Output pixels along one side.
    side: usize,
    kernel: usize,
    stride: usize,
    channels: usize,
    outputs: usize,
}

const LAYERS: [Layer; 9] = [
    Layer {
        name: "1x1 64 -> 64 at 32x32",
        side: 32,
        kernel: 1,
        stride: 1,
        channels: 64,
        outputs: 64,
    },
    Layer {
        name: "1x1 16 -> 96 at 32x32",
        side: 32,
        kernel: 1,
        stride: 1,
        channels: 16,
        outputs: 96,
    },
    Layer {
        name: "1x1 96 -> 24 at 16x16",
        side: 16,
        kernel: 1,
        stride: 1,
        channels: 96,
        outputs: 24,
    },
    Layer {
        name: "1x1 128 -> 128 at 8x8",
        side: 8,
        kernel: 1,
        stride: 1,
        channels: 128,
        outputs: 128,
    },
    Layer {
        name: "3x3 16 -> 16 at 32x32",
        side: 32,
        kernel: 3,
        stride: 1,
        channels: 16,
        outputs: 16,
    },
    Layer { name: "3x3 64 -> 64 at 8x8", side: 8, kernel: 3, stride: 1, channels: 64, outputs: 64 },
    Layer {
        name: "3x3 stem 3 -> 16 at 48x48",
        side: 48,
        kernel: 3,
        stride: 2,
        channels: 3,
        outputs: 16,
    },
    Layer { name: "dense 640 -> 128", side: 1, kernel: 1, stride: 1, channels: 640, outputs: 128 },
    Layer { name: "dense 64 -> 10", side: 1, kernel: 1, stride: 1, channels: 64, outputs: 10 },
];

impl Layer {
    /// Pixels of the input along one side, border included.
    fn across(&self) -> usize {
        (self.side - 1) * self.stride + self.kernel
    }

    fn pixels(&self) -> usize {
        self.side * self.side
    }

    fn origins(&self) -> Vec<u32> {
        let at = |y: usize, x: usize| (y * self.across() + x) * self.stride * self.channels;
        (0..self.pixels()).map(|pixel| at(pixel / self.side, pixel % self.side) as u32).collect()
    }

    fn input(&self) -> Vec<f32> {
        let len = self.across() * self.across() * self.channels + SLACK;
        (0..len).map(|i| (i % 17) as f32 - 8.0).collect()
    }

    fn product(&self, isa: Isa) {
        let row = self.across() * self.channels;
        let run = |y| Run { offset: y * row, len: self.kernel * self.channels };
        let geometry = Geometry {
            origins: self.origins(),
            runs: (0..self.kernel).map(run).collect(),
            places: (0..self.pixels()).map(|pixel| (pixel * self.outputs) as u32).collect(),
        };
        let depth = geometry.depth();
        let weights = vec![0.01; depth * self.outputs];
        let bias = vec![0.5; self.outputs];
        let product =
            ProductF32::new(isa, geometry, self.outputs, &weights, &bias, NO_CLAMP).unwrap();
        let (input, mut output) = (self.input(), vec![0.0; self.pixels() * self.outputs]);
        compare(isa, self.name, self.pixels() * depth * self.outputs, || {
            product.run(black_box(&input), &mut output).unwrap();
        });
    }

    fn depthwise(&self, isa: Isa) {
        let taps: Vec<usize> = (0..self.kernel * self.kernel)
            .map(|tap| (tap / self.kernel * self.across() + tap % self.kernel) * self.channels)
            .collect();
        let channels = self.channels;
        let multiply_adds = self.pixels() * taps.len() * channels;
        let weights = vec![0.01; taps.len() * channels];
        let places = (0..self.pixels()).map(|pixel| (pixel * channels) as u32).collect();
        let window = Window { origins: self.origins(), taps, places, channels };
        let layer =
            DepthwiseF32::new(isa, window, &weights, &vec![0.5; channels], NO_CLAMP).unwrap();
        let (input, mut output) = (self.input(), vec![0.0; self.pixels() * channels]);
        compare(isa, self.name, multiply_adds, || {
            layer.run(black_box(&input), &mut output).unwrap();
        });
    }
}

fn main() {
    let depthwise = [
        Layer {
            name: "depthwise 3x3 64 at 48x48",
            side: 48,
            kernel: 3,
            stride: 1,
            channels: 64,
            outputs: 64,
        },
        Layer {
            name: "depthwise 3x3 64 at 16x16",
            side: 16,
            kernel: 3,
            stride: 1,
            channels: 64,
            outputs: 64,
        },
        Layer {
            name: "depthwise 5x5 24 at 16x16",
            side: 16,
            kernel: 5,
            stride: 2,
            channels: 24,
            outputs: 24,
        },
    ];
    for isa in Isa::available().into_iter().filter(|&isa| isa != Isa::Scalar) {
        LAYERS.iter().for_each(|layer| layer.product(isa));
        depthwise.iter().for_each(|layer| layer.depthwise(isa));
    }
}
