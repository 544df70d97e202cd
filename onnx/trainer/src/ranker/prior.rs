//! What is expected of a model before it has seen the task: how well it stands on the average
//! dataset, learned from portraits by kernel ridge regression with a quadratic kernel.
//!
//! Beside its own standing are expected those of its source and of its family, as a view of the samples has
//! the means over a candidate's kin beside its own value. All three come from the portrait.

use candle_core::Result;
use umbra::rank::relevance::{Kin, Matrix, group_means};

use super::facts::Task;
use super::ridge::kernel;

/// Penalty; not tuned.
const PENALTY: f64 = 0.1;
/// Numbers that are expected: its own standing, that of its source, that of its family.
pub(crate) const EXPECTED: usize = 3;

/// What is expected of one model.
pub(crate) type Expected = [f64; EXPECTED];

/// A task and where each of its candidates stands, mean 0 and deviation 1.
pub(crate) type Lesson<'a> = (&'a Task, &'a [f64]);

/// Models that are learned from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Models<'a> {
    /// Their portraits, standardised.
    pub(crate) portraits: &'a [Vec<f32>],
    /// What they have in common.
    pub(crate) kin: &'a [Kin],
}

/// What portraits have to do with standings.
#[derive(Debug, Clone)]
pub(crate) struct Prior {
    /// Expected of a model that is like no other.
    pub(crate) constant: Expected,
    /// Models that it was fitted on.
    pub(crate) examples: Vec<Vec<f32>>,
    /// What each of them counts.
    pub(crate) weights: Vec<Expected>,
}

impl Prior {
    /// From lessons; of one dataset nothing is learned, if such a one is named. Expects nothing where no
    /// lesson is left.
    pub(crate) fn fit(
        models: Models<'_>,
        lessons: &[Lesson<'_>],
        without: Option<&str>,
    ) -> Result<Self> {
        let standing = standing(models.portraits.len(), lessons, without);
        let known: Vec<bool> = standing.iter().map(Option::is_some).collect();
        let own: Vec<f64> = standing.iter().map(|at| at.unwrap_or(0.0)).collect();
        let of_source = group_means(&own, models.kin, &known, Kin::source);
        let of_family = group_means(&own, models.kin, &known, Kin::family);
        let there = |column: &[f64]| -> Vec<f64> {
            column.iter().zip(&known).filter_map(|(at, known)| known.then_some(*at)).collect()
        };
        let examples = models.portraits.iter().zip(&known).filter(|(_, known)| **known);
        let examples: Vec<Vec<f32>> = examples.map(|(portrait, _)| portrait.clone()).collect();
        let of = |at: usize| examples.get(at).map_or(&[][..], Vec::as_slice);
        let likeness = Matrix::from_fn(examples.len(), examples.len(), |a, b| alike(of(a), of(b)));
        let (mut constant, mut weights) = ([0.0; EXPECTED], vec![[0.0; EXPECTED]; examples.len()]);
        for (at, column) in [own, of_source, of_family].iter().enumerate() {
            let values = there(column);
            let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
            let apart: Vec<f64> = values.iter().map(|value| value - mean).collect();
            constant.iter_mut().skip(at).take(1).for_each(|cell| *cell = mean);
            for (row, weight) in weights.iter_mut().zip(kernel(&likeness, PENALTY, &apart)?) {
                row.iter_mut().skip(at).take(1).for_each(|cell| *cell = weight);
            }
        }
        Ok(Self { constant, examples, weights })
    }

    /// What is expected of a portrait.
    pub(crate) fn of(&self, portrait: &[f32]) -> Expected {
        let mut expected = self.constant;
        for (example, weights) in self.examples.iter().zip(&self.weights) {
            let alike = alike(example, portrait);
            expected.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight * alike);
        }
        expected
    }

    /// What is expected of each portrait.
    pub(crate) fn all(&self, portraits: &[Vec<f32>]) -> Vec<Expected> {
        portraits.iter().map(|portrait| self.of(portrait)).collect()
    }
}

