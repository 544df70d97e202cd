//! `pin`: hold the active model.

use clap::Args;

use crate::ui::call::shown;
use crate::ui::{Answer, Call, show};

/// Keep the active model's files, whatever replaces it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra pin
  umbra pin --off")]
pub struct Pin {
    /// Let go again.
    #[arg(long)]
    off: bool,
}

impl Pin {
    pub(crate) fn run(self, call: &mut Call<'_>) -> Answer {
        let store = call.store()?;
        let lock = store.lock("pin")?;
        store.pin(!self.off)?;
        drop(lock);
        let done = if self.off { "unpinned" } else { "pinned" };
        shown(show::store::Changed { done, status: store.status()? })
    }
}
