//! `bench`: measure model files.

use std::path::PathBuf;

use clap::Args;

use super::aim::{Effort, Place};
use crate::agent;
use crate::model;
use crate::ui::call::shown;
use crate::ui::{Answer, Call, show};

/// Measure model files, each in its own limited process.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra bench model.onnx
  umbra bench models --quick --json")]
pub struct Bench {
    /// Model files, or folders of them.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    effort: Effort,
}

impl Bench {
    pub(crate) fn run(self, call: &mut Call<'_>) -> Answer {
        let mut candidates = model::open(&self.files)?;
        self.place.give(&mut candidates, call)?;
        let plan = self.effort.plan(&call.settings.config);
        let state = &call.settings.state;
        let trials = agent::bench(call.world, &candidates, &plan, state, call.sink)?;
        shown(show::bench::Benched { candidates, trials })
    }
}
