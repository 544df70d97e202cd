//! `rank`: the order of all candidates, from records and files alone.

use std::path::{Path, PathBuf};

use clap::Args;

use super::aim::Aim;
use crate::agent::{self, Request, Selection};
use crate::decide;
use crate::rank::{self, Ranking};
use crate::ui::call::shown;
use crate::ui::{Answer, Call, Exit, Failure, show};

/// Rank all candidates by what is known; measures nothing.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra rank
  umbra rank --zoo models --task digits --weight energy=30
  umbra rank --plot front.svg         draw the Pareto front
  umbra rank --from select.json --weight latency=60   decide again elsewhere")]
pub struct Rank {
    /// Decide again from what `umbra select --json` printed, here or on another board.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["zoo", "task"])]
    from: Option<PathBuf>,
    /// Draw accuracy over latency, with the Pareto front, as SVG into this file.
    #[arg(long, value_name = "SVG", conflicts_with = "from")]
    plot: Option<PathBuf>,
    #[command(flatten)]
    aim: Aim,
}

impl Rank {
    pub(crate) fn run(self, call: &mut Call<'_>) -> Answer {
        if let Some(file) = &self.from {
            return self.replay(file);
        }
        let request = Request { unmeasured: true, ..self.aim.recorded(call)? };
        let selection = agent::select(call.world, request, call.sink)?;
        if let Some(file) = &self.plot {
            draw(file, &selection)?;
        }
        shown(show::rank::Ranked(selection))
    }

    fn replay(&self, file: &Path) -> Answer {
        let mut ranking = recorded(file)?;
        self.aim.apply(&mut ranking.policy)?;
        let ranking = rank::rerank(&ranking, &ranking.policy);
        let decision = decide::choose(&ranking.policy, &ranking, None);
        shown(show::replay::Replayed { ranking, decision })
    }
}

/// Writes the picture.
fn draw(file: &Path, selection: &Selection) -> Result<(), Failure> {
    let failed = |why: String| Failure::new(Exit::Failed, "output", why);
    let picture = show::pareto::svg(selection).ok_or_else(|| {
        failed("no candidate has both a latency and an accuracy".to_owned())
            .help("run `umbra select` first")
    })?;
    let cannot = |error| failed(format!("cannot write {}: {error}", file.display()));
    std::fs::write(file, picture).map_err(cannot)
}

/// The ranking in a document of `select --json`.
fn recorded(file: &Path) -> Result<Ranking, Failure> {
    let refused = |why: String| {
        Failure::input(format!("{}: {why}", file.display()))
            .help("give a file that `umbra select --json` wrote")
    };
    let bytes = std::fs::read(file).map_err(|error| refused(error.to_string()))?;
    let mut document: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|error| refused(error.to_string()))?;
    let ranking = document.get_mut("ranking").map(serde_json::Value::take);
    serde_json::from_value(ranking.unwrap_or_default()).map_err(|error| refused(error.to_string()))
}
