//! What Spider has to be better than: the metrics, fused by the laboratory's ridge on exactly these
//! tasks (docs/laboratory.md), every dataset left out in turn.
//!
//! One form knows, beside the three scores, how each model really does on the other datasets; such
//! a prior must be stated in the sidecars. The other knows the scores alone.

use candle_core::Result;
use umbra::rank::spider::{VIEWS, Viewed, views};

use super::facts::{Facts, Task};
use super::judge::{Judged, agreement, mean, standard};
use super::prior::{Lesson, share, standing};
use super::ridge::Ridge;

/// The laboratory's penalty.
const PENALTY: f64 = 0.03;
/// Numbers of a row of views that the three scores and their means over kin are.
const SCORES: usize = 9;
/// Those of one of them.
const ONE: usize = 3;

/// Judges the fused metrics, one dataset left out after another.
pub(crate) fn left_out(facts: &Facts, name: &str, prior: bool) -> Result<Judged> {
    let standings: Vec<Vec<f64>> = facts.tasks.iter().map(|task| standard(&task.truth)).collect();
    let lessons: Vec<Lesson<'_>> =
        facts.tasks.iter().zip(standings.iter().map(Vec::as_slice)).collect();
    let mut datasets = Vec::new();
    for held in facts.datasets() {
        let (asked, rest): (Vec<Lesson<'_>>, Vec<Lesson<'_>>) =
            lessons.iter().copied().partition(|(task, _)| task.dataset == held);
        let fused = Fused { facts, known: &rest, prior };
        let weights = fused.fit()?;
        let score = |row: &Vec<f64>| row.iter().zip(&weights).map(|(x, weight)| x * weight).sum();
        let each = asked.iter().map(|(task, _)| {
            let scores: Vec<f64> = fused.rows(task).iter().map(score).collect();
            agreement(task, &scores)
        });
        datasets.push(mean(&each.collect::<Vec<_>>()));
    }
    Ok(Judged { name: name.to_owned(), datasets })
}

/// The metrics as they are fused from what is known.
struct Fused<'a> {
    facts: &'a Facts,
    known: &'a [Lesson<'a>],
    prior: bool,
}

impl Fused<'_> {
    fn fit(&self) -> Result<Vec<f64>> {
        let width = if self.prior { ONE + SCORES } else { SCORES };
        let mut ridge = Ridge::new(width);
        for (task, at) in self.known {
            ridge.add(&self.rows(task), at, share(task, self.known));
        }
        ridge.solve(&vec![PENALTY; width])
    }

    /// A row for each candidate; its prior is from datasets that are known, the task's own not among them.
    fn rows(&self, task: &Task) -> Vec<Vec<f64>> {
        let number = |row: &[f32; VIEWS], count: usize| -> Vec<f64> {
            row.iter().take(count).map(|value| f64::from(*value)).collect()
        };
        let mut rows: Vec<Vec<f64>> = task.seen().iter().map(|row| number(row, SCORES)).collect();
        if self.prior {
            for (row, prior) in rows.iter_mut().zip(self.priors(task)) {
                row.extend(number(&prior, ONE));
            }
        }
        rows
    }

    /// The prior as the agent reads any view: standardised, and its means over kin.
    fn priors(&self, task: &Task) -> Vec<[f32; VIEWS]> {
        let priors = standing(self.facts.models.len(), self.known, Some(&task.dataset));
        let viewed = task.candidates.iter().filter_map(|model| {
            let kin = self.facts.kin.get(*model)?.clone();
            Some(Viewed { scores: [*priors.get(*model)?, None, None], kin })
        });
        views(&viewed.collect::<Vec<_>>(), 1)
    }
}
