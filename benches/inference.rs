//! Some number of inferences of one model on one engine, for counting the instructions that
//! one takes where times mean nothing: under an emulator. `inference.sh` beside this does it.
//!
//!     inference ENGINE MODEL TIMES

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use umbra::engine::{self, LoadOptions};
use umbra::model::{Tensor, TensorInfo};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let [name, path, times] = words.as_slice() else {
        return println!("NOT RUN: wants an engine, a model and how often to run it");
    };
    let engines = engine::available();
    let engine = engines.iter().find(|engine| engine.name() == name).unwrap();
    let model = std::fs::read(path).unwrap();
    let loaded = engine.load(&model, &LoadOptions::default()).unwrap();
    let mut session = loaded.optimise().unwrap();
    let inputs: Vec<Tensor> = session.inputs().iter().map(filled).collect();
    for _ in 0..times.parse().unwrap() {
        session.run(&inputs).unwrap();
    }
    println!("{} {}", engine.name(), engine.isa());
}

/// An input with some of every byte, floats small.
fn filled(info: &TensorInfo) -> Tensor {
    let shape: Vec<usize> = info.shape.iter().map(|dim| dim.unwrap_or(1) as usize).collect();
    let count = shape.iter().product::<usize>();
    let data = match info.dtype.size() {
        Some(4) => (0..count).flat_map(|at| (at as f32 % 97.0 / 97.0).to_le_bytes()).collect(),
        size => (0..count * size.unwrap_or(1)).map(|at| (at * 37 % 251) as u8).collect(),
    };
    Tensor { dtype: info.dtype, shape, data }
}
