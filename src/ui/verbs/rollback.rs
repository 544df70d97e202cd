//! `rollback`: back to the model before.

use clap::Args;

use crate::ui::call::shown;
use crate::ui::{Answer, Call, show};

/// Go back to the model that ran before.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra rollback")]
pub struct Rollback {}

impl Rollback {
    pub(crate) fn run(self, call: &mut Call<'_>) -> Answer {
        let store = call.store()?;
        let lock = store.lock("rollback")?;
        store.rollback(call.world.clock.unix_seconds())?;
        drop(lock);
        shown(show::store::Changed { done: "rolled back", status: store.status()? })
    }
}
