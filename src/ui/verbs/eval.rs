//! `eval`: how well each score would have ranked the candidates.

use std::path::PathBuf;

use clap::Args;

use super::aim::{Aim, Effort};
use crate::agent;
use crate::task;
use crate::ui::call::shown;
use crate::ui::show::eval::Judged;
use crate::ui::{Answer, Call, Failure};

/// Judge the ranking scores by accuracy on held-out samples.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra eval --labelled test-images
  umbra eval --zoo models --task signs.npz --labelled signs.npz

Nothing is timed, recorded or deployed. docs/evaluation.md explains the figures.")]
pub struct Eval {
    #[command(flatten)]
    aim: Aim,
    /// Held-out images: a folder per class, a task folder that names a `test`,
    /// or an .npz (its x_test where it has one).
    #[arg(long, value_name = "DIR|NPZ", help_heading = "What to choose")]
    labelled: PathBuf,
    /// Show the candidates so many samples of each class at most, to learn what
    /// few samples are worth.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    per_class: Option<u32>,
    /// Look at the task's samples again, whatever the records know.
    #[arg(long)]
    fresh: bool,
}

impl Eval {
    pub(crate) fn run(self, call: &mut Call<'_>) -> Answer {
        let mut request = self.aim.request(call, &Effort::default(), true)?;
        request.fresh = self.fresh;
        if let Some(per_class) = self.per_class {
            request.task = request.task.at_most(per_class as usize);
        }
        let labelled = task::open_samples(&self.labelled, &request.task.labels)?;
        let given = labelled.len();
        let held_out = request.task.unseen(labelled);
        if held_out.is_empty() {
            return Err(Failure::input("every held-out image is a sample of the task too")
                .help("name images that the task does not have"));
        }
        let left_out = given - held_out.len();
        let found = agent::evaluate(call.world, request, &held_out, call.sink)?;
        shown(Judged { found, left_out })
    }
}
