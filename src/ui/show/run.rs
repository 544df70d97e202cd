//! What the deployed model says of images.

use serde_json::{Value, json};

use super::text::{middle, number, page, percent, wrap};
use super::{Show, document};
use crate::agent::Classified;
use crate::task::Estimate;
use crate::ui::Exit;

/// What `run` shows for images.
#[derive(Debug)]
pub struct Said {
    /// The deployed model.
    pub model: String,
    /// Image by image.
    pub answers: Vec<(String, Result<Classified, String>)>,
}

impl Show for Said {
    fn text(&self) -> String {
        let line = |(image, answer): &(String, Result<Classified, String>)| match answer {
            Ok(found) => {
                let image = middle(image, 48);
                match found.scores.as_slice() {
                    // The one output of a head for a real target is the answer.
                    [value] => format!("{image}: {} {}", found.label, number(f64::from(*value))),
                    _ => format!("{image}: {} ({} %)", found.label, number(found.score * 100.0)),
                }
            }
            Err(reason) => format!("{}: {reason}", middle(image, 30)),
        };
        page(&self.answers.iter().map(line).collect::<Vec<_>>())
    }

    fn json(&self) -> Value {
        let one = |(image, answer): &(String, Result<Classified, String>)| match answer {
            Ok(found) => json!({
                "image": image, "label": found.label, "score": found.score,
                "scores": found.scores, "us": found.us, "error": null,
            }),
            Err(reason) => {
                json!({ "image": image, "label": null, "score": null, "scores": null, "us": null, "error": reason })
            }
        };
        let results: Vec<Value> = self.answers.iter().map(one).collect();
        document(json!({ "model": self.model, "results": results }))
    }

    fn exit(&self) -> Exit {
        if self.answers.iter().all(|(_, answer)| answer.is_ok()) { Exit::Done } else { Exit::Input }
    }
}

/// What `run --labelled` shows.
#[derive(Debug)]
pub struct Accuracy {
    /// The deployed model.
    pub model: String,
    /// Samples that it labelled right.
    pub correct: usize,
    /// Samples in all.
    pub samples: usize,
    /// The share, with its 95 % interval.
    pub accuracy: Estimate,
}

impl Show for Accuracy {
    fn text(&self) -> String {
        let Estimate { value, low, high } = self.accuracy;
        let text = format!(
            "{} % of {} samples right ({}), 95 % interval {} to {} %",
            percent(value, low, high),
            self.samples,
            self.correct,
            number(low * 100.0),
            number(high * 100.0)
        );
        let mut lines = wrap("model     ", &self.model, 1);
        lines.extend(wrap("accuracy  ", &text, 2));
        page(&lines)
    }

    fn json(&self) -> Value {
        document(json!({
            "model": self.model,
            "samples": self.samples,
            "correct": self.correct,
            "accuracy": self.accuracy.value,
            "accuracy_interval": [self.accuracy.low, self.accuracy.high],
        }))
    }
}
