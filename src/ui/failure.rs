//! How a verb ends when it does not end well: an exit code, a stable name, a
//! sentence, and what to do next. The same four reach the terminal, the JSON
//! document and the console's `err` line.

use crate::agent::{AgentError, ConfigError, CoresError};
use crate::deploy::StoreError;
use crate::engine::EngineError;
use crate::model::npz::NpzError;
use crate::model::{ModelError, Rejection};
use crate::task::TaskError;
use crate::task::tokens::TokenError;

/// Exit codes of the program; the console's `err` line carries the same numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// Nothing is feasible; the running model was kept.
    Infeasible = 3,
    /// A model, task, manifest or array file is wrong.
    Input = 4,
    /// The store refused or failed.
    Store = 5,
}

impl Exit {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// What it means, for the console's last line.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Usage => "wrong usage",
            Self::Infeasible => "nothing feasible; the running model was kept",
            Self::Input => "bad input",
            Self::Store => "the store failed",
        }
    }
}

/// Why a verb did not do its work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Exit code.
    pub exit: Exit,
    /// Stable name, such as `store-locked`.
    pub code: &'static str,
    /// What failed, on what.
    pub message: String,
    /// What to do next.
    pub help: Option<String>,
}

impl Failure {
    /// A failure with nothing to advise.
    pub fn new(exit: Exit, code: &'static str, message: impl Into<String>) -> Self {
        Self { exit, code, message: message.into(), help: None }
    }

    /// The command line is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", message)
    }

    /// A file, or what is in it, is wrong.
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(Exit::Input, "input", message)
    }

    /// Somebody pressed Ctrl-C.
    #[must_use]
    pub fn stopped() -> Self {
        Self::new(Exit::Failed, "stopped", "stopped before it was done")
    }

    /// The same with advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::Io { .. } => "store-io",
            StoreError::Full { .. } => "store-full",
            StoreError::Locked { .. } => "store-locked",
            StoreError::Nothing => "store-empty",
            StoreError::NoPrevious => "store-no-previous",
            StoreError::Damaged { .. } => "store-damaged",
        };
        Self::new(Exit::Store, code, error.to_string()).help(error.help())
    }
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        let text = format!("at {}: {}", rejection.stage.name(), rejection.reason);
        Self { help: rejection.help, ..Self::new(Exit::Input, "model", text) }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let text = format!("at {}: {}", error.stage.name(), error.reason);
        Self { help: error.help, ..Self::new(Exit::Input, "model", text) }
    }
}

impl From<NpzError> for Failure {
    fn from(error: NpzError) -> Self {
        Self::new(Exit::Input, "arrays", error.to_string())
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        Self::new(Exit::Input, "zoo", error.to_string()).help(error.help())
    }
}

impl From<TaskError> for Failure {
    fn from(error: TaskError) -> Self {
        Self::new(Exit::Input, error.code(), error.to_string()).help(error.help())
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        Self::new(Exit::Input, error.code(), error.to_string()).help(error.help())
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(Exit::Input, "config", error.to_string()).help(error.help())
    }
}

impl From<CoresError> for Failure {
    fn from(error: CoresError) -> Self {
        Self::new(Exit::Input, "cores", error.to_string()).help(error.help())
    }
}

impl From<AgentError> for Failure {
    fn from(error: AgentError) -> Self {
        let (exit, code) = match error {
            AgentError::Store(error) => return error.into(),
            AgentError::Stopped => return Self::stopped(),
            AgentError::NoEngine => (Exit::Failed, "no-engine"),
            AgentError::Unknown(_) => (Exit::Input, "unknown-model"),
            AgentError::Model { .. } => (Exit::Input, "model"),
            AgentError::Method { .. } => (Exit::Input, "method"),
        };
        Self { help: error.help(), ..Self::new(exit, code, error.to_string()) }
    }
}
