//! `models`: the candidates.

use clap::Args;

use super::aim::Aim;
use crate::ui::call::shown;
use crate::ui::{Answer, Call, show};

/// List the candidates: size, work, quantisation.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra models
  umbra models --zoo models")]
pub struct Models {
    #[command(flatten)]
    aim: Aim,
}

impl Models {
    pub(crate) fn run(self, call: &mut Call<'_>) -> Answer {
        shown(show::models::Models(self.aim.zoo(call)?))
    }
}
