//! How near the integer kernels come to the peak of this core: multiply-accumulates per
//! second on typical layers, over those of a loop of dot products that stays in registers.
//! Both are timed in turns and the fastest of many rounds counts; ratios are printed.
//!
//!     cargo bench -p umbra-kernels --bench peak

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use umbra_kernels::{Depthwise8, Finish, Geometry, Isa, Product8, Requantize, Run, SLACK, Window};

const ROUNDS: usize = 60;

fn main() {
    for isa in Isa::available() {
        println!("{}: share of the peak of a loop in registers", isa.name());
        for layer in LAYERS {
            let (macs, mut run) = layer.build(isa);
            let (mut best, mut peak) = (f64::INFINITY, f64::INFINITY);
            let times = (2e7 / macs).max(1.0) as usize;
            for _ in 0..ROUNDS {
                peak = peak.min(seconds(&mut || _ = registers()) / REGISTER_MACS);
                let mut all = || (0..times).for_each(|_| run());
                best = best.min(seconds(&mut all) / (macs * times as f64));
            }
            println!("  {:<28} {:>5.1} %", layer.name, 100.0 * peak / best);
        }
    }
}

fn seconds(work: &mut dyn FnMut()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().max(Duration::from_nanos(1)).as_secs_f64()
}

struct Layer {
    name: &'static str,
    side: usize,
    channels: usize,
    outputs: usize,
    kernel: usize,
    depthwise: bool,
}

const fn layer(
    name: &'static str,
    side: usize,
    channels: usize,
    outputs: usize,
    kernel: usize,
    depthwise: bool,
) -> Layer {
    Layer { name, side, channels, outputs, kernel, depthwise }
}

const LAYERS: &[Layer] = &[
    layer("1x1 64 -> 64 at 32x32", 32, 64, 64, 1, false),
    layer("1x1 16 -> 96 at 56x56", 56, 16, 96, 1, false),
    layer("1x1 128 -> 128 at 8x8", 8, 128, 128, 1, false),
    layer("3x3 16 -> 16 at 32x32", 32, 16, 16, 3, false),
    layer("3x3 64 -> 64 at 8x8", 8, 64, 64, 3, false),
    layer("3x3 3 -> 16 at 32x32", 32, 3, 16, 3, false),
    layer("dense 640 -> 128", 1, 640, 128, 1, false),
    layer("depthwise 3x3 64 at 48x48", 48, 64, 64, 3, true),
    layer("depthwise 3x3 16 at 48x48", 48, 16, 16, 3, true),
    layer("depthwise 5x5 96 at 14x14", 14, 96, 96, 5, true),
];

impl Layer {
    fn build(&self, isa: Isa) -> (f64, Box<dyn FnMut()>) {
        let &Self { side, channels, outputs, kernel, .. } = self;
        let row = (side + kernel - 1) * channels;
        let pixels = || (0..side).flat_map(move |y| (0..side).map(move |x| (y, x)));
        let origins: Vec<u32> = pixels().map(|(y, x)| (y * row + x * channels) as u32).collect();
        let places: Vec<u32> = (0..side * side).map(|at| (at * outputs) as u32).collect();
        let input = vec![3; row * (side + kernel) + SLACK];
        let mut output = vec![0; side * side * outputs];
        let finish = Finish::Codes(Requantize {
            multiplier: vec![1e-4; outputs],
            zero_point: 3,
            low: 0,
            high: 255,
        });
        let bias = vec![5; outputs];
        let spots = (side * side * kernel * kernel * channels) as f64;
        if self.depthwise {
            let taps = (0..kernel).flat_map(|y| (0..kernel).map(move |x| y * row + x * channels));
            let window = Window { origins, taps: taps.collect(), places, channels };
            let weights = vec![2; kernel * kernel * channels];
            let built = Depthwise8::new(isa, window, &weights, &[], &bias, 3, finish).unwrap();
            return (
                spots,
                Box::new(move || built.run_codes(black_box(&input), &mut output).unwrap()),
            );
        }
        let runs = (0..kernel).map(|y| Run { offset: y * row, len: kernel * channels }).collect();
        let geometry = Geometry { origins, runs, places };
        let weights = vec![2; kernel * kernel * channels * outputs];
        let built = Product8::new(isa, geometry, outputs, &weights, &[], &bias, 3, finish).unwrap();
        let macs = spots * outputs as f64;
        (macs, Box::new(move || built.run_codes(black_box(&input), &mut output).unwrap()))
    }
}

const REGISTER_LOOPS: usize = 40_000;

#[cfg(target_arch = "x86_64")]
const REGISTER_MACS: f64 = (REGISTER_LOOPS * 16 * 64) as f64;

#[cfg(target_arch = "x86_64")]
fn registers() -> i32 {
    use std::arch::x86_64::*;

    #[target_feature(enable = "avx512f,avx512vnni")]
    fn dots() -> i32 {
        let mut sums = [_mm512_setzero_si512(); 16];
        let (x, w) = (_mm512_set1_epi8(3), _mm512_set1_epi8(2));
        for _ in 0..REGISTER_LOOPS {
            for sum in &mut sums {
                *sum = _mm512_dpbusd_epi32(*sum, black_box_vector(x), w);
            }
        }
        sums.iter().map(|sum| _mm512_reduce_add_epi32(*sum)).sum()
    }
    #[inline(always)]
    fn black_box_vector(x: __m512i) -> __m512i {
        x
    }
    if Isa::available().contains(&Isa::Avx512Vnni) {
        // SAFETY: the processor has the features.
        return black_box(unsafe { dots() });
    }
    scalar()
}

#[cfg(not(target_arch = "x86_64"))]
const REGISTER_MACS: f64 = (REGISTER_LOOPS * 16) as f64;

#[cfg(not(target_arch = "x86_64"))]
fn registers() -> i32 {
    scalar()
}

/// Where no dot product is at hand: sixteen independent chains.
fn scalar() -> i32 {
    let mut sums = [0_i32; 16];
    for at in 0..REGISTER_LOOPS as i32 {
        for sum in &mut sums {
            *sum = sum.wrapping_add(black_box(at).wrapping_mul(3));
        }
    }
    black_box(sums.iter().sum())
}
