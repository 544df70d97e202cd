//! `probe`: what the board is.

use clap::Args;

use super::ways::Ways;
use crate::agent;
use crate::board;
use crate::model;
use crate::ui::call::shown;
use crate::ui::{Answer, Call, show};

/// Say what this board is: processors, memory, sensors, meters.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra probe
  umbra probe --json
  umbra probe --speed           how fast it does what, once in three seconds
  umbra probe --sysroot recorded-board")]
pub struct Probe {
    /// Say how fast it does what: micro-models are timed where no record knows it.
    #[arg(long)]
    speed: bool,
    /// Time them again.
    #[arg(long, requires = "speed")]
    fresh: bool,
    #[command(flatten)]
    ways: Ways,
}

impl Probe {
    pub(crate) fn run(self, call: &mut Call<'_>) -> Answer {
        if self.speed {
            return self.gauge(call);
        }
        shown(show::probe::Probed(board::probe(&call.world.sys, &call.settings.state)))
    }

    fn gauge(self, call: &mut Call<'_>) -> Answer {
        let configs = self.ways.configs(call)?;
        let state = &call.settings.state;
        let world = &mut *call.world;
        let speeds = agent::speeds(world, model::probes, &configs, state, self.fresh, call.sink)?;
        shown(show::speed::Gauged(speeds))
    }
}
