//! `inspect`: model files from the inside.

use std::path::PathBuf;

use clap::Args;

use crate::engine::{Engine, LoadOptions};
use crate::model::{self, Candidate};
use crate::ui::call::shown;
use crate::ui::show::inspect::{Examined, Inspected, Model};
use crate::ui::{Answer, Call};

/// Look into model files: operators, shapes, quantisation.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra inspect model.onnx
  umbra inspect models --json")]
pub struct Inspect {
    /// Model files, or folders of them.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Inspect {
    pub(crate) fn run(self, call: &mut Call<'_>) -> Answer {
        let engine = call.world.engines.first();
        let inspected = model::open(&self.files)?.into_iter().map(|candidate| {
            let examined = engine.map(|engine| examine(&**engine, &candidate));
            Model { candidate, examined }
        });
        shown(Inspected(inspected.collect()))
    }
}

/// What the engine makes of a model, up to the point where it would run.
fn examine(engine: &dyn Engine, candidate: &Candidate) -> Examined {
    let unsupported =
        candidate.card.as_ref().map(|card| engine.unsupported(card)).unwrap_or_default();
    let usable = candidate.rejection.is_none() && unsupported.is_empty();
    let convolutions = || -> Result<(u64, u64), String> {
        let bytes = candidate.read().map_err(|rejection| rejection.reason)?;
        let loaded = engine.load(&bytes, &LoadOptions::default());
        let session = loaded.and_then(|loaded| loaded.optimise());
        session.map(|session| session.convolutions()).map_err(|error| error.to_string())
    };
    let found = usable.then(convolutions).transpose();
    let error = found.as_ref().err().cloned();
    Examined { unsupported, convolutions: found.ok().flatten(), error }
}
