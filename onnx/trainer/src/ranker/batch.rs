//! Facts as tensors: what a network is shown of tasks, models and boards.

use candle_core::{Device, Result, Tensor};
use umbra::rank::spider::{CLASS, GROUPS, HARDWARE, VIEWS};

use super::facts::{Facts, Task};
use super::fit::Recipe;
use super::network::{Batch, Normal};
use super::prior::Expected;
use super::wide::{Asked, Look, Wide};

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

    pub(crate) fn all(&self, rows: &[Vec<f32>]) -> Vec<Vec<f32>> {
        rows.iter().map(|row| self.apply(row)).collect()
    }
}

/// The scales of what a network reads.
#[derive(Debug, Clone)]
pub(crate) struct Scales {
    pub(crate) portraits: Scale,
    pub(crate) classes: Scale,
    pub(crate) hardware: Scale,
}

impl Scales {
    /// From all models, and the classes and boards of some tasks.
    pub(crate) fn of(facts: &Facts, tasks: &[&Task]) -> Self {
        let classes: Vec<Vec<f32>> =
            tasks.iter().flat_map(|task| task.classes.iter().cloned()).collect();
        let boards: Vec<Vec<f32>> = tasks.iter().map(|task| task.hardware.to_vec()).collect();
        let portraits = Scale::of(&facts.portraits);
        Self { portraits, classes: Scale::of(&classes), hardware: Scale::of(&boards) }
    }

    /// What the classes of a task look like.
    pub(crate) fn look(&self, task: &Task) -> Look {
        let mut look = [0.0; CLASS];
        for class in self.classes.all(&task.classes) {
            let share = 1.0 / task.classes.len() as f64;
            look.iter_mut().zip(class).for_each(|(sum, of)| *sum += share * f64::from(of));
        }
        look
    }
}

/// A task with what its candidates saw of it, and what is expected of every model before that.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) task: &'a Task,
    pub(crate) views: &'a [[f32; VIEWS]],
    pub(crate) expected: &'a [Expected],
}

/// Who looks: its scales, and what its wide part says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Eyes<'a> {
    pub(crate) scales: &'a Scales,
    pub(crate) wide: Option<&'a Wide>,
    /// Whether the wide part is told of the classes.
    pub(crate) classes: bool,
}

impl Eyes<'_> {
    /// Tensors of tasks, and of rows, which need not be one a task.
    pub(crate) fn batch(&self, facts: &Facts, tasks: &[&Task], rows: &[Row<'_>]) -> Result<Batch> {
        let (models, cpu, count) = (facts.models.len(), &Device::Cpu, tasks.len());
        let most = tasks.iter().map(|task| task.classes.len()).max().unwrap_or(1);
        let width = self.scales.classes.mean.len();
        let (mut classes, mut padding, mut boards) = (Vec::new(), Vec::new(), Vec::new());
        for task in tasks {
            let board = self.scales.hardware.apply(&task.hardware);
            let inside = groups();
            let cells = inside.iter().zip(board.iter().cycle());
            boards.extend(cells.map(|(inside, number)| inside * number));
            for at in 0..most {
                let class = task.classes.get(at).map(|row| self.scales.classes.apply(row));
                padding.push(if class.is_some() { 0.0_f32 } else { 1.0 });
                classes.extend(class.unwrap_or_else(|| vec![0.0; width]));
            }
        }
        let (views, wide): (Vec<_>, Vec<_>) =
            rows.iter().map(|row| self.of_models(row, models)).unzip();
        Ok(Batch {
            portraits: Tensor::new(self.scales.portraits.all(&facts.portraits), cpu)?,
            views: Tensor::from_vec(views.concat(), (rows.len(), models, VIEWS), cpu)?,
            classes: Tensor::from_vec(classes, (count, most, width), cpu)?,
            padding: Tensor::from_vec(padding, (count, 1, most), cpu)?,
            hardware: Tensor::from_vec(boards, (count, GROUPS.len(), HARDWARE), cpu)?,
            wide: Tensor::from_vec(wide.concat(), (rows.len(), models), cpu)?,
        })
    }

    /// Views of all models, and what the wide part makes of them; 0 of those that are no candidates.
    fn of_models(&self, row: &Row<'_>, models: usize) -> (Vec<f32>, Vec<f32>) {
        let (mut all, mut scores) = (vec![[0.0; VIEWS]; models], vec![0.0; models]);
        let look = if self.classes { self.scales.look(row.task) } else { [0.0; CLASS] };
        for (model, views) in row.task.candidates.iter().zip(row.views) {
            if let Some(place) = all.get_mut(*model) {
                *place = *views;
            }
            let asked = row.expected.get(*model).zip(self.wide).zip(scores.get_mut(*model));
            if let Some(((expected, wide), score)) = asked {
                *score = wide.score(&Asked { views, expected, look: &look }) as f32;
            }
        }
        (all.concat(), scores)
    }
}

