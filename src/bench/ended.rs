//! How a worker ended, as the reason why its candidate fell out.

use super::collect::Heard;
use crate::child::Ended;
use crate::model::{Rejection, Stage};

/// Why a candidate fell out; `None` when its worker finished and said all.
pub(super) fn rejection_of(heard: &Heard<'_>, ended: &Ended) -> Option<Rejection> {
    if let Some(failed) = &heard.failed {
        return Some(failed.clone());
    }
    let (doing, at) = heard.doing;
    let stage = match ended {
        Ended::Finished if heard.memory.is_some() && !heard.samples.is_empty() => return None,
        // The model's own doing, at the stage where it happened.
        Ended::Finished => at,
        ended if ended.has_panicked() => at,
        _ => Stage::Process,
    };
    let (reason, help) = ended.told(doing);
    Some(Rejection { stage, reason, help: Some(help.to_owned()) })
}
