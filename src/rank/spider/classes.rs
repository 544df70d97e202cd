//! A class of the task as the ranker reads it: which kinds of pictures it looks like.
//!
//! A prototype itself has as many numbers as the extractor has features, and a ranker that reads them learns
//! the datasets of its training by heart. Its likeness to the groups of reference images
//! has a few, and they are the same groups that models are described by.

use crate::engine::{self, Engine, EngineError};
use crate::model::{self, Stage};
use crate::task::behaviour::{GROUPS, kinds};

/// Numbers of a class: likeness to each group, length of the prototype, distance to the nearest
/// other class.
pub const CLASS: usize = GROUPS.len() + 2;

/// The numbers of one class.
pub type Class = [f32; CLASS];

/// What the shipped extractor sees in the reference groups.
///
/// # Errors
/// [`EngineError`]: no engine here runs the extractor.
pub fn groups(engines: &[Box<dyn Engine>]) -> Result<Vec<Vec<f32>>, EngineError> {
    let extractor = model::extractor();
    let failed = |why: &str| EngineError::new(Stage::Load, format!("the extractor {why}"));
    let file = extractor.read().map_err(|rejection| failed(&rejection.reason))?;
    let preprocess = extractor.preprocess().ok_or_else(|| failed("reads no image"))?;
    let features = extractor.output_for_features().ok_or_else(|| failed("gives no features"))?;
    kinds(engine::choose(engines, &file)?, &file, &preprocess, &features)
}

/// From the prototypes of a task's classes, and of the reference groups by the same extractor. The
/// likeness is the cosine after the mean of the groups is taken off both.
#[must_use]
pub fn classes(prototypes: &[Vec<f32>], groups: &[Vec<f32>]) -> Vec<Class> {
    let width = groups.first().map_or(0, Vec::len);
    let mean: Vec<f32> = (0..width)
        .map(|at| {
            let column = groups.iter().filter_map(|group| group.get(at));
            column.sum::<f32>() / groups.len().max(1) as f32
        })
        .collect();
    let of = |(place, prototype): (usize, &Vec<f32>)| {
        let likeness = groups.iter().map(|group| cosine(prototype, group, &mean));
        let others = prototypes.iter().enumerate().filter(|(other, _)| *other != place);
        let nearest = others.map(|(_, other)| distance(prototype, other)).reduce(f32::min);
        let length = distance(prototype, &vec![0.0; prototype.len()]);
        let mut numbers = [0.0; CLASS];
        let found = likeness.chain([length, nearest.unwrap_or(0.0)]);
        numbers.iter_mut().zip(found).for_each(|(place, number)| *place = number);
        numbers
    };
    prototypes.iter().enumerate().map(of).collect()
}

fn cosine(a: &[f32], b: &[f32], mean: &[f32]) -> f32 {
    let (mut dot, mut of_a, mut of_b) = (0.0, 0.0, 0.0);
    for ((a, b), mean) in a.iter().zip(b).zip(mean) {
        let (a, b) = (a - mean, b - mean);
        dot += a * b;
        of_a += a * a;
        of_b += b * b;
    }
    let length = (of_a * of_b).sqrt();
    if length > 0.0 { dot / length } else { 0.0 }
}

fn distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_like_the_groups_that_it_looks_like() {
        let mut groups = vec![vec![0.0; 8]; GROUPS.len()];
        for (at, group) in groups.iter_mut().enumerate() {
            group[at] = 1.0;
        }
        let found = classes(&[groups[2].clone(), vec![0.5; 8]], &groups);
        let best = |class: &Class| {
            let groups = class[..GROUPS.len()].iter().enumerate();
            groups.max_by(|a, b| a.1.total_cmp(b.1)).map(|(at, _)| at)
        };
        assert_eq!(best(&found[0]), Some(2));
        assert!((found[0][2] - 1.0).abs() < 1e-6);
        assert_eq!(found[0][GROUPS.len()], 1.0);
        let apart = found[0][GROUPS.len() + 1];
        assert_eq!(apart, found[1][GROUPS.len() + 1], "two classes are each other's nearest");
    }
}
