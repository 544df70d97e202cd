//! The parent's side of an observation: one child job per candidate.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Evidence, Sample, Task, TaskKind};
use crate::base::Digest;
use crate::child::{Context, Ended, Job, Limits, Next, Watch, decode_frame, encode_payload};
use crate::model::{Candidate, Preprocess, Rejection, Stage};

/// Kind of the child job.
pub const KIND: &str = "observe";

/// What the worker is asked.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Observation {
    pub(super) id: String,
    pub(super) sha256: Digest,
    pub(super) task: Digest,
    pub(super) engine: String,
    /// A whole ONNX file, validated and joined by the parent.
    pub(super) model: Vec<u8>,
    /// How an image may become the input: one way, or guesses to choose from.
    pub(super) preprocess: Vec<Preprocess>,
    /// The output that is the features, if the model gives any.
    pub(super) features: Option<String>,
    /// The output that is the scores of the model's own labels, if it gives any.
    pub(super) scores: Option<String>,
    /// The task's label for each of the model's, where they are the same ones.
    pub(super) own: Option<Vec<u32>>,
    pub(super) threads: u16,
    pub(super) labels: Vec<String>,
    pub(super) samples: Vec<Sample>,
    /// The real target of each sample; none where the labels are what is asked for.
    pub(super) targets: Vec<f64>,
}

/// What the worker answers: one frame.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    /// The evidence.
    Evidence(Box<Evidence>),
    /// Why there is none.
    Refused(Rejection),
}

/// Runs a candidate over the task's samples in a fresh process.
///
/// # Errors
/// [`Rejection`] of stage [`Stage::Observe`]: the candidate reads no image, gives neither features nor scores of the
/// task's labels, or failed while it was observed.
pub fn observe(
    task: &Task,
    candidate: &Candidate,
    engine: &str,
    ctx: Context<'_>,
    wall: Duration,
) -> Result<Evidence, Rejection> {
    let shown = observation(task, candidate, engine).and_then(|observation| {
        let limits = Limits::of(&candidate.config.affinity, wall, ctx.sys);
        ask(&Job { kind: KIND.to_owned(), payload: encode_payload(&observation), limits }, ctx)
    });
    // Whatever it was: this is where the candidate fell out.
    shown.map_err(|rejection| Rejection { stage: Stage::Observe, ..rejection })
}

fn ask(job: &Job, ctx: Context<'_>) -> Result<Evidence, Rejection> {
    let mut answer = None;
    let ended = ctx.spawn.run(job, ctx.clock, ctx.stop, &mut |watch| {
        if let Watch::Frame(frame) = watch {
            answer = decode_frame::<Answer>(frame);
        }
        Next::Continue
    });
    match (answer, ended) {
        (Some(Answer::Refused(rejection)), _) => Err(rejection),
        (Some(Answer::Evidence(evidence)), Ended::Finished) => Ok(*evidence),
        (_, ended) => {
            let (reason, help) = ended.told("looking at the task");
            Err(refused(reason, help))
        }
    }
}

fn observation(task: &Task, candidate: &Candidate, engine: &str) -> Result<Observation, Rejection> {
    let preprocess = candidate.preprocesses();
    if preprocess.is_empty() {
        let help = "add [preprocess] to its sidecar if it does after all";
        return Err(refused("it reads no image", help));
    }
    let features = candidate.output_for_features();
    let scores = candidate.output_for_scores().filter(|scores| features.as_ref() != Some(scores));
    let own = own_labels(task, candidate).filter(|_| scores.is_some());
    if features.is_none() && own.is_none() {
        return Err(refused(
            "it gives neither features nor scores of the task's labels",
            "name its outputs under [outputs] in its sidecar",
        ));
    }
    Ok(Observation {
        id: candidate.id.clone(),
        sha256: candidate.sha256,
        task: task.digest,
        engine: engine.to_owned(),
        model: candidate.read()?,
        preprocess,
        features,
        scores,
        own,
        threads: candidate.config.threads,
        labels: task.labels.clone(),
        samples: task.samples.clone(),
        targets: task.targets.clone(),
    })
}

/// The task's label for each of the candidate's, where both have the same ones in
/// whatever order.
fn own_labels(task: &Task, candidate: &Candidate) -> Option<Vec<u32>> {
    if task.kind() == TaskKind::Regression {
        return None;
    }
    let own = &candidate.manifest.as_ref()?.source.as_ref()?.labels;
    let place = |label: &String| task.labels.iter().position(|found| found == label);
    let places: Vec<usize> = own.iter().map(place).collect::<Option<_>>()?;
    let mut sorted = places.clone();
    sorted.sort_unstable();
    let all = sorted.iter().copied().eq(0..task.labels.len());
    all.then(|| places.into_iter().map(|place| place as u32).collect())
}

fn refused(reason: impl Into<String>, help: &str) -> Rejection {
    Rejection { stage: Stage::Observe, reason: reason.into(), help: Some(help.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Affinity, Config, Manifest, Source, SourceTask};

    fn candidate(labels: &[&str]) -> Candidate {
        let source = SourceTask {
            task: "source".to_owned(),
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            dataset: None,
            accuracy_float: None,
            accuracy_int8: None,
            samples: None,
        };
        Candidate {
            id: "candidate".to_owned(),
            source: Source::Memory(Vec::new().into()),
            sha256: Digest::of(b""),
            bytes: 0,
            config: Config { engine: String::new(), threads: 1, affinity: Affinity::Any },
            manifest: Some(Manifest {
                schema: 1,
                prior: None,
                id: "candidate".to_owned(),
                family: String::new(),
                licence: String::new(),
                sha256: Digest::of(b""),
                source: Some(source),
                behaviour: None,
                preprocess: None,
                outputs: None,
                golden: Vec::new(),
            }),
            card: None,
            rejection: None,
        }
    }

    #[test]
    fn labels_are_matched_by_name_in_any_order_and_only_all_of_them() {
        let task = Task {
            name: String::new(),
            description: String::new(),
            labels: ["cat", "dog", "eel"].map(str::to_owned).to_vec(),
            samples: Vec::new(),
            targets: Vec::new(),
            policy: crate::task::Policy::default(),
            digest: Digest::of(b""),
        };
        let map = |labels: &[&str]| own_labels(&task, &candidate(labels));
        assert_eq!(map(&["eel", "cat", "dog"]), Some(vec![2, 0, 1]));
        assert_eq!(map(&["eel", "cat"]), None);
        assert_eq!(map(&["eel", "cat", "dog", "emu"]), None);
        assert_eq!(map(&["eel", "cat", "cat"]), None);
    }
}
