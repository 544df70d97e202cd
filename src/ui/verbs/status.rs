//! `status`: the store and the board at a glance.

use clap::Args;

use crate::board;
use crate::ui::call::shown;
use crate::ui::{Answer, Call, show};

/// Say what runs, since when, and how the board is.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra status
  umbra status --json")]
pub struct Status {}

impl Status {
    pub(crate) fn run(self, call: &mut Call<'_>) -> Answer {
        let store = call.store()?.status()?;
        let sys = &call.world.sys;
        shown(show::store::Status {
            store,
            clocks: board::clocks(sys),
            thermal: board::thermal(sys),
        })
    }
}
