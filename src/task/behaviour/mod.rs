//! How a model behaves on pictures that every device has: a description of any ONNX file
//! that needs neither the task nor a label of its own.
//!
//! The reference images (`reference.rs`) go through the model; of its features only a few
//! numbers remain, the same number for every model whatever the size of its features. With
//! the figures of its card they are what the ranker knows of a model that it was not trained
//! on (docs/ranker.md).

mod canvas;
mod reference;

use nalgebra::{DMatrix, RowDVector};

use crate::engine::{Engine, EngineError, Pipeline, PipelineSpec};
use crate::model::Preprocess;

pub use reference::{CLASSES, GROUPS, PER_CLASS};

/// Numbers of a behaviour: two of every group, three of all pictures together.
pub const NUMBERS: usize = 2 * GROUPS.len() + 3;

/// What a model does with the reference images: for every group in the order of [`GROUPS`] the
/// share of the features' variance that lies between classes, and the share of pictures whose
/// nearest other picture (cosine) is of their class; then over all pictures the participation
/// ratio of the features' spectrum over their number, the share of zeros, and the natural
/// logarithm of the number of features.
pub type Behaviour = [f32; NUMBERS];

/// How well classes are told apart, mean over the groups, 0 to 1.
#[must_use]
pub fn separation(behaviour: &Behaviour) -> f32 {
    let shares = behaviour.iter().take(2 * GROUPS.len());
    shares.sum::<f32>() / (2 * GROUPS.len()) as f32
}

/// Runs the reference images through a model's features.
///
/// # Errors
/// [`EngineError`]: the model does not load, reads no such image, or gives what is no number.
pub fn behaviour(
    engine: &dyn Engine,
    model: &[u8],
    preprocess: &Preprocess,
    features: &str,
) -> Result<Behaviour, EngineError> {
    let mut numbers = Vec::with_capacity(NUMBERS);
    let all = seen(engine, model, preprocess, features)?;
    for (features, labels) in &all {
        numbers.push(between(features, labels));
        numbers.push(nearest(features, labels));
    }
    numbers.extend(overall(&all));
    let numbers: Vec<f32> = numbers.into_iter().map(|number| number as f32).collect();
    numbers.try_into().map_err(|_| refused("the groups of pictures do not fit"))
}

/// What each group of pictures looks like to a model: the mean of its features, each brought to
/// length 1 as those of a task's tokens are.
///
/// # Errors
/// As [`behaviour`].
pub fn kinds(
    engine: &dyn Engine,
    model: &[u8],
    preprocess: &Preprocess,
    features: &str,
) -> Result<Vec<Vec<f32>>, EngineError> {
    let mean = |(features, _): &Group| -> Vec<f32> {
        let mut sum = RowDVector::zeros(features.ncols());
        for row in features.row_iter() {
            let norm = row.norm();
            sum += row / if norm > 0.0 { norm } else { 1.0 };
        }
        sum.iter().map(|value| (value / features.nrows().max(1) as f64) as f32).collect()
    };
    Ok(seen(engine, model, preprocess, features)?.iter().map(mean).collect())
}

/// Features and labels of one group.
type Group = (DMatrix<f64>, Vec<u32>);

/// Those of each group.
fn seen(
    engine: &dyn Engine,
    model: &[u8],
    preprocess: &Preprocess,
    features: &str,
) -> Result<Vec<Group>, EngineError> {
    let spec = PipelineSpec {
        preprocess: Some(preprocess.clone()),
        output: features.to_owned(),
        head: None,
        threads: 1,
    };
    let mut pipeline = Pipeline::load(engine, model, &spec)?.optimise()?;
    let mut all = Vec::with_capacity(GROUPS.len());
    for number in 0..GROUPS.len() {
        let samples = reference::group(number);
        let rows: Result<Vec<Vec<f32>>, _> =
            samples.iter().map(|sample| pipeline.infer(&sample.image)).collect();
        all.push((matrix(&rows?)?, samples.iter().map(|sample| sample.label).collect()));
    }
    Ok(all)
}

fn refused(why: &str) -> EngineError {
    EngineError::new(crate::model::Stage::Observe, why)
}

/// Rows as a matrix of finite numbers, all of one length.
fn matrix(rows: &[Vec<f32>]) -> Result<DMatrix<f64>, EngineError> {
    let width = rows.first().map_or(0, Vec::len);
    let sound = |row: &Vec<f32>| row.len() == width && row.iter().all(|value| value.is_finite());
    if width == 0 || !rows.iter().all(sound) {
        return Err(refused("its features are not finite, or not always of one size"));
    }
    let values: Vec<f64> = rows.iter().flatten().map(|value| f64::from(*value)).collect();
    Ok(DMatrix::from_row_slice(rows.len(), width, &values))
}

/// Share of the variance that lies between classes; 0 of constant features.
fn between(features: &DMatrix<f64>, labels: &[u32]) -> f64 {
    let mean = features.row_mean();
    let total: f64 = features.row_iter().map(|row| (row - &mean).norm_squared()).sum();
    let mut explained = 0.0;
    for class in 0..CLASSES as u32 {
        let rows: Vec<usize> = places(labels, class);
        let own = features.select_rows(&rows).row_mean();
        explained += rows.len() as f64 * (own - &mean).norm_squared();
    }
    if total > 0.0 { explained / total } else { 0.0 }
}

fn places(labels: &[u32], class: u32) -> Vec<usize> {
    labels.iter().enumerate().filter(|(_, label)| **label == class).map(|(at, _)| at).collect()
}

/// Share of rows whose nearest other row, by the cosine of centred features, is of their class.
fn nearest(features: &DMatrix<f64>, labels: &[u32]) -> f64 {
    let mean = features.row_mean();
    let rows: Vec<_> = features.row_iter().map(|row| row - &mean).collect();
    let unit = |norm: f64| if norm > 0.0 { norm } else { 1.0 };
    let rows: Vec<_> = rows.iter().map(|row| row / unit(row.norm())).collect();
    let mut right = 0;
    for (at, row) in rows.iter().enumerate() {
        let others = rows.iter().enumerate().filter(|(other, _)| *other != at);
        let near = others.map(|(other, far)| (row.dot(far), other));
        let best = near.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
        right += usize::from(best.is_some_and(|(_, other)| labels.get(other) == labels.get(at)));
    }
    right as f64 / rows.len().max(1) as f64
}

/// Participation ratio over the number of features, share of zeros, logarithm of their number.
fn overall(groups: &[Group]) -> [f64; 3] {
    let width = groups.first().map_or(1, |(features, _)| features.ncols());
    let rows: Vec<_> = groups.iter().flat_map(|(features, _)| features.row_iter()).collect();
    let mut mean = RowDVector::zeros(width);
    rows.iter().for_each(|row| mean += row);
    mean /= rows.len().max(1) as f64;
    let centred: Vec<_> = rows.iter().map(|row| row - &mean).collect();
    let trace: f64 = centred.iter().map(|row| row.norm_squared()).sum();
    // The squares of the Gram matrix sum to those of the covariance's eigenvalues.
    let squares: f64 =
        centred.iter().map(|a| centred.iter().map(|b| a.dot(b).powi(2)).sum::<f64>()).sum();
    let zeros = rows.iter().flat_map(|row| row.iter()).filter(|value| **value == 0.0).count();
    let ratio = if squares > 0.0 { trace * trace / squares } else { 0.0 };
    let width = width as f64;
    [ratio / width, zeros as f64 / (rows.len() as f64 * width), width.ln()]
}
