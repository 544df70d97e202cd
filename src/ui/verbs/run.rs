//! `run`: the deployed model at work.

use std::path::PathBuf;

use clap::Args;

use crate::base::Stop;
use crate::deploy::Installed;
use crate::engine::{Engine, Pipeline, PipelineSpec};
use crate::model::Image;
use crate::task;
use crate::ui::call::shown;
use crate::ui::show::run::{Accuracy, Label, Said};
use crate::ui::{Answer, Call, Failure, show};

/// Classify images with the deployed model.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  umbra run photo.png meter.jpg
  umbra run --labelled test-images")]
pub struct Run {
    /// PNG or JPEG files.
    #[arg(required_unless_present = "labelled", value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// Report the accuracy on labelled images: a folder per class, or an .npz.
    #[arg(long, value_name = "DIR|NPZ", conflicts_with = "images")]
    labelled: Option<PathBuf>,
}

impl Run {
    pub(crate) fn run(self, call: &mut Call<'_>) -> Answer {
        let (installed, bytes) = call.store()?.active_model()?;
        let engine = call.world.engines.first().ok_or_else(show::no_engine)?;
        let mut classifier = Classifier::load(&**engine, installed, &bytes)?;
        match &self.labelled {
            Some(path) => shown(classifier.accuracy(path, &call.world.stop)?),
            None => shown(classifier.label_all(&self.images)),
        }
    }
}

/// The deployed model, ready to run.
struct Classifier {
    installed: Installed,
    pipeline: Pipeline,
}

impl Classifier {
    fn load(engine: &dyn Engine, installed: Installed, bytes: &[u8]) -> Result<Self, Failure> {
        let spec = PipelineSpec {
            preprocess: installed.preprocess.clone(),
            output: installed.output.clone(),
            head: installed.head.clone(),
            threads: installed.config.threads,
        };
        let pipeline = Pipeline::load(engine, bytes, &spec)?.optimise()?;
        Ok(Self { installed, pipeline })
    }

    fn label(&mut self, image: &Image) -> Result<(usize, Label), String> {
        let scores = self.pipeline.infer(image).map_err(|error| error.to_string())?;
        let best = scores.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        let (index, _) = best.ok_or("the model gave no scores")?;
        let name = self.installed.labels.get(index).cloned().unwrap_or_else(|| format!("#{index}"));
        let share = share(&scores, index);
        Ok((index, Label { label: name, scores, share }))
    }

    fn label_all(&mut self, images: &[PathBuf]) -> Said {
        let mut answer = |path: &PathBuf| -> Result<Label, String> {
            let bytes = std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
            let image = task::decode(&bytes).map_err(|error| error.to_string())?;
            self.label(&image).map(|(_, label)| label)
        };
        let answers =
            images.iter().map(|path| (path.display().to_string(), answer(path))).collect();
        Said { model: self.installed.id.clone(), answers }
    }

    fn accuracy(&mut self, path: &std::path::Path, stop: &Stop) -> Result<Accuracy, Failure> {
        let samples = task::open_samples(path, &self.installed.labels)?;
        let mut correct = 0;
        for sample in &samples {
            if stop.wanted() {
                return Err(Failure::stopped());
            }
            let (index, _) = self.label(&sample.image).map_err(Failure::input)?;
            correct += usize::from(u32::try_from(index) == Ok(sample.label));
        }
        let accuracy = task::proportion(correct, samples.len());
        Ok(Accuracy { model: self.installed.id.clone(), correct, samples: samples.len(), accuracy })
    }
}

/// The winner's share in the softmax of the scores; scores that are shares already stay.
fn share(scores: &[f32], winner: usize) -> f64 {
    let top = scores.get(winner).copied().map_or(0.0, f64::from);
    let sum: f64 = scores.iter().map(|&score| f64::from(score)).sum();
    if scores.iter().all(|&score| score >= 0.0) && (sum - 1.0).abs() < 1e-3 {
        return top;
    }
    1.0 / scores.iter().map(|&score| (f64::from(score) - top).exp()).sum::<f64>()
}
