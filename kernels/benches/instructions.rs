//! One layer, some number of times, for counting the instructions it takes where time
//! cannot be measured: under an emulator. `instructions.sh` beside this file does that.
//!
//! ```sh
//! instructions neon "1x1 64 -> 64" 2     # runs it twice, prints its multiply-accumulates
//! instructions                           # lists implementations and layers
//! ```

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use umbra_kernels::{
    Depthwise8, DepthwiseF32, Finish, Geometry, Isa, Product8, ProductF32, Requantize, Run, SLACK,
    Window,
};

struct Layer {
    name: &'static str,
    side: usize,
    channels: usize,
    outputs: usize,
    kernel: usize,
    stride: usize,
    depthwise: bool,
}

const fn layer(name: &'static str, sizes: [usize; 5], depthwise: bool) -> Layer {
    let [side, channels, outputs, kernel, stride] = sizes;
    Layer { name, side, channels, outputs, kernel, stride, depthwise }
}

const LAYERS: &[Layer] = &[
    layer("1x1 64 -> 64", [16, 64, 64, 1, 1], false),
    layer("3x3 16 -> 16", [16, 16, 16, 3, 1], false),
    layer("3x3 stem 3 -> 16", [16, 3, 16, 3, 1], false),
    layer("dense 640 -> 128", [1, 640, 128, 1, 1], false),
    layer("depthwise 3x3 64", [16, 64, 64, 3, 1], true),
    layer("depthwise 3x3 64 by 2", [16, 64, 64, 3, 2], true),
    layer("depthwise 5x5 96", [14, 96, 96, 5, 1], true),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let [isa, name, times] = arguments.as_slice() else {
        Isa::available().iter().for_each(|isa| println!("{}", isa.name()));
        return LAYERS.iter().for_each(|layer| println!("{}", layer.name));
    };
    let (name, real) =
        name.strip_prefix("f32 ").map_or((name.as_str(), false), |rest| (rest, true));
    let isa = *Isa::available().iter().find(|found| found.name() == isa).unwrap();
    let layer = LAYERS.iter().find(|layer| layer.name == name).unwrap();
    let times = times.parse().unwrap();
    println!("{}", if real { layer.run_reals(isa, times) } else { layer.run(isa, times) });
}

impl Layer {
    /// Runs `times` and gives the multiply-accumulates of one time.
    fn run(&self, isa: Isa, times: usize) -> usize {
        let mut state = 1_u32;
        let bias = vec![5; self.outputs];
        let finish = Finish::Codes(Requantize {
            multiplier: vec![1e-4; self.outputs],
            zero_point: 3,
            low: 0,
            high: 255,
        });
        let weights: Vec<i8> = (0..self.weights()).map(|_| weight(&mut state)).collect();
        let input = vec![3; self.needed()];
        let mut output = vec![0; self.side * self.side * self.outputs];
        if self.depthwise {
            let built = Depthwise8::new(isa, self.window(), &weights, &[], &bias, 3, finish);
            let built = built.unwrap();
            (0..times).for_each(|_| built.run_codes(&input, &mut output).unwrap());
        } else {
            let (geometry, outputs) = (self.geometry(), self.outputs);
            let built = Product8::new(isa, geometry, outputs, &weights, &[], &bias, 3, finish);
            let built = built.unwrap();
            (0..times).for_each(|_| built.run_codes(&input, &mut output).unwrap());
        }
        self.side * self.side * self.weights()
    }

    fn run_reals(&self, isa: Isa, times: usize) -> usize {
        let (bias, clamp) = (vec![5.0; self.outputs], (0.0, 6.0));
        let (weights, input) = (vec![0.5; self.weights()], vec![3.0; self.needed()]);
        let mut output = vec![0.0; self.side * self.side * self.outputs];
        if self.depthwise {
            let built = DepthwiseF32::new(isa, self.window(), &weights, &bias, clamp).unwrap();
            (0..times).for_each(|_| built.run(&input, &mut output).unwrap());
        } else {
            let (geometry, outputs) = (self.geometry(), self.outputs);
            let built = ProductF32::new(isa, geometry, outputs, &weights, &bias, clamp).unwrap();
            (0..times).for_each(|_| built.run(&input, &mut output).unwrap());
        }
        self.side * self.side * self.weights()
    }

    fn weights(&self) -> usize {
        let depth = self.kernel * self.kernel * self.channels;
        if self.depthwise { depth } else { depth * self.outputs }
    }

    fn row(&self) -> usize {
        (self.side * self.stride + self.kernel) * self.channels
    }

    fn needed(&self) -> usize {
        self.row() * (self.side * self.stride + self.kernel) + SLACK
    }

    fn origins(&self) -> Vec<u32> {
        let pixel = |at: usize| {
            let (y, x) = (at / self.side, at % self.side);
            (y * self.stride * self.row() + x * self.stride * self.channels) as u32
        };
        (0..self.side * self.side).map(pixel).collect()
    }

    fn places(&self) -> Vec<u32> {
        (0..self.side * self.side).map(|at| (at * self.outputs) as u32).collect()
    }

    fn geometry(&self) -> Geometry {
        let run = |y| Run { offset: y * self.row(), len: self.kernel * self.channels };
        let runs = (0..self.kernel).map(run).collect();
        Geometry { origins: self.origins(), runs, places: self.places() }
    }

    fn window(&self) -> Window {
        let spots = (0..self.kernel).flat_map(|y| (0..self.kernel).map(move |x| (y, x)));
        let taps = spots.map(|(y, x)| y * self.row() + x * self.channels).collect();
        let channels = self.channels;
        Window { origins: self.origins(), taps, places: self.places(), channels }
    }
}

/// About normal with a deviation of 37, as trained weights are whose largest is 127.
fn weight(state: &mut u32) -> i8 {
    let mut next = || {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (*state >> 24) as i32 - 128
    };
    ((next() + next() + next() + next()) / 4).clamp(-127, 127) as i8
}
