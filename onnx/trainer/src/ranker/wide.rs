//! The wide part of a ranker: what sums of products can say, fitted exactly before the attention learns
//! what is left (after arXiv 1606.07792).
//!
//! A ridge on what the samples' scores say and on what is [expected](super::prior) of the model. What
//! the expectation is worth depends on whether there are samples and on how many; what each number is worth
//! depends, a little, on what the classes look like. How little is chosen by leaving one dataset after
//! another out of those that are learned from. Each dataset is shown expectations from the others, so
//! that they get the worth that they have where nothing of a dataset is known.

use candle_core::Result;
use umbra::rank::spider::{CLASS, VIEWS};

use super::prior::{EXPECTED, Expected, Lesson, Models, Prior, share};
use super::ridge::Ridge;

/// Penalty of what does not depend on the classes: the laboratory's own. Not tuned here.
const RIDGE: f64 = 0.03;
/// Penalties of what does, one of which is chosen.
const PENALTIES: [f64; 6] = [0.03, 0.1, 0.3, 1.0, 3.0, 10.0];
/// Numbers of views that are not "seen" and "size".
const SAID: usize = VIEWS - 2;
/// The first of them, of all samples alike.
const PLAIN: usize = SAID / 2;
/// Numbers that do not depend on the classes, and those that do.
const STRAIGHT: usize = SAID + 3 * EXPECTED;
const WIDTH: usize = STRAIGHT + (PLAIN + 1) * CLASS;

/// What the classes of a task look like: the mean of their numbers, standardised.
pub(crate) type Look = [f64; CLASS];

/// What is asked about one candidate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) views: &'a [f32; VIEWS],
    pub(crate) expected: &'a Expected,
    pub(crate) look: &'a Look,
}

/// What is learned from: of each lesson its look, where classes are used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Course<'a> {
    pub(crate) models: Models<'a>,
    pub(crate) lessons: &'a [Lesson<'a>],
    pub(crate) looks: &'a [Look],
    /// Whether views are used.
    pub(crate) sees: bool,
}

/// The wide part.
#[derive(Debug, Clone)]
pub(crate) struct Wide {
    pub(crate) prior: Prior,
    weights: Vec<f64>,
}

impl Wide {
    /// Fitted on a course; beside it what is expected of all models for each lesson, without its dataset.
    pub(crate) fn fit(course: Course<'_>) -> Result<(Self, Vec<Vec<Expected>>)> {
        let prior = Prior::fit(course.models, course.lessons, None)?;
        let crossed = course.crossed()?;
        let datasets = course.equations(&crossed);
        let chosen = chosen(&datasets)?;
        let weights = Ridge::sum(WIDTH, datasets.iter()).solve(&penalties(chosen))?;
        Ok((Self { prior, weights }, crossed))
    }

    /// The score of a candidate.
    pub(crate) fn score(&self, asked: &Asked<'_>) -> f64 {
        let numbers = asked.numbers();
        numbers.iter().zip(&self.weights).map(|(number, weight)| number * weight).sum()
    }

    /// What a view is worth: by itself, and for each number of a look.
    pub(crate) fn of_view(&self, view: usize) -> (f64, [f64; CLASS]) {
        let by_look = |at| if view < PLAIN { self.at(STRAIGHT + view * CLASS + at) } else { 0.0 };
        let own = if view < SAID { self.at(view) } else { 0.0 };
        (own, std::array::from_fn(by_look))
    }

    /// What an expected number is worth: always, if samples were seen, for their number, and for each
    /// number of a look.
    pub(crate) fn of_expected(&self, number: usize) -> ([f64; 3], [f64; CLASS]) {
        let by_look = |at| if number == 0 { self.at(STRAIGHT + PLAIN * CLASS + at) } else { 0.0 };
        let own = |at| self.at(SAID + at * EXPECTED + number);
        (std::array::from_fn(own), std::array::from_fn(by_look))
    }

    fn at(&self, place: usize) -> f64 {
        self.weights.get(place).copied().unwrap_or(0.0)
    }
}

impl Asked<'_> {
    /// The numbers that are weighted.
    fn numbers(&self) -> Vec<f64> {
        let Self { views, expected, look } = self;
        let [said @ .., seen, size] = *views;
        let said = said.iter().map(|view| f64::from(*view));
        let gates = [1.0, f64::from(*seen), f64::from(*size)];
        let expected_here = gates.iter().flat_map(|gate| expected.iter().map(move |of| gate * of));
        let by_look = said.clone().take(PLAIN).chain(expected.first().copied());
        let by_look = by_look.flat_map(|number| look.iter().map(move |of| number * of));
        said.chain(expected_here).chain(by_look).collect()
    }
}

