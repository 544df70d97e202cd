//! Why there is no ranker.

use std::path::PathBuf;

use super::facts::FactsError;
use super::shipped::ShippedError;

/// Why there is no ranker.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrainError {
    /// What it would learn from.
    #[error(transparent)]
    Facts(#[from] FactsError),
    /// Measurements of the models that ship.
    #[error(transparent)]
    Shipped(#[from] ShippedError),
    /// Training.
    #[error("training failed: {0}")]
    Training(#[from] candle_core::Error),
    /// The engine refuses the file.
    #[error("the ranker that was written does not run: {0}")]
    Engine(#[from] umbra::engine::EngineError),
    /// The tables that corrections are learned from.
    #[error(transparent)]
    Table(#[from] crate::table::TableError),
    /// Their costs.
    #[error(transparent)]
    Cost(#[from] umbra::rank::cost::CostError),
    /// None of them is there.
    #[error("{0} holds no table of models with nodes; --part rankers does without")]
    Nothing(PathBuf),
    /// The file says something else than the network.
    #[error("{name} is off by {off:e} from the network that was trained")]
    Differs {
        /// Which file.
        name: &'static str,
        /// By how much.
        off: f64,
    },
    /// Writing.
    #[error("{path}: {source}")]
    Write {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}
