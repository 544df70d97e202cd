//! `rank`: the order of all candidates, from records and files alone.

use std::path::{Path, PathBuf};

use clap::Args;

use super::aim::Aim;
use crate::agent;
use crate::decide;
use crate::rank::{self, Ranking};
use crate::ui::call::shown;
use crate::ui::{Answer, Call, Failure, show};

/// Rank all candidates by what is known; measures nothing.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra rank
  umbra rank --zoo models --task digits --weight energy=30
  umbra rank --from select.json --weight latency=60   decide again elsewhere")]
pub struct Rank {
    /// Decide again from what `umbra select --json` printed, here or on another board.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["zoo", "task"])]
    from: Option<PathBuf>,
    #[command(flatten)]
    aim: Aim,
}

impl Rank {
    pub(crate) fn run(self, call: &mut Call<'_>) -> Answer {
        if let Some(file) = &self.from {
            return self.replay(file);
        }
        let request = self.aim.recorded(call)?;
        let selection = agent::select(call.world, request, call.sink)?;
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
