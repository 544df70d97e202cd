//! One step of a plan.

use super::memory::{Data, Memory};
use crate::engine::EngineError;
use crate::model::Stage;
use umbra_kernels::{KernelError, Pool};

/// A kernel with the buffers it reads and the one it writes.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) work: Box<dyn Work>,
    /// Buffers.
    pub(super) inputs: Vec<usize>,
    /// Buffer; never one of the inputs.
    pub(super) output: usize,
}

/// What a step does with its buffers.
pub(super) trait Work: std::fmt::Debug {
    /// Reads `from`, writes into `to`.
    fn run(&self, from: &Sources<'_>, to: &mut Data) -> Result<(), EngineError>;
}

/// The inputs of a running step.
#[derive(Debug)]
pub(super) struct Sources<'a> {
    memory: &'a Memory,
    inputs: &'a [usize],
    /// The threads that share the work.
    pub(super) pool: &'a Pool,
}

impl<'a> Sources<'a> {
    pub(super) fn new(memory: &'a Memory, inputs: &'a [usize], pool: &'a Pool) -> Self {
        Self { memory, inputs, pool }
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.inputs.len()
    }

    /// The `at`-th input.
    pub(super) fn data(&self, at: usize) -> Result<&'a Data, EngineError> {
        let buffer = self.inputs.get(at).ok_or_else(|| misfit("an input is missing"))?;
        self.memory.data(*buffer)
    }

    /// The `at`-th input, which holds codes.
    pub(super) fn codes(&self, at: usize) -> Result<&'a [u8], EngineError> {
        match self.data(at)? {
            Data::Codes(codes) => Ok(codes),
            _ => Err(misfit("codes are read where there are none")),
        }
    }

    /// The `at`-th input, which holds reals.
    pub(super) fn reals(&self, at: usize) -> Result<&'a [f32], EngineError> {
        match self.data(at)? {
            Data::Reals(reals) => Ok(reals),
            _ => Err(misfit("reals are read where there are none")),
        }
    }
}

impl Data {
    /// The codes to write.
    pub(super) fn codes_mut(&mut self) -> Result<&mut [u8], EngineError> {
        match self {
            Self::Codes(codes) => Ok(codes),
            _ => Err(misfit("codes are written where there are none")),
        }
    }

    /// The reals to write.
    pub(super) fn reals_mut(&mut self) -> Result<&mut [f32], EngineError> {
        match self {
            Self::Reals(reals) => Ok(reals),
            _ => Err(misfit("reals are written where there are none")),
        }
    }
}

/// A plan that does not fit itself; no file should bring it about.
pub(super) fn misfit(what: &str) -> EngineError {
    EngineError::new(Stage::Run, format!("the plan does not fit: {what}"))
}

/// Elements of a slice that a plan says are there.
pub(super) fn part<T>(slice: &[T], at: usize, len: usize) -> Result<&[T], EngineError> {
    let end = at.checked_add(len);
    let found = end.and_then(|end| slice.get(at..end));
    found.ok_or_else(|| misfit("a buffer is too short"))
}

/// The same, to write.
pub(super) fn part_mut<T>(slice: &mut [T], at: usize, len: usize) -> Result<&mut [T], EngineError> {
    let end = at.checked_add(len);
    let found = end.and_then(|end| slice.get_mut(at..end));
    found.ok_or_else(|| misfit("a buffer is too short"))
}

impl From<KernelError> for EngineError {
    fn from(error: KernelError) -> Self {
        Self::new(Stage::Run, format!("the plan does not fit: {error}"))
    }
}
