//! `task`: tokens for a fleet, in place of photographs.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::model;
use crate::task::tokens::{self, TaskTokens};
use crate::ui::call::shown;
use crate::ui::show::tokens::Tokens;
use crate::ui::{Answer, Call, Failure};

/// Tokens: a task in a few kilobytes, without its images.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra task build photos -o task.umbra
  umbra task show task.umbra

docs/task-tokens.md says what tokens are and what they still reveal.")]
pub struct Task {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make the tokens of a task.
    #[command(after_help = "\
Examples:
  umbra task build photos -o task.umbra")]
    Build {
        /// Task: folder with task.toml, folder of class folders, or .npz.
        #[arg(value_name = "DIR|NPZ")]
        from: PathBuf,
        /// Where the tokens go.
        #[arg(short, long = "output", value_name = "FILE")]
        output: PathBuf,
    },
    /// What a token file says.
    #[command(after_help = "\
Examples:
  umbra task show task.umbra")]
    Show {
        /// File of tokens.
        file: PathBuf,
    },
}

impl Task {
    pub(crate) fn run(self, call: &mut Call<'_>) -> Answer {
        match self.what {
            What::Build { from, output } => build(&from, &output, call),
            What::Show { file } => show(&file),
        }
    }
}

fn build(from: &Path, output: &Path, call: &mut Call<'_>) -> Answer {
    let task = crate::task::open(from)?;
    let tokens = tokens::build(&task, &model::extractor(), &call.world.engines)?;
    let bytes = tokens.encode()?;
    super::write(call, output, &bytes)?;
    shown(Tokens { file: output.to_owned(), bytes: bytes.len() as u64, tokens })
}

fn show(file: &Path) -> Answer {
    let bytes = super::read(file)?;
    let named = |failure: Failure| {
        let message = format!("{}: {}", file.display(), failure.message);
        Failure { message, ..failure }
    };
    let tokens = TaskTokens::decode(&bytes).map_err(|error| named(error.into()))?;
    tokens.made_by(model::extractor().sha256).map_err(|error| named(error.into()))?;
    shown(Tokens { file: file.to_owned(), bytes: bytes.len() as u64, tokens })
}