/// What is seen of the tasks in training: of each as many sets of views as there are.
pub(crate) struct Seen {
    /// The tasks; views and the wide part of all sets, one task's after another's.
    all: Batch,
    /// Where each task's sets begin, and how many there are.
    sets: Vec<(usize, usize)>,
}

impl Seen {
    /// Of tasks, with what is expected of all models for each.
    pub(crate) fn new(
        facts: &Facts,
        tasks: &[&Task],
        expected: &[Vec<Expected>],
        eyes: Eyes<'_>,
    ) -> Result<Self> {
        let (mut rows, mut sets) = (Vec::new(), Vec::new());
        for (task, expected) in tasks.iter().zip(expected) {
            sets.push((rows.len(), task.views.len()));
            rows.extend(task.views.iter().map(|views| Row { task, views, expected }));
        }
        Ok(Self { all: eyes.batch(facts, tasks, &rows)?, sets })
    }

    /// One set of views of each task; classes with noise, portraits with holes.
    pub(crate) fn drawn(&self, recipe: &Recipe, chance: &mut Normal) -> Result<Batch> {
        let of = |(from, count): &(usize, usize)| (from + chance.0.below(*count)) as u32;
        let places: Vec<u32> = self.sets.iter().map(of).collect();
        let places = Tensor::new(places, &Device::Cpu)?;
        let mut batch = self.all.clone();
        batch.views = batch.views.index_select(&places, 0)?;
        batch.wide = batch.wide.index_select(&places, 0)?;
        disturbed(batch, recipe, chance)
    }
}

fn disturbed(mut seen: Batch, recipe: &Recipe, chance: &mut Normal) -> Result<Batch> {
    if recipe.uses.classes && recipe.noise > 0.0 {
        let count = seen.classes.elem_count();
        let noise: Vec<f32> = (0..count).map(|_| (recipe.noise * chance.draw()) as f32).collect();
        let noise = Tensor::from_vec(noise, seen.classes.shape(), &Device::Cpu)?;
        seen.classes = (seen.classes + noise)?;
    }
    if recipe.dropped > 0.0 {
        let kept = (1.0 / (1.0 - recipe.dropped)) as f32;
        let mut hole = || if chance.0.unit() < recipe.dropped { 0.0 } else { kept };
        let holes: Vec<f32> = (0..seen.portraits.elem_count()).map(|_| hole()).collect();
        let holes = Tensor::from_vec(holes, seen.portraits.shape(), &Device::Cpu)?;
        seen.portraits = (seen.portraits * holes)?;
    }
    Ok(seen)
}

/// 1 inside of a group, groups x numbers.
pub(crate) fn groups() -> Vec<f32> {
    let row = |group: &std::ops::Range<usize>| {
        (0..HARDWARE).map(|at| f32::from(u8::from(group.contains(&at)))).collect::<Vec<f32>>()
    };
    GROUPS.iter().flat_map(row).collect()
}
