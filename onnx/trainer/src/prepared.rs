//! What is known of the models before a board is looked at: everything that the boards of other
//! devices teach.

use umbra::rank::cost::{Anchor, CostError, Guess, Pool, Process, Traits, tune};

use crate::evaluate::EvaluateError;
use crate::rates::{self, Bills, Lesson, Prior};
use crate::residual::{self, Corrector, Fitted};
use crate::tables::{Board, Dataset};

/// Groups of devices that scales are chosen on, at most.
const FOLDS: usize = 12;

/// A pool without one device, ready to predict.
pub(crate) struct Prepared {
    pub(crate) pool: Pool,
    pub(crate) traits: Vec<Traits>,
    pub(crate) process: Process,
    /// What rates are like; none where no model has nodes.
    pub(crate) rates: Option<Prior>,
    /// What was learned of their errors; none where no model has nodes, or nothing was to be.
    pub(crate) residual: Option<Fitted>,
    /// The process without its variants.
    pub(crate) one_process: Process,
}

impl Prepared {
    /// From all boards that are not of the device.
    pub(crate) fn without(device: &str, train: &Dataset) -> Result<Self, CostError> {
        let others: Vec<&Board> = train.boards.iter().filter(|b| b.device != device).collect();
        let columns: Vec<_> = others.iter().map(|board| train.column(board)).collect();
        let pool = Pool::of(train.models.len(), &columns)?;
        let mut names: Vec<&str> = others.iter().map(|board| board.device.as_str()).collect();
        let all = names.clone();
        names.sort_unstable();
        names.dedup();
        // Of many devices some are left out together: the choice is as good, and quicker.
        let folds = if names.len() > FOLDS { FOLDS } else { names.len().max(1) };
        let fold = |name: &&str| names.binary_search(name).unwrap_or(0) % folds;
        let devices: Vec<usize> = all.iter().map(fold).collect();
        let traits: Vec<Traits> = train.models.iter().map(|model| model.traits.clone()).collect();
        let prior = tune(&pool, &traits, &devices)?;
        let one_process = Process::of(&pool, &traits, *prior.scales())?;
        let process = Process::of(&pool, &traits, prior)?;
        let rates = priors(train, &others)?;
        Ok(Self { pool, traits, process, one_process, rates, residual: None })
    }

    /// With what the same boards teach of the errors of rates.
    pub(crate) fn taught(self, device: &str, train: &Dataset) -> Result<Self, EvaluateError> {
        let others: Vec<&Board> = train.boards.iter().filter(|b| b.device != device).collect();
        let rows = residual::rows(train, &others, residual::kind(train))?;
        Ok(Self { residual: residual::teach(&rows)?, ..self })
    }

    /// What rates fitted to the anchors say of all models; no number where nodes are not known.
    pub(crate) fn by_rates(&self, anchors: &[Anchor]) -> Result<Vec<Guess>, CostError> {
        let models = self.pool.models();
        let Some(prior) = &self.rates else { return Ok(vec![UNKNOWN; models]) };
        Ok(prior.guesses(&prior.given(&logarithms(anchors))?, models))
    }

    /// The same, corrected by what was learned.
    pub(crate) fn corrected(
        &self,
        train: &Dataset,
        anchors: &[Anchor],
    ) -> Result<Vec<Guess>, EvaluateError> {
        let (Some(prior), Some(residual)) = (&self.rates, &self.residual) else {
            return Ok(vec![UNKNOWN; self.pool.models()]);
        };
        // It was taught on boards of which something is known.
        if anchors.is_empty() {
            return Ok(self.by_rates(anchors)?);
        }
        let models = train.models.iter().map(|model| model.work.as_slice());
        let corrector = Corrector { residual, prior, cost: residual::kind(train) };
        corrector.guesses(models, &logarithms(anchors))
    }
}

/// Nothing is said of a model.
pub(crate) const UNKNOWN: Guess = Guess { cost: f64::NAN, low: f64::NAN, high: f64::NAN };

fn logarithms(anchors: &[Anchor]) -> Vec<(usize, f64)> {
    anchors.iter().map(|anchor| (anchor.model, anchor.cost.ln())).collect()
}

/// What rates are like on some boards.
pub(crate) fn priors(train: &Dataset, boards: &[&Board]) -> Result<Option<Prior>, CostError> {
    let Some(bills) = Bills::of(train.models.iter().map(|model| model.work.as_slice())) else {
        return Ok(None);
    };
    let lesson = |board: &&Board| {
        let cells = train.column(board).into_iter().enumerate();
        let device = boards.iter().position(|other| other.device == board.device).unwrap_or(0);
        let known = cells.filter_map(|(model, cost)| Some((model, cost?.ln()))).collect();
        Lesson { device, known }
    };
    rates::learn(&bills, &boards.iter().map(lesson).collect::<Vec<_>>())
}
