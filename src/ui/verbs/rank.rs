//! `rank`: the order of all candidates, from records and files alone.

use clap::Args;

use super::aim::Aim;
use crate::agent;
use crate::ui::call::shown;
use crate::ui::{Answer, Call, show};

/// Rank all candidates by what is known; measures nothing.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra rank
  umbra rank --zoo models --task digits --weight energy=30")]
pub struct Rank {
    #[command(flatten)]
    aim: Aim,
}

impl Rank {
    pub(crate) fn run(self, call: &mut Call<'_>) -> Answer {
        let request = self.aim.recorded(call)?;
        let selection = agent::select(call.world, request, call.sink)?;
        shown(show::rank::Ranked(selection))
    }
}
