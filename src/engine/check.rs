//! Whether given tensors are what a session takes, before any engine sees them.

use super::EngineError;
use crate::model::{Stage, Tensor, TensorInfo};

/// Number, types, shapes and sizes of the inputs.
pub(super) fn check(inputs: &[Tensor], wanted: &[TensorInfo]) -> Result<(), EngineError> {
    if inputs.len() != wanted.len() {
        let (given, wanted) = (inputs.len(), wanted.len());
        return Err(fault(format!("{given} inputs given, the model takes {wanted}")));
    }
    inputs.iter().zip(wanted).try_for_each(|(input, info)| one(input, info))
}

fn fault(reason: String) -> EngineError {
    EngineError::new(Stage::Run, reason)
}

fn one(input: &Tensor, info: &TensorInfo) -> Result<(), EngineError> {
    let fits = input.shape.len() == info.shape.len()
        && input.shape.iter().zip(&info.shape).all(|(&dim, wanted)| Some(dim as u64) == *wanted);
    if input.dtype != info.dtype || !fits {
        return Err(fault(format!(
            "input {} is {} {:?}, the model takes {} {:?}",
            info.name,
            input.dtype.name(),
            input.shape,
            info.dtype.name(),
            info.shape.iter().flatten().collect::<Vec<_>>()
        )));
    }
    let size = input.dtype.size().and_then(|size| size.checked_mul(input.len()));
    if size != Some(input.data.len()) {
        return Err(fault(format!("input {} has {} bytes", info.name, input.data.len())));
    }
    Ok(())
}
