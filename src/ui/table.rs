//! The verb table: the command line, the console, help, completions and the manual
//! page are all made from it.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};

use super::verbs::{
    bench::Bench, boot::Boot, commit::Commit, compare::Compare, completions::Completions,
    console::Console, deploy::Deploy, eval::Eval, history::History, infer::Infer, inspect::Inspect,
    man::Man, models::Models, pin::Pin, probe::Probe, rank::Rank, rollback::Rollback, run::Run,
    score::Score, select::Select, status::Status, task::Task, unquarantine::Unquarantine, why::Why,
    zoo::Zoo,
};
use super::{Answer, Call, Failure};

/// Columns that help text may use; answers keep to the same.
const WIDTH: usize = 79;

/// Chooses, by measuring, which pre-trained model this board should run.
#[derive(Debug, Parser)]
#[command(name = "umbra", version, term_width = WIDTH, after_help = EXAMPLES)]
pub struct Cli {
    /// Options of every verb.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

const EXAMPLES: &str = "\
Examples:
  umbra select                  measure the bundled models and deploy the best
  umbra select --zoo models --task digits --max-latency-ms 10
  umbra why                     explain the last choice
  umbra probe --json            what the board is, for scripts

Exit codes: 0 done, 1 failed, 2 usage, 3 nothing feasible (running model kept),
4 bad input, 5 store";

/// One line of the console.
#[derive(Debug, Parser)]
#[command(name = "umbra", no_binary_name = true, disable_help_subcommand = true)]
#[command(term_width = WIDTH)]
pub(crate) struct Line {
    /// Answer with one JSON document on one line.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// Options of every verb.
#[derive(Debug, Clone, Default, Args)]
pub struct Global {
    /// State folder [default: /var/lib/umbra as root, else $XDG_STATE_HOME/umbra].
    #[arg(long, value_name = "DIR", global = true, help_heading = "Global options")]
    pub state: Option<PathBuf>,
    /// Configuration [default: /etc/umbra/umbra.toml, if it is there].
    #[arg(long, value_name = "FILE", global = true, help_heading = "Global options")]
    pub config: Option<PathBuf>,
    /// Read /proc, /sys and /dev below this folder (a recorded board).
    #[arg(long, value_name = "DIR", global = true, help_heading = "Global options")]
    pub sysroot: Option<PathBuf>,
    /// Print exactly one JSON document on standard output.
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
    /// Log more to standard error; twice for details.
    #[arg(short, action = ArgAction::Count, global = true, help_heading = "Global options")]
    pub verbose: u8,
}

/// The verbs.
#[derive(Debug, Subcommand)]
#[allow(missing_docs, reason = "each verb's arguments carry its help")]
pub enum Verb {
    Select(Select),
    Probe(Probe),
    Models(Models),
    Inspect(Inspect),
    Bench(Bench),
    Rank(Rank),
    Why(Why),
    Compare(Compare),
    Infer(Infer),
    Run(Run),
    Score(Score),
    Eval(Eval),
    Task(Task),
    Zoo(Zoo),
    Status(Status),
    Deploy(Deploy),
    Commit(Commit),
    Rollback(Rollback),
    Pin(Pin),
    Unquarantine(Unquarantine),
    History(History),
    Boot(Boot),
    Console(Console),
    Completions(Completions),
    Man(Man),
    /// Serves one job for another umbra process.
    #[command(hide = true)]
    Worker,
}

impl Verb {
    /// Does it.
    pub(crate) fn run(self, call: &mut Call<'_>) -> Answer {
        match self {
            Self::Select(verb) => verb.run(call),
            Self::Probe(verb) => verb.run(call),
            Self::Models(verb) => verb.run(call),
            Self::Inspect(verb) => verb.run(call),
            Self::Bench(verb) => verb.run(call),
            Self::Rank(verb) => verb.run(call),
            Self::Why(verb) => verb.run(call),
            Self::Compare(verb) => verb.run(call),
            Self::Infer(verb) => verb.run(call),
            Self::Run(verb) => verb.run(call),
            Self::Score(verb) => verb.run(call),
            Self::Eval(verb) => verb.run(call),
            Self::Task(verb) => verb.run(call),
            Self::Zoo(verb) => verb.run(call),
            Self::Status(verb) => verb.run(call),
            Self::Deploy(verb) => verb.run(call),
            Self::Commit(verb) => verb.run(call),
            Self::Rollback(verb) => verb.run(call),
            Self::Pin(verb) => verb.run(call),
            Self::Unquarantine(verb) => verb.run(call),
            Self::History(verb) => verb.run(call),
            Self::Boot(verb) => verb.run(call),
            Self::Console(verb) => verb.run(call),
            Self::Completions(verb) => verb.run(call),
            Self::Man(verb) => verb.run(call),
            Self::Worker => Err(Failure::usage("`worker` serves the program itself")),
        }
    }
}

impl Cli {
    /// Whether this process serves a job of another.
    #[must_use]
    pub fn is_worker(&self) -> bool {
        matches!(self.verb, Verb::Worker)
    }

    /// Whether this process holds a console.
    #[must_use]
    pub fn is_console(&self) -> bool {
        matches!(self.verb, Verb::Console(_))
    }

    /// Whether the answer is for a script.
    #[must_use]
    pub fn wants_json(&self) -> bool {
        self.global.json
    }
}

/// A mistake that the parser found, as a failure.
pub(crate) fn mistake(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let (what, rest) = text.split_once("\n\n").unwrap_or((&text, ""));
    let what = what.trim_start_matches("error:");
    let failure = Failure::usage(one_line(what));
    if rest.is_empty() { failure } else { failure.help(one_line(rest)) }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_table_is_sound_and_every_verb_says_what_it_does_with_examples() {
        Cli::command().debug_assert();
        Line::command().debug_assert();
        for verb in Cli::command().get_subcommands().filter(|verb| !verb.is_hide_set()) {
            let name = verb.get_name();
            let about =
                verb.get_about().unwrap_or_else(|| panic!("{name} says nothing")).to_string();
            assert!(about.len() <= 62 && about.is_ascii(), "{name}: {about}");
            let after = verb.get_after_help().unwrap_or_else(|| panic!("{name}: no examples"));
            assert!(after.to_string().contains(&format!("umbra {name}")), "{name}: {after}");
        }
    }

    #[test]
    fn a_mistake_is_one_sentence_with_help() {
        let error = Cli::try_parse_from(["umbra", "selct"]).unwrap_err();
        let failure = mistake(&error);
        assert_eq!(failure.exit, crate::ui::Exit::Usage);
        assert!(failure.message.contains("selct") && !failure.message.contains('\n'));
        assert!(failure.help.unwrap().contains("select"));
    }
}
