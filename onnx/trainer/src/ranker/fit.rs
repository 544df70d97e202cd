//! Training: full batches, AdamW, a cosine schedule; the same seed gives the same network.

use candle_core::{Device, Result, Tensor};
use candle_nn::{AdamW, Optimizer, ParamsAdamW};
use umbra::base::random::SplitMix64;
use umbra::rank::spider::{GROUPS, HARDWARE, VIEWS};

use super::facts::{Facts, Task};
use super::loss::Orders;
use super::network::{Batch, Network, Normal, Sizes};

/// What may be chosen about training.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recipe {
    /// Numbers of a token.
    pub(crate) token: usize,
    /// Whether classes, views and learned tokens are used.
    pub(crate) uses: Uses,
    /// Passes over all tasks.
    pub(crate) passes: usize,
    /// Highest rate of AdamW.
    pub(crate) rate: f64,
    /// Its weight decay.
    pub(crate) decay: f64,
    /// Deviation of noise on standardised prototypes, so that a dataset is not known by heart.
    pub(crate) noise: f64,
    /// Share of portraits' numbers that are dropped in a pass.
    pub(crate) dropped: f64,
    /// Where the order that is learned comes from.
    pub(crate) teacher: Teacher,
}

/// Parts of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Uses {
    /// Prototypes of the task.
    pub(crate) classes: bool,
    /// Scores of the samples.
    pub(crate) views: bool,
    /// A learned token for each model.
    pub(crate) learned: bool,
    /// The board.
    pub(crate) hardware: bool,
}

/// Who says which order is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Teacher {
    /// The accuracies.
    Truth,
    /// The mean rank of the scores: what can be had without any training run.
    Scores,
}

impl Recipe {
    fn sizes(&self, facts: &Facts) -> Sizes {
        let features =
            facts.tasks.first().and_then(|task| task.classes.first()).map_or(0, Vec::len);
        Sizes {
            portrait: facts.portraits.first().map_or(0, Vec::len),
            views: if self.uses.views { VIEWS } else { 0 },
            features: if self.uses.classes { features } else { 0 },
            hardware: if self.uses.hardware { HARDWARE } else { 0 },
            token: self.token,
            learned: if self.uses.learned { facts.models.len() } else { 0 },
        }
    }
}

/// Means and deviations of a column, from what is trained on.
#[derive(Debug, Clone)]
pub(crate) struct Scale {
    /// Mean of each column.
    pub(crate) mean: Vec<f32>,
    /// One over the deviation of each column; 0 where it never changes.
    pub(crate) inverse: Vec<f32>,
}

impl Scale {
    pub(crate) fn of(rows: &[Vec<f32>]) -> Self {
        let width = rows.first().map_or(0, Vec::len);
        let count = rows.len().max(1) as f64;
        let column =
            |at: usize| rows.iter().map(move |row| f64::from(row.get(at).copied().unwrap_or(0.0)));
        let mean: Vec<f64> = (0..width).map(|at| column(at).sum::<f64>() / count).collect();
        let inverse = mean.iter().enumerate().map(|(at, mean)| {
            let variance = column(at).map(|value| (value - mean).powi(2)).sum::<f64>() / count;
            if variance > 1e-12 { (1.0 / variance.sqrt()) as f32 } else { 0.0 }
        });
        Self { inverse: inverse.collect(), mean: mean.iter().map(|mean| *mean as f32).collect() }
    }

    pub(crate) fn apply(&self, row: &[f32]) -> Vec<f32> {
        let scales = self.mean.iter().zip(&self.inverse);
        row.iter().zip(scales).map(|(value, (mean, inverse))| (value - mean) * inverse).collect()
    }
}

/// A trained network with the scales of what it reads, and the loss of every pass.
#[derive(Debug)]
pub(crate) struct Fitted {
    pub(crate) network: Network,
    pub(crate) portraits: Scale,
    pub(crate) classes: Scale,
    pub(crate) hardware: Scale,
    pub(crate) curve: Vec<f64>,
}

/// Trains on some of the tasks.
pub(crate) fn fit(facts: &Facts, tasks: &[&Task], recipe: &Recipe, seed: u64) -> Result<Fitted> {
    let portraits = Scale::of(&facts.portraits);
    let prototypes: Vec<Vec<f32>> =
        tasks.iter().flat_map(|task| task.classes.iter().cloned()).collect();
    let classes = Scale::of(&prototypes);
    let boards: Vec<Vec<f32>> = tasks.iter().map(|task| task.hardware.to_vec()).collect();
    let hardware = Scale::of(&boards);
    let network = Network::new(recipe.sizes(facts), seed)?;
    let mut fitted = Fitted { network, portraits, classes, hardware, curve: Vec::new() };
    let orders = orders(tasks, recipe.teacher)?;
    let batch = batch(facts, tasks, &fitted)?;
    let settings =
        ParamsAdamW { lr: recipe.rate, weight_decay: recipe.decay, ..ParamsAdamW::default() };
    let variables = fitted.network.weights.values().cloned().collect();
    let mut optimiser = AdamW::new(variables, settings)?;
    let mut chance = Normal(SplitMix64::new(seed ^ 0x6e6f_6973));
    for pass in 0..recipe.passes {
        let done = pass as f64 / recipe.passes as f64;
        optimiser
            .set_learning_rate(recipe.rate * 0.5 * (1.0 + (std::f64::consts::PI * done).cos()));
        let seen = disturbed(&batch, recipe, &mut chance)?;
        let loss = orders.loss(&fitted.network.scores(&seen)?)?;
        fitted.curve.push(f64::from(loss.to_scalar::<f32>()?));
        optimiser.backward_step(&loss)?;
    }
    Ok(fitted)
}

