//! Training: drawn batches in which every device is as likely, AdamW, a cosine schedule; the same
//! seed gives the same network. How long and how strictly is chosen on devices held out of those
//! that are trained on.

use candle_core::{Device, Result, Tensor};
use candle_nn::{AdamW, Optimizer, ParamsAdamW};
use umbra::base::random::SplitMix64;
use umbra::rank::cost::residual::{BOARD, CARD, Correction, MODEL};

use super::episodes::Rows;
use super::network::{Network, loss};
use crate::ranker::batch::Scale;

/// What may be chosen about training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Recipe {
    /// Whether what depends on the board is read, too.
    pub(crate) board: bool,
    /// Batches; without any nothing is corrected.
    pub(crate) steps: usize,
    /// Share of the numbers that are dropped.
    pub(crate) dropped: f64,
}

/// What is tried.
const RECIPES: [Recipe; 3] = [
    Recipe { board: false, steps: 0, dropped: 0.0 },
    Recipe { board: false, steps: 300, dropped: 0.0 },
    Recipe { board: true, steps: 300, dropped: 0.1 },
];
/// Width of the hidden layers.
const HIDDEN: usize = 16;
/// Highest rate of AdamW, its weight decay, and rows of a batch.
const RATE: f64 = 3e-3;
const DECAY: f64 = 0.1;
const BATCH: usize = 512;
/// One device in so many is held out to choose on.
pub(super) const FOLDS: usize = 3;
const SEED: u64 = 0;
/// Numbers farther from their mean, in deviations, are taken to be so far.
pub(super) const FAR: f32 = 3.0;

/// A trained network, with the scales of what it reads.
#[derive(Debug, Clone)]
pub(crate) struct Fitted {
    pub(crate) network: Network,
    pub(crate) models: Scale,
    pub(crate) boards: Scale,
    pub(crate) recipe: Recipe,
}

/// Chooses a recipe on held-out devices and trains on all; none without rows.
pub(crate) fn teach(rows: &Rows) -> Result<Option<Fitted>> {
    choose(rows, RECIPES)
}

fn choose<const N: usize>(rows: &Rows, recipes: [Recipe; N]) -> Result<Option<Fitted>> {
    if rows.errors.is_empty() {
        return Ok(None);
    }
    let held = |device: usize| device.is_multiple_of(FOLDS);
    let (seen, unseen) = (rows.of(|device| !held(device)), rows.of(held));
    let mut best: Option<(f64, Recipe)> = None;
    for recipe in recipes {
        let found = match seen.errors.is_empty() {
            true => 0.0,
            false => fit(&seen, recipe)?.miss(&unseen)?,
        };
        if best.is_none_or(|(least, _)| found < least) {
            best = Some((found, recipe));
        }
    }
    best.map(|(_, recipe)| fit(rows, recipe)).transpose()
}

/// Trains with one recipe.
pub(crate) fn fit(rows: &Rows, recipe: Recipe) -> Result<Fitted> {
    let mut fitted = Fitted {
        network: Network::new(HIDDEN, SEED)?,
        models: Scale::of(&rows.models.iter().map(|row| row.to_vec()).collect::<Vec<_>>()),
        boards: Scale::of(&rows.boards.iter().map(|row| row.to_vec()).collect::<Vec<_>>()),
        recipe,
    };
    if !recipe.board {
        // What is predicted stands last among the numbers of a board.
        let by_board = fitted.models.inverse.iter_mut().skip(CARD);
        let of_board = fitted.boards.inverse.iter_mut().take(BOARD - 1);
        by_board.chain(of_board).for_each(|inverse| *inverse = 0.0);
    }
    let settings = ParamsAdamW { lr: RATE, weight_decay: DECAY, ..ParamsAdamW::default() };
    let mut optimiser = AdamW::new(fitted.network.weights.values().cloned().collect(), settings)?;
    let mut random = SplitMix64::new(SEED ^ 0x7265_7374);
    let by_device = by_device(rows);
    for step in 0..recipe.steps {
        let done = step as f64 / recipe.steps as f64;
        optimiser.set_learning_rate(RATE * 0.5 * (1.0 + (std::f64::consts::PI * done).cos()));
        let drawn: Vec<usize> = (0..BATCH).filter_map(|_| draw(&by_device, &mut random)).collect();
        let (models, boards, errors) = fitted.tensors(rows, &drawn)?;
        let models = holes(&models, recipe.dropped, &mut random)?;
        let boards = holes(&boards, recipe.dropped, &mut random)?;
        let loss = loss(&fitted.network.corrections(&models, &boards)?, &errors)?;
        optimiser.backward_step(&loss)?;
    }
    Ok(fitted)
}

fn by_device(rows: &Rows) -> Vec<Vec<usize>> {
    let count = rows.devices.iter().max().map_or(0, |last| last + 1);
    let mut found = vec![Vec::new(); count];
    for (at, device) in rows.devices.iter().enumerate() {
        if let Some(own) = found.get_mut(*device) {
            own.push(at);
        }
    }
    found.retain(|own| !own.is_empty());
    found
}

fn draw(by_device: &[Vec<usize>], random: &mut SplitMix64) -> Option<usize> {
    let own = by_device.get(random.below(by_device.len()))?;
    own.get(random.below(own.len())).copied()
}

