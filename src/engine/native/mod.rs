//! The engine of the house: quantised models run on integers, channels last.
//!
//! `front/` reads a file into a fused [`ir::Program`]; `back/` plans its memory, packs
//! its weights and runs it. What the front cannot express is refused by name.

mod back;
mod check;
mod form;
mod front;
mod ir;
mod packed;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

use prost::Message;
use umbra_kernels::Isa;

use super::{Engine, EngineError, LoadOptions, Loaded, Session, Unfused};
use crate::model::{Card, Stage, onnx};

/// Counts changes of what the kernels or the planner compute, or how fast: part of every
/// trial's key beside the release.
const KERNELS: u32 = 3;

/// The engine.
#[derive(Debug)]
pub(super) struct Native;

/// A fused program, not yet planned, and how many threads are to run it.
#[derive(Debug)]
struct Fused(ir::Program, u16);

/// A program that was kept, planned already: one that cannot be planned is none.
#[derive(Debug)]
struct Recalled(back::NativeSession);

impl Engine for Native {
    fn name(&self) -> &'static str {
        front::ENGINE
    }

    fn version(&self) -> String {
        format!("{}+k{KERNELS}", env!("CARGO_PKG_VERSION"))
    }

    fn isa(&self) -> String {
        Isa::best().name().to_owned()
    }

    fn unsupported(&self, card: &Card) -> Vec<String> {
        card.ops.keys().filter(|op| !front::runs(op)).cloned().collect()
    }

    fn convolutions(&self, model: &[u8]) -> Result<(u64, u64), EngineError> {
        Ok(read(model, &LoadOptions::default())?.convolutions())
    }

    fn unfused(&self, model: &[u8]) -> Result<Vec<Unfused>, EngineError> {
        Ok(read(model, &LoadOptions::default())?.unfused)
    }

    fn load(&self, model: &[u8], options: &LoadOptions) -> Result<Box<dyn Loaded>, EngineError> {
        Ok(Box::new(Fused(read(model, options)?, options.threads)))
    }

    fn recall(&self, kept: &[u8], options: &LoadOptions) -> Option<Box<dyn Loaded>> {
        Some(Box::new(Recalled(form::recall(kept, Isa::best())?.on(options.threads))))
    }
}

fn read(model: &[u8], options: &LoadOptions) -> Result<ir::Program, EngineError> {
    let model = onnx::Model::decode(model)
        .map_err(|error| EngineError::new(Stage::Load, format!("no ONNX file: {error}")))?;
    front::read(model, options)
}

impl Loaded for Fused {
    fn optimise(self: Box<Self>) -> Result<Box<dyn Session>, EngineError> {
        Ok(Box::new(back::plan(self.0, Isa::best())?.on(self.1)))
    }

    fn keep(&self) -> Option<Vec<u8>> {
        form::keep(&self.0, Isa::best())
    }
}

impl Loaded for Recalled {
    fn optimise(self: Box<Self>) -> Result<Box<dyn Session>, EngineError> {
        Ok(Box::new(self.0))
    }
}
