//! Stand-in until the room is built: named tensors through an engine.

use std::collections::BTreeMap;

use super::{Engine, EngineError, LoadOptions};
use crate::model::Tensor;

/// Named tensors through an engine.
///
/// # Errors
/// What the engine says.
pub fn infer(
    engine: &dyn Engine,
    model: &[u8],
    inputs: &BTreeMap<String, Tensor>,
) -> Result<BTreeMap<String, Tensor>, EngineError> {
    let mut session = engine.load(model, &LoadOptions::default())?.optimise()?;
    let ordered: Vec<Tensor> = inputs.values().cloned().collect();
    let values = session.run(&ordered)?;
    let names = session.outputs().iter().map(|output| output.name.clone());
    Ok(names.zip(values).collect())
}
