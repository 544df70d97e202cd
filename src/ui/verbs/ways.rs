//! Options for how models are run, which is part of what is chosen.

use clap::Args;

use crate::agent::Config;
use crate::model::{self, Candidate};

/// How models may be run.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "How to run models")]
pub(crate) struct Ways {
    /// Engine to consider, such as ort-cpu (repeatable) [default: the house's own].
    #[arg(long, value_name = "NAME")]
    engine: Vec<String>,
    /// Number of threads to consider (repeatable) [default: 1].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Vec<u16>,
}

impl Ways {
    /// Each model in each configuration of the line, else of the file.
    pub(crate) fn expand(&self, config: &Config, models: Vec<Candidate>) -> Vec<Candidate> {
        let engines = if self.engine.is_empty() { &config.engines } else { &self.engine };
        let threads = if self.threads.is_empty() { &config.threads } else { &self.threads };
        model::configured(models, engines, threads)
    }
}
