//! `evaluate`: everything, or some of it.

use std::path::{Path, PathBuf};

use clap::Args;
use umbra::rank::cost::CostError;

use crate::table::TableError;
use crate::{decisions, families, ranks, report, tables};

/// Predict boards that were left out, and compare.
#[derive(Debug, Args)]
pub(crate) struct Evaluate {
    /// Tables of known boards.
    #[arg(long, value_name = "DIR", default_value_os_t = crate::folder())]
    train: PathBuf,
    /// Tables of boards to predict; if not given, those of --train, each device left out in turn.
    #[arg(long, value_name = "DIR")]
    test: Option<PathBuf>,
    /// Only tables whose name contains this.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Draws of measured models for each board.
    #[arg(long, value_name = "N", default_value_t = 50)]
    draws: usize,
    /// One JSON document.
    #[arg(long)]
    json: bool,
    /// Put the tables into this page, between its headings "Tables" and "Sources".
    #[arg(long, value_name = "FILE", conflicts_with_all = ["only", "json"])]
    into: Option<PathBuf>,
    /// Write plots into this folder.
    #[arg(long, value_name = "DIR")]
    svg: Option<PathBuf>,
}

/// Why there is no evaluation.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EvaluateError {
    /// A table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Its costs.
    #[error(transparent)]
    Cost(#[from] CostError),
    /// Learning what rates leave.
    #[error("training failed: {0}")]
    Training(#[from] candle_core::Error),
    /// A folder without any table that can be judged.
    #[error(
        "{0} holds none of the tables, or none with two boards that have models enough (14 of a fleet's)"
    )]
    Empty(PathBuf),
    /// A page without the headings.
    #[error("{0} has no heading \"## Tables\" with \"## Sources\" after it")]
    Page(PathBuf),
    /// A page or a plot.
    #[error("{path}: {source}")]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

impl Evaluate {
    pub(crate) fn run(&self) -> Result<String, EvaluateError> {
        let folder = self.test.as_ref().unwrap_or(&self.train);
        let (train, test) = (tables::read(&self.train)?, tables::read(folder)?);
        let mut results = Vec::new();
        for test in test {
            let Some(train) = train.iter().find(|train| train.name == test.name) else { continue };
            if self.only.as_ref().is_some_and(|only| !test.name.contains(only)) {
                continue;
            }
            let train = train.joined(&test);
            let is_zoo = test.name == tables::ZOO;
            let decisions = || decisions::evaluate(&train, &test, &self.train);
            results.push(report::Of {
                name: test.name,
                boards: ranks::evaluate(&train, &test, self.draws, ranks::PROTOCOL)?,
                help: match tables::SPACES.contains(&test.name) {
                    true => ranks::evaluate(&train, &test, self.draws, ranks::HELP)?,
                    false => Vec::new(),
                },
                families: families::evaluate(&train, &test, self.draws)?,
                decisions: is_zoo.then(decisions).transpose()?,
            });
        }
        if results.is_empty() {
            return Err(EvaluateError::Empty(folder.clone()));
        }
        if let Some(svg) = &self.svg {
            report::plots(svg, &results)?;
        }
        if let Some(page) = &self.into {
            put(page, &report::text(&results))?;
        }
        Ok(if self.json { report::json(&results) } else { report::text(&results) })
    }
}

/// Replaces the tables of a page.
fn put(page: &Path, tables: &str) -> Result<(), EvaluateError> {
    let file = |source| EvaluateError::File { path: page.to_owned(), source };
    let old = std::fs::read_to_string(page).map_err(file)?;
    let parts = old.split_once("\n## Tables\n");
    let parts = parts.and_then(|(head, rest)| Some((head, rest.split_once("\n## Sources\n")?.1)));
    let Some((head, sources)) = parts else { return Err(EvaluateError::Page(page.to_owned())) };
    let tables = tables.trim_end();
    let new = format!("{head}\n## Tables\n\n{tables}\n\n## Sources\n{sources}");
    std::fs::write(page, new).map_err(file)
}
