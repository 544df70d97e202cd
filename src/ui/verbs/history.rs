//! `history`: what was deployed when, and why.

use clap::Args;

use crate::ui::call::shown;
use crate::ui::{Answer, Call, show};

/// Show what was deployed when, and why; newest first.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra history
  umbra history --limit 3")]
pub struct History {
    /// Entries at most.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
}

impl History {
    pub(crate) fn run(self, call: &mut Call<'_>) -> Answer {
        shown(show::store::History(call.store()?.history(self.limit)))
    }
}
