//! `deploy`: put a model in place by hand.

use clap::Args;

use super::aim::Aim;
use crate::agent;
use crate::ui::call::shown;
use crate::ui::{Answer, Call, show};

/// Deploy a candidate by name, whatever the ranking says.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra deploy resnet8-cifar10-int8-qdq")]
pub struct Deploy {
    /// Candidate.
    model: String,
    #[command(flatten)]
    aim: Aim,
}

impl Deploy {
    pub(crate) fn run(self, call: &mut Call<'_>) -> Answer {
        let request = self.aim.recorded(call)?;
        let deployment = agent::deploy(call.world, request, &self.model, call.sink)?;
        shown(show::store::Deployed(deployment))
    }
}
