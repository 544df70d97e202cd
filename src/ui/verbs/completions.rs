//! `completions`: for packagers.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::ui::call::shown;
use crate::ui::{Answer, Call, Cli, show};

/// Print the completion script of a shell.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra completions bash > /etc/bash_completion.d/umbra")]
pub struct Completions {
    /// Which shell.
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, _: &mut Call<'_>) -> Answer {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "umbra", &mut script);
        let text = String::from_utf8_lossy(&script).into_owned();
        shown(show::Raw { key: "completions", text })
    }
}
