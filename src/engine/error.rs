//! What can go wrong in an engine.

use super::Stage;
use crate::model::Rejection;

/// An engine refused or failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct EngineError {
    /// Where.
    pub stage: Stage,
    /// Why, one line; names the operator where it is one's fault.
    pub reason: String,
    /// What to do next, one sentence.
    pub help: Option<String>,
}

impl EngineError {
    /// A failure without advice.
    pub(crate) fn new(stage: Stage, reason: impl Into<String>) -> Self {
        Self { stage, reason: reason.into(), help: None }
    }

    /// The same with advice.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl From<EngineError> for Rejection {
    fn from(EngineError { stage, reason, help }: EngineError) -> Self {
        Self { stage, reason, help }
    }
}
