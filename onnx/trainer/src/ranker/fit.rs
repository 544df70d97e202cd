//! Training: the wide part exactly, then the attention on what is left of it by full batches, AdamW and a
//! cosine schedule; the same seed gives the same network.
//!
//! In every pass each task is seen with few samples, with many, or with none: a device has all of that.

use candle_core::{Result, Tensor};
use candle_nn::{AdamW, Optimizer, ParamsAdamW};
use umbra::base::random::SplitMix64;
use umbra::rank::spider::{CLASS, HARDWARE, VIEWS};

use super::batch::{Eyes, Row, Scales, Seen};
use super::facts::{Facts, Task};
use super::judge::{mean_rank, standard};
use super::loss::{Orders, Standings};
use super::network::{Network, Normal, Sizes};
use super::prior::{Expected, Lesson, Models, share};
use super::wide::{Course, Look, Wide};

/// Share of the squared distance in the loss; the rest is listwise.
const SQUARED: f64 = 0.8;

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
    /// The wide part.
    pub(crate) wide: bool,
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

/// A trained network with the scales of what it reads, and the loss of every pass.
#[derive(Debug)]
pub(crate) struct Fitted {
    pub(crate) network: Network,
    pub(crate) scales: Scales,
    pub(crate) wide: Option<Wide>,
    pub(crate) curve: Vec<f64>,
}

impl Fitted {
    fn eyes(&self) -> Eyes<'_> {
        let classes = self.network.sizes.features > 0;
        Eyes { scales: &self.scales, wide: self.wide.as_ref(), classes }
    }
}

/// Trains on some of the tasks.
pub(crate) fn fit(facts: &Facts, tasks: &[&Task], recipe: &Recipe, seed: u64) -> Result<Fitted> {
    let taught: Vec<Vec<f64>> = tasks.iter().map(|task| recipe.teacher.says(task)).collect();
    let standings: Vec<Vec<f64>> = taught.iter().map(|values| standard(values)).collect();
    let lessons: Vec<Lesson<'_>> =
        tasks.iter().copied().zip(standings.iter().map(Vec::as_slice)).collect();
    let scales = Scales::of(facts, tasks);
    let (wide, expected) = match recipe.uses.wide {
        true => {
            let (wide, expected) = widely(facts, &lessons, &scales, recipe.uses)?;
            (Some(wide), expected)
        }
        false => (None, vec![Vec::new(); tasks.len()]),
    };
    let network = Network::new(recipe.sizes(facts), seed)?;
    if wide.is_some() {
        network.silence()?;
    }
    let mut fitted = Fitted { network, scales, wide, curve: Vec::with_capacity(recipe.passes) };
    let goal = Goal::new(facts, &lessons, &taught)?;
    let seen = Seen::new(facts, tasks, &expected, fitted.eyes())?;
    learn(&mut fitted, &seen, &goal, recipe, seed)?;
    Ok(fitted)
}

/// The wide part, with what is expected of all models for each lesson.
fn widely(
    facts: &Facts,
    lessons: &[Lesson<'_>],
    scales: &Scales,
    uses: Uses,
) -> Result<(Wide, Vec<Vec<Expected>>)> {
    let portraits = scales.portraits.all(&facts.portraits);
    let look = |task: &Task| if uses.classes { scales.look(task) } else { [0.0; CLASS] };
    let looks: Vec<Look> = lessons.iter().map(|(task, _)| look(task)).collect();
    let models = Models { portraits: &portraits, kin: &facts.kin };
    Wide::fit(Course { models, lessons, looks: &looks, sees: uses.views })
}

/// Trains the attention.
fn learn(fitted: &mut Fitted, seen: &Seen, goal: &Goal, recipe: &Recipe, seed: u64) -> Result<()> {
    let settings =
        ParamsAdamW { lr: recipe.rate, weight_decay: recipe.decay, ..ParamsAdamW::default() };
    let variables = fitted.network.weights.values().cloned().collect();
    let mut optimiser = AdamW::new(variables, settings)?;
    let mut chance = Normal(SplitMix64::new(seed ^ 0x6e6f_6973));
    for pass in 0..recipe.passes {
        let done = pass as f64 / recipe.passes as f64;
        optimiser
            .set_learning_rate(recipe.rate * 0.5 * (1.0 + (std::f64::consts::PI * done).cos()));
        let scores = fitted.network.scores(&seen.drawn(recipe, &mut chance)?)?;
        let loss = goal.loss(&scores, fitted.network.weight("sharpness")?)?;
        fitted.curve.push(f64::from(loss.to_scalar::<f32>()?));
        optimiser.backward_step(&loss)?;
    }
    Ok(())
}

/// What is to be learned of the tasks: both the order and the standings of their candidates.
struct Goal {
    orders: Orders,
    standings: Standings,
}

impl Goal {
    /// Every dataset of equal weight, and every task within it.
    fn new(facts: &Facts, lessons: &[Lesson<'_>], taught: &[Vec<f64>]) -> Result<Self> {
        let shares: Vec<f64> = lessons.iter().map(|(task, _)| share(task, lessons)).collect();
        let sum: f64 = shares.iter().sum();
        let shares: Vec<f64> = shares.iter().map(|share| share / sum).collect();
        let best_first =
            lessons.iter().zip(taught).map(|((task, _), taught)| task.best_first(taught));
        let lists: Vec<(&[usize], &[f64])> =
            lessons.iter().map(|(task, at)| (task.candidates.as_slice(), *at)).collect();
        Ok(Self {
            orders: Orders::new(&best_first.collect::<Vec<_>>(), &shares)?,
            standings: Standings::new(&lists, facts.models.len(), &shares)?,
        })
    }

    fn loss(&self, scores: &Tensor, sharpness: &Tensor) -> Result<Tensor> {
        let listwise = self.orders.loss(&scores.broadcast_mul(&sharpness.exp()?)?)?;
        (listwise * (1.0 - SQUARED))? + (self.standings.loss(scores)? * SQUARED)?
    }
}

/// Scores of the candidates of each task, in their order: after the samples that are judged by, or
/// before any.
pub(crate) fn predict(
    facts: &Facts,
    tasks: &[&Task],
    fitted: &Fitted,
    samples: bool,
) -> Result<Vec<Vec<f64>>> {
    let portraits = fitted.scales.portraits.all(&facts.portraits);
    let expected = fitted.wide.as_ref().map(|wide| wide.prior.all(&portraits)).unwrap_or_default();
    let expected = expected.as_slice();
    let mut rows = Vec::with_capacity(tasks.len());
    for task in tasks {
        let views = if samples { task.seen() } else { task.unseen() };
        rows.push(Row { task, views, expected });
    }
    let batch = fitted.eyes().batch(facts, tasks, &rows)?;
    let scores = fitted.network.scores(&batch)?.to_vec2::<f32>()?;
    let of = |(row, task): (&Vec<f32>, &&Task)| -> Vec<f64> {
        let score = |model: &usize| row.get(*model).copied().map_or(f64::NEG_INFINITY, f64::from);
        task.candidates.iter().map(score).collect()
    };
    Ok(scores.iter().zip(tasks).map(of).collect())
}

impl Teacher {
    /// What it says of the candidates, higher being better.
    fn says(self, task: &Task) -> Vec<f64> {
        match self {
            Self::Truth => task.truth.clone(),
            Self::Scores => mean_rank(task),
        }
    }
}
