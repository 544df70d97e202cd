//! `console`: a prompt on a serial line.

use std::path::PathBuf;

use clap::Args;

use crate::ui::call::shown;
use crate::ui::{Answer, Call, console, show};

/// Talk to a technician on this terminal, or on a serial line.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra console
  umbra console --tty /dev/ttyS0 --baud 115200")]
pub struct Console {
    /// Serial line to open, on images without a getty [default: standard input and output].
    #[arg(long, value_name = "PATH")]
    tty: Option<PathBuf>,
    /// Its speed, bits per second.
    #[arg(long, value_name = "N", requires = "tty")]
    baud: Option<u32>,
}

impl Console {
    pub(crate) fn run(self, call: &mut Call<'_>) -> Answer {
        if let Some(path) = &self.tty {
            console::tty::take_over(path, self.baud)?;
        }
        console::serve(call)?;
        shown(show::Nothing)
    }
}
