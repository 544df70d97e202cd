//! `run`: the deployed model at work.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::agent::{self, Classified};
use crate::deploy::Installed;
use crate::model::Image;
use crate::task;
use crate::ui::call::shown;
use crate::ui::show::run::{Accuracy, Said};
use crate::ui::{Answer, Call, Failure};

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
        let installed = call.store()?.active_model()?.0;
        match &self.labelled {
            Some(path) => shown(accuracy(call, &installed, path)?),
            None => shown(label(call, &installed, &self.images)?),
        }
    }
}

/// Images that cannot be read are answered by name; the others are classified together.
fn label(call: &Call<'_>, installed: &Installed, paths: &[PathBuf]) -> Result<Said, Failure> {
    // The path stands before the reason already.
    let read = |path: &PathBuf| -> Result<Image, Failure> {
        let bytes = std::fs::read(path).map_err(|error| Failure::input(error.to_string()))?;
        Ok(task::decode(&bytes)?)
    };
    let (mut images, mut answers) = (Vec::new(), Vec::new());
    for path in paths {
        let image = read(path).map(|image| images.push(image));
        answers.push((path.display().to_string(), image.map_err(|failure| failure.message)));
    }
    let mut labels = agent::classify(call.world, &call.settings.state, &images)?.into_iter();
    let mut answer = |read: Result<(), String>| {
        read.and_then(|()| labels.next().ok_or_else(|| "the model gave no answer".to_owned()))
    };
    let answers = answers.into_iter().map(|(path, read)| (path, answer(read))).collect();
    Ok(Said { model: installed.id.clone(), answers })
}

fn accuracy(call: &Call<'_>, installed: &Installed, path: &Path) -> Result<Accuracy, Failure> {
    let samples = task::open_samples(path, &installed.labels)?;
    let (images, wanted): (Vec<Image>, Vec<u32>) =
        samples.into_iter().map(|sample| (sample.image, sample.label)).unzip();
    let said = agent::classify(call.world, &call.settings.state, &images)?;
    let right = |(said, wanted): &(&Classified, &u32)| u32::try_from(said.index) == Ok(**wanted);
    let correct = said.iter().zip(&wanted).filter(right).count();
    let accuracy = task::wilson(correct as f64, wanted.len() as f64);
    Ok(Accuracy { model: installed.id.clone(), correct, samples: wanted.len(), accuracy })
}
