//! What is known: costs of models on other boards, and of a few models on this one.

/// Why costs were refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CostError {
    /// A cost that cannot be one.
    #[error("a cost of {value} for model {model}: a cost is a finite number above zero")]
    NotPositive {
        /// Index of the model.
        model: usize,
        /// What was given.
        value: f64,
    },
    /// Columns or anchors that do not go with the models.
    #[error("{what}: {found} for {models} models")]
    Mismatch {
        /// What does not fit.
        what: &'static str,
        /// How many, or which.
        found: usize,
        /// Models in the pool.
        models: usize,
    },
    /// Nothing to predict from.
    #[error("neither a board in the pool nor a measured model")]
    Nothing,
    /// Measurements that contradict each other beyond what numbers can hold.
    #[error("the covariance of {0} measured models cannot be inverted")]
    Degenerate(usize),
}

impl CostError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::NotPositive { .. } => "leave out what was not measured",
            Self::Mismatch { .. } => "give each board a cell for each model, empty if unknown",
            Self::Nothing => "measure one model, or add a board",
            Self::Degenerate(_) => "use scales above zero, for noise above all",
        }
    }
}

/// A model measured on the new board.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Anchor {
    /// Index of the model.
    pub model: usize,
    /// Its cost there.
    pub cost: f64,
}

/// Logarithms of costs: a column for each board, in it a cell for each model.
#[derive(Debug, Clone, PartialEq)]
pub struct Pool {
    models: usize,
    columns: Vec<Vec<Option<f64>>>,
}

impl Pool {
    /// From costs; an empty cell was not measured.
    ///
    /// # Errors
    /// [`CostError`] for a cost that is no positive number, and for a column of another length.
    pub fn of(models: usize, boards: &[Vec<Option<f64>>]) -> Result<Self, CostError> {
        let column = |board: &Vec<Option<f64>>| {
            if board.len() != models {
                let what = "cells of a board";
                return Err(CostError::Mismatch { what, found: board.len(), models });
            }
            let cells = board.iter().enumerate();
            cells.map(|(at, cell)| cell.map(|cost| logarithm(at, cost)).transpose()).collect()
        };
        Ok(Self { models, columns: boards.iter().map(column).collect::<Result<_, _>>()? })
    }

    /// Models.
    #[must_use]
    pub fn models(&self) -> usize {
        self.models
    }

    /// Boards.
    #[must_use]
    pub fn boards(&self) -> usize {
        self.columns.len()
    }

    /// Logarithms, board by board.
    pub(super) fn columns(&self) -> &[Vec<Option<f64>>] {
        &self.columns
    }

    /// Only the boards that pass.
    #[must_use]
    pub fn only(&self, pass: impl Fn(usize) -> bool) -> Self {
        let kept = self.columns.iter().enumerate().filter(|(at, _)| pass(*at));
        Self { models: self.models, columns: kept.map(|(_, column)| column.clone()).collect() }
    }

    /// Anchors as model and logarithm, checked.
    pub(super) fn anchors(&self, anchors: &[Anchor]) -> Result<Vec<(usize, f64)>, CostError> {
        if self.columns.is_empty() && anchors.is_empty() {
            return Err(CostError::Nothing);
        }
        let checked = |anchor: &Anchor| {
            if anchor.model >= self.models {
                let what = "an anchor's model";
                return Err(CostError::Mismatch { what, found: anchor.model, models: self.models });
            }
            Ok((anchor.model, logarithm(anchor.model, anchor.cost)?))
        };
        anchors.iter().map(checked).collect()
    }
}

fn logarithm(model: usize, value: f64) -> Result<f64, CostError> {
    let sound = value.is_finite() && value > 0.0;
    if sound { Ok(value.ln()) } else { Err(CostError::NotPositive { model, value }) }
}
