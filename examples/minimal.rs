//! Loads one ONNX file with the first engine of the house that runs it, and runs it once on
//! zeros: the smallest program of the same engines, built with the same profile, that the size of
//! `umbra` is compared with (`scripts/size.sh`).

#![allow(clippy::print_stdout)]

use umbra::engine::{self, LoadOptions, Session};
use umbra::model::{Tensor, TensorInfo};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).unwrap_or_default();
    let mut session = session(&std::fs::read(path)?).ok_or("no engine runs it")?;
    let inputs: Vec<Tensor> = session.inputs().iter().map(zeros).collect();
    println!("{:?}", session.run(&inputs)?.first());
    Ok(())
}

fn session(model: &[u8]) -> Option<Box<dyn Session>> {
    engine::available().into_iter().find_map(|engine| {
        engine.load(model, &LoadOptions::default()).and_then(|loaded| loaded.optimise()).ok()
    })
}

fn zeros(info: &TensorInfo) -> Tensor {
    let shape: Vec<usize> = info.shape.iter().map(|dim| dim.unwrap_or(1) as usize).collect();
    let bytes = shape.iter().product::<usize>() * info.dtype.size().unwrap_or(0);
    Tensor { dtype: info.dtype, shape, data: vec![0; bytes] }
}
