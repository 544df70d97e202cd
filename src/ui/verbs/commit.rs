//! `commit`: confirm the active model.

use clap::Args;

use crate::ui::call::shown;
use crate::ui::{Answer, Call, show};

/// Confirm the active model, so that nothing rolls it back.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra commit")]
pub struct Commit {}

impl Commit {
    pub(crate) fn run(self, call: &mut Call<'_>) -> Answer {
        let store = call.store()?;
        let lock = store.lock("commit")?;
        store.commit()?;
        drop(lock);
        shown(show::store::Changed { done: "committed", status: store.status()? })
    }
}
