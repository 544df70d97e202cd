//! `compare`: two candidates side by side.

use clap::Args;

use super::aim::Aim;
use crate::agent;
use crate::ui::call::shown;
use crate::ui::{Answer, Call, show};

/// Compare two candidates: conditions first, then figures.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra compare resnet8-cifar10-int8-qdq resnet8-cifar10-int8-qoperator")]
pub struct Compare {
    /// Candidate.
    a: String,
    /// Another.
    b: String,
    #[command(flatten)]
    aim: Aim,
}

impl Compare {
    pub(crate) fn run(self, call: &mut Call<'_>) -> Answer {
        let request = self.aim.recorded(call)?;
        let selection = agent::select(call.world, request, call.sink)?;
        shown(show::compare::Compared::of(&selection, &self.a, &self.b)?)
    }
}
