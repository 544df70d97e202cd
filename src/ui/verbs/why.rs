//! `why`: the choice explained, criterion by criterion.

use clap::Args;

use super::aim::Aim;
use super::inspect::convolutions;
use crate::agent;
use crate::ui::call::shown;
use crate::ui::{Answer, Call, show};

/// Explain the choice, or why a model was not chosen.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra why
  umbra why resnet8-cifar10-int8-qdq")]
pub struct Why {
    /// Candidate to compare with the choice [default: the runner-up].
    model: Option<String>,
    #[command(flatten)]
    aim: Aim,
}

impl Why {
    pub(crate) fn run(self, call: &mut Call<'_>) -> Answer {
        let request = self.aim.recorded(call)?;
        let selection = agent::select(call.world, request, call.sink)?;
        let why = show::why::Why::of(selection, self.model.as_deref())?;
        let engines = &call.world.engines;
        shown(why.looking(&|candidate| convolutions(engines, candidate)))
    }
}