/// Scores of the candidates of each task, in their order.
pub(crate) fn predict(facts: &Facts, tasks: &[&Task], fitted: &Fitted) -> Result<Vec<Vec<f64>>> {
    let scores = fitted.network.scores(&batch(facts, tasks, fitted)?)?.to_vec2::<f32>()?;
    let of = |(row, task): (&Vec<f32>, &&Task)| -> Vec<f64> {
        let score = |model: &usize| row.get(*model).copied().map_or(f64::NEG_INFINITY, f64::from);
        task.candidates.iter().map(score).collect()
    };
    Ok(scores.iter().zip(tasks).map(of).collect())
}

/// Every dataset of equal weight, and every task within it.
fn orders(tasks: &[&Task], teacher: Teacher) -> Result<Orders> {
    let of = |dataset: &str| tasks.iter().filter(|task| task.dataset == dataset).count() as f64;
    let shares: Vec<f64> = tasks.iter().map(|task| 1.0 / of(&task.dataset)).collect();
    let sum: f64 = shares.iter().sum();
    let shares: Vec<f64> = shares.iter().map(|share| share / sum).collect();
    let lists: Vec<Vec<usize>> = tasks
        .iter()
        .map(|task| match teacher {
            Teacher::Truth => task.best_first(&task.truth),
            Teacher::Scores => task.best_first(&super::judge::mean_rank(task)),
        })
        .collect();
    Orders::new(&lists, &shares)
}

fn batch(facts: &Facts, tasks: &[&Task], fitted: &Fitted) -> Result<Batch> {
    let (models, cpu) = (facts.models.len(), &Device::Cpu);
    let portraits: Vec<Vec<f32>> =
        facts.portraits.iter().map(|portrait| fitted.portraits.apply(portrait)).collect();
    let most = tasks.iter().map(|task| task.classes.len()).max().unwrap_or(1);
    let width = fitted.classes.mean.len();
    let blank = [0.0; VIEWS];
    let (mut views, mut classes, mut padding) = (Vec::new(), Vec::new(), Vec::new());
    let (mut boards, groups) = (Vec::new(), groups());
    for task in tasks {
        let mut rows = vec![blank; models];
        for (model, row) in task.candidates.iter().zip(&task.views) {
            if let Some(place) = rows.get_mut(*model) {
                *place = *row;
            }
        }
        views.extend(rows.concat());
        let board = fitted.hardware.apply(&task.hardware);
        boards.extend(
            groups.iter().zip(board.iter().cycle()).map(|(inside, number)| inside * number),
        );
        for at in 0..most {
            let class = task.classes.get(at);
            padding.push(if class.is_some() { 0.0_f32 } else { 1.0 });
            classes.extend(class.map_or_else(|| vec![0.0; width], |row| fitted.classes.apply(row)));
        }
    }
    let count = tasks.len();
    Ok(Batch {
        portraits: Tensor::new(portraits, cpu)?,
        views: Tensor::from_vec(views, (count, models, blank.len()), cpu)?,
        classes: Tensor::from_vec(classes, (count, most, width), cpu)?,
        padding: Tensor::from_vec(padding, (count, 1, most), cpu)?,
        hardware: Tensor::from_vec(boards, (count, GROUPS.len(), HARDWARE), cpu)?,
    })
}

/// 1 inside of a group, groups x numbers.
pub(crate) fn groups() -> Vec<f32> {
    let row = |group: &std::ops::Range<usize>| {
        (0..HARDWARE).map(|at| f32::from(u8::from(group.contains(&at)))).collect::<Vec<f32>>()
    };
    GROUPS.iter().flat_map(row).collect()
}

/// What is seen in one pass: prototypes with noise, portraits with holes.
fn disturbed(batch: &Batch, recipe: &Recipe, chance: &mut Normal) -> Result<Batch> {
    let mut seen = batch.clone();
    if recipe.uses.classes && recipe.noise > 0.0 {
        let count = batch.classes.elem_count();
        let noise: Vec<f32> = (0..count).map(|_| (recipe.noise * chance.draw()) as f32).collect();
        seen.classes =
            (&batch.classes + Tensor::from_vec(noise, batch.classes.shape(), &Device::Cpu)?)?;
    }
    if recipe.dropped > 0.0 {
        let kept = (1.0 / (1.0 - recipe.dropped)) as f32;
        let mut hole = || if chance.0.unit() < recipe.dropped { 0.0 } else { kept };
        let holes: Vec<f32> = (0..batch.portraits.elem_count()).map(|_| hole()).collect();
        seen.portraits =
            (&batch.portraits * Tensor::from_vec(holes, batch.portraits.shape(), &Device::Cpu)?)?;
    }
    Ok(seen)
}
