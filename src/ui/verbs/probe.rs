//! `probe`: what the board is.

use clap::Args;

use crate::board;
use crate::ui::call::shown;
use crate::ui::{Answer, Call, show};

/// Say what this board is: processors, memory, sensors, meters.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra probe
  umbra probe --json
  umbra probe --sysroot recorded-board")]
pub struct Probe {}

impl Probe {
    pub(crate) fn run(self, call: &mut Call<'_>) -> Answer {
        shown(show::probe::Probed(board::probe(&call.world.sys, &call.settings.state)))
    }
}
