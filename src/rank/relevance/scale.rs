//! Which score stands for relevance: the one place where that is decided.

use super::{Prior, Standing};
use crate::task::{Estimate, Evidence};

/// What relevance is measured in, for one whole ranking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Accuracy on the task's samples, 0 to 1.
    Accuracy,
    /// Exact LogME, nats per sample.
    LogMe,
    /// Where a candidate stands among the others by the prior and all scores: by the fitted weights,
    /// in standard deviations, or where these do not apply the share that it stands before.
    Standing,
}

/// Accuracy where every candidate's own labels are the task's; else prior and scores together where
/// the sidecars state a prior, and LogME where they do not.
///
/// Never two in one ranking: an accuracy of 0.9 and a LogME of 0.9 nats say nothing
/// about each other. A candidate without the score in use abstains on relevance. That size
/// and source accuracy are no such prior is a finding (docs/evaluation.md): they order a zoo of one
/// source well, and cost accuracy at the top of any.
#[must_use]
pub fn scale<'a>(evidence: impl IntoIterator<Item = &'a Evidence>, prior: Option<Prior>) -> Scale {
    let mut evidence = evidence.into_iter().peekable();
    let any = evidence.peek().is_some();
    let all_measured = evidence.all(|shown| shown.own_accuracy.is_some());
    match prior {
        _ if any && all_measured => Scale::Accuracy,
        Some(Prior::Stated) => Scale::Standing,
        _ => Scale::LogMe,
    }
}

impl Scale {
    /// A candidate's relevance on this scale.
    #[must_use]
    pub fn relevance(self, evidence: &Evidence, standing: Option<&Standing>) -> Option<Estimate> {
        let estimate = match self {
            Self::Accuracy => evidence.accuracy(),
            Self::LogMe => evidence.logme(),
            Self::Standing => standing.map(|standing| standing.fitted.unwrap_or(standing.share)),
        };
        estimate.filter(|found| found.value.is_finite())
    }
}
