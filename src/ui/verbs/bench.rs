//! `bench`: measure model files.

use std::path::PathBuf;

use clap::Args;

use super::aim::Effort;
use super::ways::Ways;
use crate::agent;
use crate::model;
use crate::ui::call::shown;
use crate::ui::{Answer, Call, show};

/// Measure model files, each in its own limited process.
#[derive(Debug, Args)]
#[command(after_help = "\
Times are in milliseconds. Memories, in megabytes:
  peak         the most the worker ever held in RAM (VmHWM), the program and the
               model's bytes included
  private      what went with the worker alone when steady (Private_Clean and
               Private_Dirty of smaps_rollup)
  file         the model on disk
  activations  what its tensors need at once at most, from the file alone

Examples:
  umbra bench model.onnx
  umbra bench model.onnx --affinity one --cool-below 60
  umbra bench model.onnx --engine tract-cpu --engine ort-cpu --threads 2
  umbra bench models --quick --json > monday.json")]
pub struct Bench {
    /// Model files, or folders of them.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    ways: Ways,
    #[command(flatten)]
    effort: Effort,
}

impl Bench {
    pub(crate) fn run(self, call: &mut Call<'_>) -> Answer {
        let candidates = self.ways.expand(call, model::open(&self.files)?)?;
        let plan = self.effort.plan(&call.settings.config);
        let state = &call.settings.state;
        let trials = agent::bench(call.world, candidates, &plan, state, call.sink)?;
        let (candidates, trials) = trials.into_iter().unzip();
        shown(show::bench::Benched { candidates, trials })
    }
}
