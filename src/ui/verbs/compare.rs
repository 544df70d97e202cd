//! `compare`: two trials side by side.

use std::path::Path;

use clap::Args;

use super::aim::Aim;
use crate::agent;
use crate::ui::call::shown;
use crate::ui::show::compare::{Compared, Recorded, Side};
use crate::ui::{Answer, Call, Failure};

/// Compare two trials: conditions first, then figures.
#[derive(Debug, Args)]
#[command(after_help = "\
A trial is a candidate whose trial is in the records, or a file that
`umbra bench --json` or `umbra select --json` wrote; FILE:ID where it holds more
than one. Intervals are of 95 %; that of a difference takes both as independent.

Examples:
  umbra compare resnet8-cifar10-int8-qdq resnet8-cifar10-int8-qoperator
  umbra compare monday.json friday.json
  umbra compare pi4.json:resnet8 pi5.json:resnet8")]
pub struct Compare {
    /// Candidate, or file with a trial.
    a: String,
    /// Another.
    b: String,
    #[command(flatten)]
    aim: Aim,
}

impl Compare {
    pub(crate) fn run(self, call: &mut Call<'_>) -> Answer {
        let (a, b) = (in_file(&self.a)?, in_file(&self.b)?);
        let (a, b) = match (a, b) {
            (Some(a), Some(b)) => (a, b),
            (a, b) => {
                let request = self.aim.recorded(call)?;
                let selection = agent::select(call.world, request, call.sink)?;
                let known = |id: &str| Side::of(&selection, id);
                (a.map_or_else(|| known(&self.a), Ok)?, b.map_or_else(|| known(&self.b), Ok)?)
            }
        };
        shown(Compared::of(a, b))
    }
}

/// The trial in the file that is named, if it is a file: `FILE` or `FILE:ID`.
fn in_file(named: &str) -> Result<Option<Side>, Failure> {
    let with_id = named.rsplit_once(':').filter(|(file, _)| Path::new(file).is_file());
    let (file, id) = match with_id {
        Some((file, id)) => (file, Some(id)),
        None if Path::new(named).is_file() => (named, None),
        None => return Ok(None),
    };
    Recorded::parse(file, &super::read(Path::new(file))?)?.side(id).map(Some)
}
