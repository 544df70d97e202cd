//! `boot`: `select` for systemd.

use clap::Args;

use super::aim::{Aim, Effort};
use crate::agent;
use crate::ui::call::shown;
use crate::ui::{Answer, Call, show};

/// Select for systemd: last good model first, then a choice.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra boot --budget 120")]
pub struct Boot {
    #[command(flatten)]
    aim: Aim,
    #[command(flatten)]
    effort: Effort,
}

impl Boot {
    pub(crate) fn run(self, call: &mut Call<'_>) -> Answer {
        let request = self.aim.request(call, &self.effort, false)?;
        let mut notify = agent::Systemd::default();
        let selection = agent::boot(call.world, request, &mut notify, call.sink)?;
        shown(show::select::Chosen { selection, dry_run: false })
    }
}
