//! `zoo`: models made ready for a learned ranker.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::agent::{self, AgentError};
use crate::base::Event;
use crate::model::{self, Candidate};
use crate::task::behaviour::Behaviour;
use crate::ui::call::shown;
use crate::ui::show::zoo::{Added, One};
use crate::ui::{Answer, Call, Failure};

/// A zoo: give models what the learned rankers know them by.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra zoo add models/*.onnx
  umbra zoo add new.onnx --to models

docs/ranker.md says what a behaviour is and how good the rankers are.")]
pub struct Zoo {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Find the behaviour of models, and note it in their sidecars.
    #[command(after_help = "\
Examples:
  umbra zoo add models/*.onnx
  umbra zoo add new.onnx --to models")]
    Add {
        /// ONNX files, or folders of them.
        #[arg(required = true, value_name = "PATH")]
        models: Vec<PathBuf>,
        /// Copy models and sidecars into this folder, and leave the originals alone.
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
    },
}

impl Zoo {
    pub(crate) fn run(self, call: &mut Call<'_>) -> Answer {
        let What::Add { models, to } = self.what;
        let candidates = model::open(&models)?;
        let total = candidates.len();
        let mut found = Added::default();
        for (done, candidate) in candidates.iter().enumerate() {
            call.sink.event(Event::Step { stage: "zoo", what: &candidate.id, done, total });
            match agent::behave(call.world, candidate) {
                Ok(behaviour) => {
                    let sidecar = note(call, candidate, &behaviour, to.as_deref())?;
                    found.added.push(One { id: candidate.id.clone(), sidecar, behaviour });
                }
                // One of many that cannot be used keeps nobody else from being noted.
                Err(AgentError::Model { model, rejection }) if total > 1 => {
                    found.refused.push((model, rejection));
                }
                Err(error) => return Err(error.into()),
            }
        }
        shown(found)
    }
}

/// Writes the sidecar, and the model before it where it goes elsewhere; gives the sidecar's path.
fn note(
    call: &Call<'_>,
    candidate: &Candidate,
    behaviour: &Behaviour,
    to: Option<&Path>,
) -> Result<PathBuf, Failure> {
    let model::Source::File(file) = &candidate.source else {
        return Err(Failure::usage(format!("{} is no file", candidate.id)));
    };
    let beside = file.with_extension("toml");
    let known = match std::fs::read_to_string(&beside) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            let path = beside.display();
            return Err(Failure::input(format!("cannot read {path}: {error}")));
        }
    };
    let text = model::with_behaviour(candidate, known.as_deref(), behaviour);
    let place = |path: &Path| match to {
        Some(folder) => folder.join(path.file_name().unwrap_or_default()),
        None => path.to_owned(),
    };
    let write = |path: &Path, bytes: &[u8]| super::write(call, path, bytes);
    let model = place(file);
    if model != *file {
        let bytes = super::read(file)?;
        write(&model, &bytes)?;
    }
    let sidecar = place(&beside);
    write(&sidecar, text.as_bytes())?;
    Ok(sidecar)
}
