//! Raw tensors through an engine, by name: what lets anybody check it from outside.

use std::collections::BTreeMap;

use super::{Engine, EngineError, LoadOptions, Stage};
use crate::model::{Dtype, Tensor, TensorInfo};

/// One inference on named tensors; gives every output of the model by name.
///
/// A symbolic dimension takes the size that the tensor has there. Whole numbers that a
/// tensor library widened (such as `int64` for `int8`) are refused, not cast.
///
/// # Errors
/// [`EngineError`]: an input is missing or unknown, or the engine refused or failed.
pub fn infer(
    engine: &dyn Engine,
    model: &[u8],
    inputs: &BTreeMap<String, Tensor>,
) -> Result<BTreeMap<String, Tensor>, EngineError> {
    let input_shapes = inputs.iter().map(|(name, tensor)| (name.clone(), tensor.shape.clone()));
    let options = LoadOptions { input_shapes: input_shapes.collect(), ..LoadOptions::default() };
    let mut session = engine.load(model, &options)?.optimise()?;
    let ordered = in_order(session.inputs(), inputs)?;
    let values = session.run(&ordered)?;
    let names = session.outputs().iter().map(|output| output.name.clone());
    Ok(names.zip(values).collect())
}

fn in_order(
    wanted: &[TensorInfo],
    given: &BTreeMap<String, Tensor>,
) -> Result<Vec<Tensor>, EngineError> {
    let names: Vec<&str> = wanted.iter().map(|input| input.name.as_str()).collect();
    let refuse = |reason: String| {
        let help = format!("the model takes {}", names.join(", "));
        EngineError::new(Stage::Run, reason).help(help)
    };
    if let Some(name) = given.keys().find(|name| !names.contains(&name.as_str())) {
        return Err(refuse(format!("the model has no input {name}")));
    }
    let one = |input: &TensorInfo| {
        let tensor = given.get(&input.name).cloned();
        tensor.ok_or_else(|| {
            refuse(format!("input {} ({}) is missing", input.name, name_of(input.dtype)))
        })
    };
    wanted.iter().map(one).collect()
}

fn name_of(dtype: Dtype) -> &'static str {
    dtype.name()
}
