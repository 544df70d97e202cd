//! A plan that runs.

use half::{bf16, f16};
use umbra_kernels::Pool;

use super::copy::convert;
use super::memory::{Data, Memory};
use super::nest::Nest;
use super::step::{Step, misfit};
use crate::engine::check::check;
use crate::engine::native::ir::Port;
use crate::engine::{EngineError, Session};
use crate::model::{Dtype, Stage, Tensor, TensorInfo};

/// Codes of int8 tensors are shifted by this.
const SIGN: u8 = 0x80;

/// A port with its buffer. The nest's operands are output and input of the conversion.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) port: Port,
    pub(super) buffer: usize,
    pub(super) nest: Nest<2>,
}

/// A model ready to run.
#[derive(Debug)]
pub(in crate::engine::native) struct NativeSession {
    pub(super) steps: Vec<Step>,
    pub(super) memory: Memory,
    pub(super) entrances: Vec<Door>,
    pub(super) exits: Vec<Door>,
    pub(super) inputs: Vec<TensorInfo>,
    pub(super) outputs: Vec<TensorInfo>,
    pub(super) convolutions: (u64, u64),
    /// Lives as long as the session.
    pub(super) pool: Pool,
}

impl NativeSession {
    /// The same on so many threads, the caller's included.
    pub(in crate::engine::native) fn on(self, threads: u16) -> Self {
        Self { pool: Pool::new(usize::from(threads)), ..self }
    }
}

impl Session for NativeSession {
    fn inputs(&self) -> &[TensorInfo] {
        &self.inputs
    }

    fn outputs(&self) -> &[TensorInfo] {
        &self.outputs
    }

    fn run(&mut self, inputs: &[Tensor]) -> Result<Vec<Tensor>, EngineError> {
        check(inputs, &self.inputs)?;
        for (door, tensor) in self.entrances.iter().zip(inputs) {
            door.enter(&tensor.data, self.memory.data_mut(door.buffer)?)?;
        }
        for step in &self.steps {
            self.memory.run(step, &self.pool)?;
        }
        self.exits.iter().map(|door| door.leave(self.memory.data(door.buffer)?)).collect()
    }

    fn convolutions(&self) -> (u64, u64) {
        self.convolutions
    }
}

impl Door {
    /// Elements of the file's type into the buffer.
    fn enter(&self, bytes: &[u8], to: &mut Data) -> Result<(), EngineError> {
        let nest = &self.nest;
        match (self.port.info.dtype, to) {
            (Dtype::UInt8 | Dtype::Bool, Data::Codes(to)) => convert(nest, bytes, to, |code| code),
            (Dtype::Int8, Data::Codes(to)) => convert(nest, bytes, to, |code| code ^ SIGN),
            (Dtype::Float32, Data::Reals(to)) => read(nest, bytes, to, f32::from_le_bytes),
            (Dtype::Float64, Data::Reals(to)) => {
                read(nest, bytes, to, |b| f64::from_le_bytes(b) as f32)
            }
            (Dtype::Float16, Data::Reals(to)) => {
                read(nest, bytes, to, |b| f16::from_le_bytes(b).to_f32())
            }
            (Dtype::BFloat16, Data::Reals(to)) => {
                read(nest, bytes, to, |b| bf16::from_le_bytes(b).to_f32())
            }
            (Dtype::Int64, Data::Wholes(to)) => read(nest, bytes, to, i64::from_le_bytes),
            (Dtype::Int32, Data::Wholes(to)) => {
                read(nest, bytes, to, |b| i64::from(i32::from_le_bytes(b)))
            }
            (dtype, _) => Err(self.foreign(dtype)),
        }
    }

    /// The buffer's elements as the file's type.
    fn leave(&self, from: &Data) -> Result<Tensor, EngineError> {
        let (nest, dtype) = (&self.nest, self.port.info.dtype);
        let data = match (dtype, from) {
            (Dtype::UInt8, Data::Codes(from)) => write(nest, from, |code| [code]),
            (Dtype::Int8, Data::Codes(from)) => write(nest, from, |code| [code ^ SIGN]),
            (Dtype::Float32, Data::Reals(from)) => write(nest, from, f32::to_le_bytes),
            (Dtype::Float64, Data::Reals(from)) => {
                write(nest, from, |x| f64::from(x).to_le_bytes())
            }
            (Dtype::Float16, Data::Reals(from)) => {
                write(nest, from, |x| f16::from_f32(x).to_le_bytes())
            }
            (Dtype::BFloat16, Data::Reals(from)) => {
                write(nest, from, |x| bf16::from_f32(x).to_le_bytes())
            }
            (Dtype::Int64, Data::Wholes(from)) => write(nest, from, i64::to_le_bytes),
            (Dtype::Int32, Data::Wholes(from)) => write(nest, from, |x| (x as i32).to_le_bytes()),
            (dtype, _) => Err(self.foreign(dtype)),
        }?;
        let dim = |dim: &Option<u64>| dim.and_then(|dim| usize::try_from(dim).ok());
        let shape = self.port.info.shape.iter().map(dim).collect::<Option<Vec<_>>>();
        let shape = shape.ok_or_else(|| misfit("an output of unknown shape"))?;
        Ok(Tensor { dtype, shape, data })
    }

    fn foreign(&self, dtype: Dtype) -> EngineError {
        let reason = format!("{} of type {} is not supported", self.port.info.name, dtype.name());
        EngineError::new(Stage::Run, reason)
    }
}

fn read<const N: usize, T>(
    nest: &Nest<2>,
    bytes: &[u8],
    to: &mut [T],
    element: impl Fn([u8; N]) -> T,
) -> Result<(), EngineError> {
    convert(nest, bytes.as_chunks::<N>().0, to, element)
}

fn write<const N: usize, T: Copy>(
    nest: &Nest<2>,
    from: &[T],
    element: impl Fn(T) -> [u8; N],
) -> Result<Vec<u8>, EngineError> {
    let mut chunks = vec![[0; N]; nest.elements()];
    convert(nest, from, &mut chunks, element)?;
    Ok(chunks.into_flattened())
}
