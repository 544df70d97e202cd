//! `infer`: raw tensors through the engine.

use std::path::PathBuf;

use clap::Args;

use crate::agent;
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
        let (name, model) = self.model()?;
        let inputs = npz::read_npz(&super::read(&self.input)?)?;
        let outputs = agent::infer(call.world, &name, &model, &inputs)?;
        self.write(&npz::write_npz(&outputs)?)?;
        shown(show::infer::Outputs(outputs))
    }

    fn model(&self) -> Result<(String, Vec<u8>), Failure> {
        let candidates = model::open(std::slice::from_ref(&self.file))?;
        let [candidate] = candidates.as_slice() else {
            return Err(Failure::usage(format!("{} is not one model", self.file.display()))
                .help("name one .onnx file"));
        };
        Ok((candidate.id.clone(), candidate.read()?))
    }

    fn write(&self, bytes: &[u8]) -> Result<(), Failure> {
        std::fs::write(&self.output, bytes).map_err(|error| {
            let path = self.output.display();
            Failure::new(Exit::Failed, "output", format!("cannot write {path}: {error}"))
        })
    }
}
