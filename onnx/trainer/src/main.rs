//! `umbra-train`: judges the ranker's hardware half on published tables, and makes its probes.
//!
//! `evaluate` predicts boards that it may not look at, from a few drawn measurements of each,
//! and prints how good the ranks, the figures and the decisions are, beside simpler ways on
//! the same draws. The predictor is the agent's own (`umbra::rank::cost`). `probes` writes
//! `onnx/probes`, `train` the rankers, and `collect` makes tables of one's own measurements.

mod architecture;
mod ceiling;
mod collect;
mod decisions;
mod evaluate;
mod families;
mod portraits;
mod predictors;
mod prepared;
mod probes;
mod progress;
mod ranker;
mod ranks;
mod rates;
mod report;
mod residual;
mod score;
mod table;
mod tables;
mod work;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Judges the ranker's hardware half on published tables.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make tables of what the agent measured.
    Collect(collect::Collect),
    /// Predict boards that were left out, and compare.
    Evaluate(evaluate::Evaluate),
    /// Tabulate what the ranker knows of the models of a folder.
    Portraits(portraits::Portraits),
    /// Write the micro-models that tell how fast a board does what.
    Probes(probes::Probes),
    /// Train the rankers, and judge them on what they have not seen.
    Train(ranker::Train),
}

/// Where the tables are, unless said otherwise.
fn folder() -> PathBuf {
    PathBuf::from("../shared/data/hardware")
}

fn main() -> ExitCode {
    let done = match Arguments::parse().verb {
        Verb::Collect(verb) => verb.run().map_err(|error| error.to_string()),
        Verb::Evaluate(verb) => verb.run().map_err(|error| error.to_string()),
        Verb::Portraits(verb) => verb.run().map_err(|error| error.to_string()),
        Verb::Probes(verb) => verb.run().map_err(|error| error.to_string()),
        Verb::Train(verb) => verb.run().map_err(|error| error.to_string()),
    };
    let text = match done {
        Ok(text) => text,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "umbra-train: {error}");
            return ExitCode::FAILURE;
        }
    };
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
