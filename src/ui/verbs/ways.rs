//! Options for how models are run, which is part of what is chosen.

use clap::Args;

use crate::agent::{Cores, CoresError};
use crate::model::{self, Candidate, Config};
use crate::ui::{Call, Failure};

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
    /// Cores to run on: all, big (fastest cluster), one, or 2,3 [default: all].
    #[arg(long, value_name = "CORES", value_parser = cores)]
    affinity: Option<Cores>,
}

impl Ways {
    /// Each model in each configuration of the line, else of the file, on the cores of the
    /// line, else of the file.
    pub(crate) fn expand(
        &self,
        call: &Call<'_>,
        models: Vec<Candidate>,
    ) -> Result<Vec<Candidate>, Failure> {
        let config = &call.settings.config;
        let engines = if self.engine.is_empty() { &config.engines } else { &self.engine };
        let threads = if self.threads.is_empty() { &config.threads } else { &self.threads };
        let mut candidates = model::configured(models, engines, threads);
        let cores = self.affinity.as_ref().or(config.affinity.as_ref());
        cores.unwrap_or(&Cores::All).give(&mut candidates, &call.world.sys)?;
        Ok(candidates)
    }
}

impl Ways {
    /// The configurations themselves, for what no model is named for.
    pub(crate) fn configs(&self, call: &Call<'_>) -> Result<Vec<Config>, Failure> {
        let house = call.world.engines.iter().find(|engine| engine.is_of_the_house());
        let engine = house.map_or(Config::AUTO, |engine| engine.name()).to_owned();
        // One stands for all: of each configuration only the configuration is kept.
        let any = model::probes().into_iter().take(1);
        let any = any.map(|one| Candidate {
            config: Config { engine: engine.clone(), ..one.config },
            ..one
        });
        let expanded = self.expand(call, any.collect())?;
        Ok(expanded.into_iter().map(|candidate| candidate.config).collect())
    }
}

fn cores(text: &str) -> Result<Cores, String> {
    text.parse().map_err(|error: CoresError| format!("{error}; {}", error.help()))
}