impl Course<'_> {
    /// What is expected of all models for each lesson, without its dataset.
    fn crossed(&self) -> Result<Vec<Vec<Expected>>> {
        let mut known: Vec<(&str, Vec<Expected>)> = Vec::new();
        for (task, _) in self.lessons {
            if !known.iter().any(|(of, _)| *of == task.dataset) {
                let prior = Prior::fit(self.models, self.lessons, Some(&task.dataset))?;
                known.push((&task.dataset, prior.all(self.models.portraits)));
            }
        }
        let of = |dataset: &str| known.iter().find(|(of, _)| *of == dataset);
        let own = self.lessons.iter().map(|(task, _)| of(&task.dataset));
        Ok(own.map(|own| own.map(|(_, each)| each.clone()).unwrap_or_default()).collect())
    }

    /// The normal equations of each dataset.
    fn equations(&self, crossed: &[Vec<Expected>]) -> Vec<Ridge> {
        let mut datasets: Vec<(&str, Ridge)> = Vec::new();
        for (((task, at), expected), look) in self.lessons.iter().zip(crossed).zip(self.looks) {
            if !datasets.iter().any(|(of, _)| *of == task.dataset) {
                datasets.push((&task.dataset, Ridge::new(WIDTH)));
            }
            let own = datasets.iter_mut().find(|(of, _)| *of == task.dataset);
            let Some((_, ridge)) = own else { continue };
            let blind = task.views.len().saturating_sub(1);
            let sets = task.views.iter().skip(if self.sees { 0 } else { blind });
            let share = share(task, self.lessons) / sets.len().max(1) as f64;
            for views in sets {
                let candidates = task.candidates.iter().zip(views);
                let numbers = candidates.filter_map(|(model, views)| {
                    Some(Asked { views, expected: expected.get(*model)?, look }.numbers())
                });
                ridge.add(&numbers.collect::<Vec<_>>(), at, share);
            }
        }
        datasets.into_iter().map(|(_, ridge)| ridge).collect()
    }
}

fn penalties(by_look: f64) -> Vec<f64> {
    (0..WIDTH).map(|at| if at < STRAIGHT { RIDGE } else { by_look }).collect()
}

/// The penalty that errs least, mean over datasets of which each is left out in turn.
fn chosen(datasets: &[Ridge]) -> Result<f64> {
    let mut best = (f64::INFINITY, f64::INFINITY);
    for penalty in PENALTIES {
        let mut error = 0.0;
        for (at, held) in datasets.iter().enumerate() {
            let others = datasets.iter().enumerate().filter(|(other, _)| *other != at);
            let others = Ridge::sum(WIDTH, others.map(|(_, ridge)| ridge));
            error += held.error(&others.solve(&penalties(penalty))?);
        }
        if error < best.0 {
            best = (error, penalty);
        }
    }
    Ok(best.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_what_its_parts_are_worth() {
        let prior = Prior { constant: [0.0; EXPECTED], examples: Vec::new(), weights: Vec::new() };
        let wide = Wide { prior, weights: (0..WIDTH).map(|at| (at as f64).sin()).collect() };
        let views: [f32; VIEWS] = std::array::from_fn(|at| (at as f32 * 0.7).cos());
        let (expected, look) = ([0.3, -1.2, 0.8], std::array::from_fn(|at| at as f64 - 2.5));
        let dot = |by: [f64; CLASS]| by.iter().zip(&look).map(|(a, b)| a * b).sum::<f64>();
        let mut sum = 0.0;
        for (at, view) in views.iter().enumerate() {
            let (own, by_look) = wide.of_view(at);
            sum += f64::from(*view) * (own + dot(by_look));
        }
        let [.., seen, size] = views.map(f64::from);
        for (at, number) in expected.iter().enumerate() {
            let ([always, if_seen, of_size], by_look) = wide.of_expected(at);
            sum += number * (always + if_seen * seen + of_size * size + dot(by_look));
        }
        let found = wide.score(&Asked { views: &views, expected: &expected, look: &look });
        assert!((found - sum).abs() < 1e-9, "{found} {sum}");
    }
}
