//! What can go wrong in the loop.

use crate::deploy::StoreError;
use crate::model::Rejection;
use crate::rank::Method;

/// Why the main job did not come to its end. A candidate that fails is no error of the
/// job; the running model is untouched by every one of these.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Somebody asked to stop.
    #[error("stopped before it was done")]
    Stopped,
    /// This build runs no models.
    #[error("this build has no inference engine")]
    NoEngine,
    /// No candidate has this name.
    #[error("no candidate is called {0:?}")]
    Unknown(String),
    /// A model cannot be used for what was asked.
    #[error("{model} cannot be used ({}): {}", rejection.stage.name(), rejection.reason)]
    Model {
        /// Which.
        model: String,
        /// Where and why.
        rejection: Rejection,
    },
    /// A way of ordering that cannot be gone here.
    #[error("--method {}: {why}", method.name())]
    Method {
        /// Which.
        method: Method,
        /// Why not.
        why: String,
    },
}

impl AgentError {
    /// What to do next.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Store(error) => Some(error.help().to_owned()),
            Self::Stopped => None,
            Self::NoEngine => Some("build it with the feature `tract`".to_owned()),
            Self::Unknown(_) => Some("`umbra models` lists the candidates".to_owned()),
            Self::Model { rejection, .. } => rejection.help.clone(),
            Self::Method { .. } => Some("without --method it works everywhere".to_owned()),
        }
    }
}
