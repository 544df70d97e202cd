//! Episodes: what the network reads of models that were not measured, and what it should say.

use umbra::base::random::SplitMix64;
use umbra::model::Work;
use umbra::rank::cost::residual::{BOARD, Cost, MODEL, board, model};
use umbra::rank::cost::roofline::latency;
use umbra::rank::cost::{CostError, Pool, choose_anchors};

use crate::prepared::priors;
use crate::tables::{Board, Dataset};

/// Measured models of an episode; of the last as many as half of the board's. None is no
/// episode: the rates are then the prior's, which tells by what it lacks whose board it does not know.
const ANCHORS: [usize; 5] = [3, 5, 10, 20, usize::MAX];
/// Episodes of each board and number.
const DRAWS: usize = 3;
/// Models of an episode that are learned from, at most.
const LESSONS: usize = 40;
const SEED: u64 = 77;

/// Models on boards, with the error of the rates.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    pub(crate) models: Vec<[f32; MODEL]>,
    pub(crate) boards: Vec<[f32; BOARD]>,
    /// By how much the logarithm of the sum is too small.
    pub(crate) errors: Vec<f32>,
    /// What the rates take for its deviation.
    pub(crate) expected: Vec<f32>,
    /// Which device each is from,
    pub(crate) devices: Vec<usize>,
    /// of these.
    pub(crate) names: Vec<String>,
}

impl Rows {
    /// Those of some devices.
    pub(crate) fn of(&self, wanted: impl Fn(usize) -> bool) -> Self {
        let mut found = Self { names: self.names.clone(), ..Self::default() };
        let inside = self.devices.iter().enumerate().filter(|(_, device)| wanted(**device));
        for (at, device) in inside {
            found.models.extend(self.models.get(at));
            found.boards.extend(self.boards.get(at));
            found.errors.extend(self.errors.get(at));
            found.expected.extend(self.expected.get(at));
            found.devices.push(*device);
        }
        found
    }

    /// With those of another table; devices of one name are one.
    pub(crate) fn join(&mut self, other: Self) {
        let place = |name: &String| match self.names.iter().position(|own| own == name) {
            Some(place) => place,
            None => {
                self.names.push(name.clone());
                self.names.len() - 1
            }
        };
        let places: Vec<usize> = other.names.iter().map(place).collect();
        self.models.extend(other.models);
        self.boards.extend(other.boards);
        self.errors.extend(other.errors);
        self.expected.extend(other.expected);
        self.devices.extend(other.devices.iter().filter_map(|device| places.get(*device).copied()));
    }
}

/// Episodes of some boards of a table; none where no model has nodes.
pub(crate) fn rows(table: &Dataset, boards: &[&Board], cost: Cost) -> Result<Rows, CostError> {
    let mut devices: Vec<&str> = boards.iter().map(|board| board.device.as_str()).collect();
    devices.sort_unstable();
    devices.dedup();
    let mut random = SplitMix64::new(SEED);
    let names = devices.iter().map(|name| (*name).to_owned()).collect();
    let mut rows = Rows { names, ..Rows::default() };
    for (at, device) in devices.iter().enumerate() {
        let (own, others): (Vec<&Board>, Vec<&Board>) =
            boards.iter().partition(|board| board.device == *device);
        let Some(prior) = priors(table, &others)? else { continue };
        let columns: Vec<_> = others.iter().map(|board| table.column(board)).collect();
        let pool = Pool::of(table.models.len(), &columns)?;
        for board in own {
            let episode = Episode { table, pool: &pool, prior: &prior, board, cost };
            for (count, _) in ANCHORS.iter().flat_map(|count| (0..DRAWS).map(move |n| (count, n))) {
                episode.add(*count, at, &mut random, &mut rows)?;
            }
        }
    }
    Ok(rows)
}

/// One board under a prior that does not know it.
struct Episode<'a> {
    table: &'a Dataset,
    pool: &'a Pool,
    prior: &'a crate::rates::Prior,
    board: &'a Board,
    cost: Cost,
}

impl Episode<'_> {
    /// Measures so many models, and adds what the rates make of some others.
    fn add(
        &self,
        count: usize,
        device: usize,
        random: &mut SplitMix64,
        rows: &mut Rows,
    ) -> Result<(), CostError> {
        let column = self.table.column(self.board);
        let known: Vec<usize> = (0..column.len())
            .filter(|at| column.get(*at).is_some_and(Option::is_some))
            .filter(|at| self.work(*at).is_some_and(|work| !work.is_empty()))
            .collect();
        let count = count.min(known.len() / 2);
        let measured = choose_anchors(self.pool, &known, count, random);
        let ln = |at: &usize| Some((*at, column.get(*at).copied().flatten()?.ln()));
        let posterior = self.prior.given(&measured.iter().filter_map(ln).collect::<Vec<_>>())?;
        let rates = self.prior.rates(&posterior);
        let numbers = board(&rates, count, self.cost);
        let mut rest: Vec<usize> = known.into_iter().filter(|at| !measured.contains(at)).collect();
        random.shuffle(&mut rest);
        for at in rest.into_iter().take(LESSONS) {
            let (Some(work), Some((_, cost))) = (self.work(at), ln(&at)) else { continue };
            let expected = self.prior.deviation(&posterior, at);
            if let (Some(found), Some(sum)) = (model(&rates, work, expected), latency(&rates, work))
            {
                rows.models.push(found);
                rows.boards.push(numbers);
                rows.errors.push((cost - sum.0.ln()) as f32);
                rows.expected.push(expected as f32);
                rows.devices.push(device);
            }
        }
        Ok(())
    }

    fn work(&self, model: usize) -> Option<&[Work]> {
        self.table.models.get(model).map(|model| model.work.as_slice())
    }
}
