//! The sidecar `<id>.toml`: what a file cannot say of itself.

use serde::{Deserialize, Serialize};

use super::{Card, Dtype};
use crate::base::Digest;

/// A sidecar. Unknown keys are refused, so that a typing error is not a silent default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Schema of this file: 1.
    pub schema: u32,
    /// Must be the file's name without `.onnx`.
    pub id: String,
    /// Architecture family, such as `resnet8`.
    pub family: String,
    /// SPDX expression.
    pub licence: String,
    /// Hash of the `.onnx`.
    pub sha256: Digest,
    /// What it was trained for.
    pub source: Option<SourceTask>,
    /// How good it is expected to be on a task that nobody has seen: any number, higher being
    /// better, on one scale with the rest of its zoo.
    pub prior: Option<f64>,
    /// What it does with the reference images, as `umbra zoo add` finds it
    /// (docs/ranker.md): what a learned ranker knows it by.
    pub behaviour: Option<Vec<f32>>,
    /// How an image becomes its input.
    pub preprocess: Option<Preprocess>,
    /// Which outputs mean what.
    pub outputs: Option<Outputs>,
    /// Inputs with the outputs they must give.
    #[serde(default)]
    pub golden: Vec<Golden>,
}

/// What a model was trained for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceTask {
    /// Name of the source task.
    pub task: String,
    /// Labels in output order.
    pub labels: Vec<String>,
    /// Provenance and licence, one sentence.
    pub dataset: Option<String>,
    /// Accuracy of the float model on the source's test split, 0 to 1.
    pub accuracy_float: Option<f64>,
    /// Accuracy of this file, if quantised, 0 to 1.
    pub accuracy_int8: Option<f64>,
    /// Test samples behind the accuracies.
    pub samples: Option<u64>,
}

/// How an image becomes an input tensor: `(pixel - mean) / std` per channel, pixel in 0 to 255.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocess {
    /// Order of the dimensions behind the batch.
    pub layout: Layout,
    /// 1 or 3.
    pub channels: u32,
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
    /// Per channel.
    pub mean: Vec<f32>,
    /// Per channel.
    pub std: Vec<f32>,
}

impl Preprocess {
    /// From the only input, if it looks like an image: four dimensions, 1 or 3 channels first or
    /// last. Bytes are fed as they are, signed bytes shifted by 128. What floats are fed nothing
    /// in a file says: 0 to 1, 0 to 255 and -1 to 1 are all in use, likeliest first.
    #[must_use]
    pub fn guesses(card: &Card) -> Vec<Self> {
        let ranges: &[(f32, f32)] = match card.inputs.first().map(|input| input.dtype) {
            Some(Dtype::UInt8) => &[(0.0, 1.0)],
            Some(Dtype::Int8) => &[(128.0, 1.0)],
            Some(dtype) if dtype.is_float() => &[(0.0, 255.0), (0.0, 1.0), (127.5, 127.5)],
            _ => &[],
        };
        ranges.iter().filter_map(|&(mean, std)| Self::of_input(card, mean, std)).collect()
    }

    fn of_input(card: &Card, mean: f32, std: f32) -> Option<Self> {
        let [input] = card.inputs.as_slice() else { return None };
        let [None | Some(1), dims @ ..] = input.shape.as_slice() else { return None };
        let (layout, channels, height, width) = match *dims {
            [Some(c @ (1 | 3)), Some(h @ 2..), Some(w @ 2..)] => (Layout::Nchw, c, h, w),
            [Some(h @ 2..), Some(w @ 2..), Some(c @ (1 | 3))] => (Layout::Nhwc, c, h, w),
            _ => return None,
        };
        Some(Self {
            layout,
            channels: u32::try_from(channels).ok()?,
            height: u32::try_from(height).ok()?,
            width: u32::try_from(width).ok()?,
            mean: vec![mean; usize::try_from(channels).ok()?],
            std: vec![std; usize::try_from(channels).ok()?],
        })
    }
}

/// Order of an image tensor's dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// Channels first.
    Nchw,
    /// Channels last.
    Nhwc,
}

/// Which outputs mean what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outputs {
    /// Feature vector, if the model gives one.
    pub features: Option<String>,
    /// Scores of the source labels.
    pub scores: Option<String>,
}

/// An input with the outputs it must give.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    /// Pixels are bytes of SplitMix64 from this seed (top byte of each step), in HWC order.
    pub seed: u64,
    /// Largest absolute difference accepted.
    pub tolerance: f32,
    /// Expected scores.
    pub logits: Option<Vec<f32>>,
    /// Expected features.
    pub features: Option<Vec<f32>>,
}

/// A linear head fitted on the device: `scores = W f + b` on standardised features folded into W and b.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// Labels, one per row.
    pub labels: Vec<String>,
    /// Size of the feature vector.
    pub features: usize,
    /// `labels x features`, row by row.
    pub weights: Vec<f32>,
    /// One per label.
    pub bias: Vec<f32>,
}
