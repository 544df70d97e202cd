//! `man`: for packagers.

use clap::{Args, CommandFactory as _};

use crate::ui::call::shown;
use crate::ui::{Answer, Call, Cli, Exit, Failure, show};

/// Print the manual page, or that of a verb.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra man > umbra.1
  umbra man select | man -l -")]
pub struct Man {
    /// Verb [default: the program].
    verb: Option<String>,
}

impl Man {
    pub(crate) fn run(self, _: &mut Call<'_>) -> Answer {
        let text = page(self.verb.as_deref())?;
        shown(show::Raw { key: "man", text })
    }
}

fn page(verb: Option<&str>) -> Result<String, Failure> {
    let mut program = Cli::command();
    // Gives every verb its full name, such as `umbra-select`.
    program.build();
    let command = match verb {
        None => program,
        Some(verb) => program
            .find_subcommand(verb)
            .filter(|found| !found.is_hide_set())
            .cloned()
            .ok_or_else(|| Failure::usage(format!("no verb is called {verb:?}")))?,
    };
    let command = command.version(env!("CARGO_PKG_VERSION"));
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page).map_err(|error| {
        Failure::new(Exit::Failed, "man", format!("cannot render the page: {error}"))
    })?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}
