//! `select`: the main job.

use clap::Args;

use super::aim::{Aim, Effort};
use crate::agent;
use crate::ui::call::shown;
use crate::ui::{Answer, Call, show};

/// Choose: probe, measure, rank, decide, deploy.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra select
  umbra select --dry-run --quick
  umbra select --zoo models --task digits --budget 60 --min-accuracy 0.9")]
pub struct Select {
    #[command(flatten)]
    aim: Aim,
    #[command(flatten)]
    effort: Effort,
    /// Decide, and stop before deploying.
    #[arg(long)]
    dry_run: bool,
}

impl Select {
    pub(crate) fn run(self, call: &mut Call<'_>) -> Answer {
        let request = self.aim.request(call, &self.effort, self.dry_run)?;
        let selection = agent::select(call.world, request, call.sink)?;
        shown(show::select::Chosen { selection, dry_run: self.dry_run })
    }
}
