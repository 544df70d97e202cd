//! `infer`: raw tensors through the engine.

use std::path::PathBuf;

use clap::Args;

use crate::engine;
use crate::model::{self, npz};
use crate::ui::call::shown;
use crate::ui::{Answer, Call, Exit, Failure, show};

/// Run raw tensors through a model, by input and output name.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra infer model.onnx --in x.npz --out y.npz")]
pub struct Infer {
    /// Model file.
    file: PathBuf,
    /// Arrays named as the model's inputs.
    #[arg(long = "in", value_name = "NPZ")]
    input: PathBuf,
    /// Where the arrays named as its outputs go.
    #[arg(long = "out", value_name = "NPZ")]
    output: PathBuf,
}

impl Infer {
    pub(crate) fn run(self, call: &mut Call<'_>) -> Answer {
        let bytes = model::open(std::slice::from_ref(&self.file))?
            .first()
            .ok_or_else(|| Failure::input(format!("{} holds no model", self.file.display())))?
            .read()?;
        let engine = call.world.engines.first().ok_or_else(show::no_engine)?;
        let inputs = npz::read_npz(&super::read(&self.input)?)?;
        let outputs = engine::infer(&**engine, &bytes, &inputs)?;
        let packed = npz::write_npz(&outputs)?;
        std::fs::write(&self.output, packed).map_err(|error| {
            let path = self.output.display();
            Failure::new(Exit::Failed, "output", format!("cannot write {path}: {error}"))
        })?;
        shown(show::infer::Outputs(outputs))
    }
}
