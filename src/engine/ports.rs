//! What a session is given, compared with what it takes.

use super::EngineError;
use crate::model::{Stage, Tensor, TensorInfo};

/// Checks number, types, shapes and sizes of a session's inputs.
///
/// # Errors
/// [`EngineError`] of stage [`Stage::Run`], with the input's name.
pub(super) fn check(given: &[Tensor], taken: &[TensorInfo]) -> Result<(), EngineError> {
    if given.len() != taken.len() {
        let (given, taken) = (given.len(), taken.len());
        return Err(fault(format!("{given} inputs given, the model takes {taken}")));
    }
    given.iter().zip(taken).try_for_each(|(tensor, info)| check_one(tensor, info))
}

fn check_one(input: &Tensor, info: &TensorInfo) -> Result<(), EngineError> {
    let shape: Vec<Option<u64>> = input.shape.iter().map(|&dim| Some(dim as u64)).collect();
    if input.dtype != info.dtype || shape != info.shape {
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

fn fault(reason: String) -> EngineError {
    EngineError::new(Stage::Run, reason)
}
