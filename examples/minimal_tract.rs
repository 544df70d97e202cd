//! Loads one ONNX file with tract alone and runs it once on zeros: what the larger of the two
//! engines weighs by itself (`scripts/size.sh`).

#![allow(clippy::print_stdout)]

use tract_onnx::prelude::*;

fn main() -> TractResult<()> {
    let path = std::env::args().nth(1).unwrap_or_default();
    let model = tract_onnx::onnx().model_for_path(path)?.into_optimized()?;
    let fact = model.input_fact(0)?;
    let shape: TVec<usize> = fact.shape.as_concrete().map(|shape| shape.into()).unwrap_or_default();
    let input = Tensor::zero_dt(fact.datum_type, &shape)?;
    let outputs = model.into_runnable()?.run(tvec!(input.into()))?;
    println!("{:?}", outputs.first());
    Ok(())
}