/// Some numbers dropped, the rest larger for it.
fn holes(x: &Tensor, share: f64, random: &mut SplitMix64) -> Result<Tensor> {
    let kept = (1.0 / (1.0 - share)) as f32;
    let mut hole = || if random.unit() < share { 0.0 } else { kept };
    let holes: Vec<f32> = (0..x.elem_count()).map(|_| hole()).collect();
    x * Tensor::from_vec(holes, x.shape(), &Device::Cpu)?
}

impl Fitted {
    /// What the network says of each row.
    pub(crate) fn say(
        &self,
        models: &[[f32; MODEL]],
        boards: &[[f32; BOARD]],
    ) -> Result<Vec<[f32; 2]>> {
        let (models, boards) = (standard(&self.models, models)?, standard(&self.boards, boards)?);
        let said = self.network.corrections(&models, &boards)?.flatten_all()?.to_vec1()?;
        Ok(said.as_chunks::<2>().0.to_vec())
    }

    /// Numbers of some rows, and their errors in expected deviations.
    fn tensors(&self, rows: &Rows, at: &[usize]) -> Result<(Tensor, Tensor, Tensor)> {
        let models: Vec<_> = at.iter().filter_map(|at| rows.models.get(*at).copied()).collect();
        let boards: Vec<_> = at.iter().filter_map(|at| rows.boards.get(*at).copied()).collect();
        let error = |at: &usize| Some(rows.errors.get(*at)? / rows.expected.get(*at)?);
        let errors: Vec<f32> = at.iter().filter_map(error).collect();
        let errors = Tensor::from_vec(errors, (at.len(), 1), &Device::Cpu)?;
        Ok((standard(&self.models, &models)?, standard(&self.boards, &boards)?, errors))
    }

    /// Corrections of rows.
    pub(crate) fn corrections(&self, rows: &Rows) -> Result<Vec<Correction>> {
        let said = self.say(&rows.models, &rows.boards)?;
        let expected = rows.expected.iter();
        Ok(said
            .iter()
            .zip(expected)
            .map(|(pair, d)| Correction::of(*pair, f64::from(*d)))
            .collect())
    }

    /// Mean over devices of the mean error of the logarithm that is left, whatever its sign.
    fn miss(&self, rows: &Rows) -> Result<f64> {
        let corrections = self.corrections(rows)?;
        let devices = by_device(rows);
        let left = |at: &usize| {
            Some((f64::from(*rows.errors.get(*at)?) - corrections.get(*at)?.mean).abs())
        };
        let means =
            devices.iter().map(|own| own.iter().filter_map(left).sum::<f64>() / own.len() as f64);
        Ok(means.sum::<f64>() / devices.len().max(1) as f64)
    }
}

fn standard<const N: usize>(scale: &Scale, rows: &[[f32; N]]) -> Result<Tensor> {
    let values: Vec<f32> =
        rows.iter().flat_map(|row| scale.apply(row)).map(|value| value.clamp(-FAR, FAR)).collect();
    Tensor::from_vec(values, (rows.len(), N), &Device::Cpu)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Devices on which models of many nodes cost more than adding up says.
    fn rows() -> Rows {
        let mut random = SplitMix64::new(9);
        let mut rows = Rows::default();
        for device in 0..6 {
            rows.names.push(format!("device {device}"));
            for _ in 0..200 {
                let mut model = [0.0; MODEL];
                model[0] = random.unit() as f32;
                let noise = 0.1 * (random.unit() - 0.5) as f32;
                rows.models.push(model);
                rows.boards.push([random.unit() as f32; BOARD]);
                rows.errors.push(0.4 * (model[0] - 0.5) + noise);
                rows.expected.push(0.12);
                rows.devices.push(device);
            }
        }
        rows
    }

    /// Few batches: tests are not optimised.
    fn recipes() -> [Recipe; 2] {
        [RECIPES[0], RECIPES[1]].map(|recipe| Recipe { steps: recipe.steps / 5, ..recipe })
    }

    #[test]
    fn what_all_devices_share_is_learned_and_the_same_seed_gives_the_same() {
        let rows = rows();
        let [nothing, something] = recipes();
        let fitted = choose(&rows, recipes()).unwrap().unwrap();
        assert_eq!(fitted.recipe, something);
        let untaught = fit(&rows, nothing).unwrap().miss(&rows).unwrap();
        let taught = fitted.miss(&rows).unwrap();
        assert!(taught < 0.9 * untaught, "{taught} {untaught}");
        let again = fit(&rows, something).unwrap();
        let say = |fitted: &Fitted| fitted.say(&rows.models, &rows.boards).unwrap();
        assert_eq!(say(&fitted), say(&again));
    }

    #[test]
    fn where_nothing_is_shared_nothing_is_corrected() {
        let mut rows = rows();
        for (error, device) in rows.errors.iter_mut().zip(&rows.devices) {
            *error = if device.is_multiple_of(FOLDS) { error.abs() } else { -error.abs() };
        }
        assert_eq!(choose(&rows, recipes()).unwrap().unwrap().recipe.steps, 0);
        assert!(teach(&Rows::default()).unwrap().is_none());
    }
}
