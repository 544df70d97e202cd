//! The published tables as one thing: models, boards, and a cost for some pairs of them.
//!
//! Only facts are read, and only columns by the names that the tables have; a folder of one's
//! own with the same names and columns is as good (docs/evaluation-hardware.md).

mod fleet;
mod help;
mod memory;
mod ncnn;
mod zoo;

use std::collections::BTreeMap;
use std::path::Path;

use umbra::model::Work;
use umbra::rank::cost::Traits;

use crate::score::median;
use crate::table::TableError;

pub(crate) use zoo::{ZOO, accuracies};

/// Search spaces that HELP was judged on.
pub(crate) const SPACES: [&str; 2] = ["nb201", "fbnet"];

/// A model in one form: architecture and number type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Model {
    /// What models are told apart by.
    pub(crate) name: String,
    /// Models of one family are left out together.
    pub(crate) family: String,
    pub(crate) traits: Traits,
    /// Its nodes; empty where its architecture is not written down here.
    pub(crate) work: Vec<Work>,
    /// Multiply-accumulates and parameters as published, where they are.
    pub(crate) macs: Option<f64>,
    pub(crate) params: Option<f64>,
}

/// A device with a runtime, as one measures it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Board {
    pub(crate) name: String,
    /// Boards of one device are left out together.
    pub(crate) device: String,
    /// Costs by name of the model.
    pub(crate) cells: BTreeMap<String, f64>,
    /// Median over minimum of a run by name of the model, where a table says so.
    pub(crate) unsteady: BTreeMap<String, f64>,
}

/// One kind of cost.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dataset {
    /// What it is called in the output.
    pub(crate) name: &'static str,
    pub(crate) models: Vec<Model>,
    pub(crate) boards: Vec<Board>,
}

impl Dataset {
    /// With the models of another table too, so that its boards can be asked about; its
    /// measurements stay out.
    pub(crate) fn joined(&self, other: &Self) -> Self {
        let mut joined = self.clone();
        let unknown = |model: &&Model| !self.models.iter().any(|own| own.name == model.name);
        joined.models.extend(other.models.iter().filter(unknown).cloned());
        joined
    }

    /// The cells of a board in the order of the models.
    pub(crate) fn column(&self, board: &Board) -> Vec<Option<f64>> {
        self.models.iter().map(|model| board.cells.get(&model.name).copied()).collect()
    }
}

/// All tables of a folder that are there.
pub(crate) fn read(folder: &Path) -> Result<Vec<Dataset>, TableError> {
    let mut found = Vec::new();
    found.extend(zoo::latency(folder)?);
    found.extend(zoo::energy(folder)?);
    found.extend(ncnn::read(folder)?);
    found.extend(help::nasbench(folder)?);
    found.extend(help::fbnet(folder)?);
    found.extend(memory::netspresso(folder)?);
    found.extend(memory::aihub(folder)?);
    found.extend(fleet::read(folder)?);
    Ok(found)
}

/// Measurements of one pair, gathered; the cost is their median.
#[derive(Debug, Default)]
struct Gathered {
    models: BTreeMap<String, Model>,
    /// By board: its device, and measurements by model.
    boards: BTreeMap<String, (String, BTreeMap<String, Vec<f64>>)>,
    /// By board and model: median over minimum of the last run.
    unsteady: BTreeMap<String, BTreeMap<String, f64>>,
}

impl Gathered {
    fn add(
        &mut self,
        model: impl FnOnce() -> Model,
        name: &str,
        board: &str,
        device: &str,
        cost: f64,
    ) {
        self.models.entry(name.to_owned()).or_insert_with(model);
        let (_, cells) = self
            .boards
            .entry(board.to_owned())
            .or_insert_with(|| (device.to_owned(), BTreeMap::new()));
        cells.entry(name.to_owned()).or_default().push(cost);
    }

    /// Leaves each device its board with most models.
    fn one_board_a_device(&mut self) {
        let mut best: BTreeMap<String, (usize, String)> = BTreeMap::new();
        for (name, (device, cells)) in &self.boards {
            let found = best.entry(device.clone()).or_insert((cells.len(), name.clone()));
            if cells.len() > found.0 {
                *found = (cells.len(), name.clone());
            }
        }
        self.boards.retain(|name, (device, _)| best.get(device).is_some_and(|b| b.1 == *name));
    }

    /// Boards with at least so many models.
    fn finish(self, name: &'static str, least: usize) -> Option<Dataset> {
        let boards: Vec<Board> = self
            .boards
            .into_iter()
            .filter(|(_, (_, cells))| cells.len() >= least)
            .map(|(name, (device, cells))| {
                let cells =
                    cells.into_iter().map(|(model, costs)| (model, median(costs))).collect();
                let unsteady = self.unsteady.get(&name).cloned().unwrap_or_default();
                Board { name, device, cells, unsteady }
            })
            .collect();
        let used = |model: &Model| boards.iter().any(|board| board.cells.contains_key(&model.name));
        let mut models: Vec<Model> = self.models.into_values().filter(used).collect();
        complete(&mut models);
        (boards.len() > 1).then_some(Dataset { name, models, boards })
    }
}

/// An amount that no table gives for a model is taken as the median of the others'.
fn complete(models: &mut [Model]) {
    let width = models.iter().map(|model| model.traits.amounts.len()).max().unwrap_or(0);
    for feature in 0..width {
        let value = |model: &Model| model.traits.amounts.get(feature).copied();
        let known: Vec<f64> = models.iter().filter_map(value).filter(|v| v.is_finite()).collect();
        let stand_in = if known.is_empty() { 0.0 } else { median(known) };
        for model in models.iter_mut() {
            match model.traits.amounts.get_mut(feature) {
                Some(amount) if !amount.is_finite() => *amount = stand_in,
                _ => {}
            }
        }
    }
}