/// The kernel: likeness, squared.
fn alike(a: &[f32], b: &[f32]) -> f64 {
    let dot: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum();
    (1.0 + dot / a.len().max(1) as f64).powi(2)
}

/// Mean standing of every model over the datasets but one; of a dataset, the mean over its tasks.
pub(crate) fn standing(
    models: usize,
    lessons: &[Lesson<'_>],
    without: Option<&str>,
) -> Vec<Option<f64>> {
    let mut datasets: Vec<(&str, Vec<(f64, f64)>)> = Vec::new();
    for (task, at) in lessons.iter().filter(|(task, _)| Some(task.dataset.as_str()) != without) {
        if !datasets.iter().any(|(of, _)| *of == task.dataset) {
            datasets.push((&task.dataset, vec![(0.0, 0.0); models]));
        }
        let own = datasets.iter_mut().find(|(of, _)| *of == task.dataset);
        let Some((_, sums)) = own else { continue };
        for (model, at) in task.candidates.iter().zip(*at) {
            if let Some((sum, count)) = sums.get_mut(*model) {
                (*sum, *count) = (*sum + at, *count + 1.0);
            }
        }
    }
    let mean = |model: usize| {
        let each = datasets.iter().filter_map(|(_, sums)| sums.get(model));
        let each: Vec<f64> =
            each.filter(|(_, count)| *count > 0.0).map(|(sum, count)| sum / count).collect();
        (!each.is_empty()).then(|| each.iter().sum::<f64>() / each.len() as f64)
    };
    (0..models).map(mean).collect()
}

/// Every dataset of equal weight, and every task within it.
pub(crate) fn share(task: &Task, lessons: &[Lesson<'_>]) -> f64 {
    1.0 / lessons.iter().filter(|(of, _)| of.dataset == task.dataset).count().max(1) as f64
}

#[cfg(test)]
mod tests {
    use umbra::rank::spider::HARDWARE;
    use umbra::task::Targets;

    use super::*;

    fn task(dataset: &str, candidates: &[usize]) -> Task {
        Task {
            dataset: dataset.to_owned(),
            candidates: candidates.to_vec(),
            truth: Vec::new(),
            scores: Vec::new(),
            views: Vec::new(),
            classes: Vec::new(),
            hardware: [0.0; HARDWARE],
            costs: Vec::new(),
            targets: Targets::default(),
        }
    }

    #[test]
    fn datasets_count_alike_however_many_tasks_they_have() {
        let [a, b] = [task("a", &[0, 1]), task("b", &[1, 2])];
        let lessons: [Lesson<'_>; 3] = [(&a, &[1.0, -1.0]), (&a, &[3.0, -3.0]), (&b, &[1.0, -1.0])];
        assert_eq!(standing(4, &lessons, None), [Some(2.0), Some(-0.5), Some(-1.0), None]);
        assert_eq!(standing(4, &lessons, Some("a")), [None, Some(1.0), Some(-1.0), None]);
        assert_eq!([share(&a, &lessons), share(&b, &lessons)], [0.5, 1.0]);
    }

    #[test]
    fn more_is_expected_of_who_looks_like_the_good_ones() {
        let portraits = [vec![2.0, 0.3], vec![1.0, -0.3], vec![-1.0, 0.2], vec![-2.0, -0.2]];
        let kin = ["x", "x", "y", "y"].map(|source| Kin::named(Some(source), None));
        let models = Models { portraits: &portraits, kin: &kin };
        let only = task("a", &[0, 1, 2, 3]);
        let lessons: [Lesson<'_>; 1] = [(&only, &[1.2, 0.6, -0.5, -1.3])];
        let prior = Prior::fit(models, &lessons, None).unwrap();
        let [good, bad] = [[1.5, 0.0], [-1.5, 0.0]].map(|portrait| prior.of(&portrait));
        assert!(good.iter().zip(bad).all(|(good, bad)| *good > 0.3 + bad), "{good:?} {bad:?}");
        // Without any lesson nothing is expected of anybody.
        let none = Prior::fit(models, &lessons, Some("a")).unwrap();
        assert_eq!(none.all(&portraits), [[0.0; EXPECTED]; 4]);
    }
}
