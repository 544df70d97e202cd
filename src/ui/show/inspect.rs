//! Model files from the inside.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::text::{bytes, count, page, range, wrap};
use super::{Show, document};
use crate::engine::Unfused;
use crate::model::{Candidate, Card, Rejection, TensorInfo};
use crate::ui::Exit;

/// What `inspect` shows.
#[derive(Debug)]
pub struct Inspected(pub Vec<Model>);

/// A candidate and what the engine makes of it.
#[derive(Debug)]
pub struct Model {
    /// The candidate.
    pub candidate: Candidate,
    /// What the engine makes of it; absent in a build without one.
    pub examined: Option<Examined>,
}

/// What an engine makes of a model, up to the point where it would run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Examined {
    /// Name of the engine that would run it.
    pub engine: Option<&'static str>,
    /// Operators that it does not run.
    pub unsupported: Vec<String>,
    /// Convolutions on integers, and in floating point.
    pub convolutions: Option<(u64, u64)>,
    /// Those in floating point although their input is quantised.
    pub unfused: Vec<Unfused>,
    /// Why it refused.
    pub error: Option<String>,
}

/// How the convolutions of a model run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Convolutions {
    /// On integers.
    pub integer: u64,
    /// In floating point.
    pub float: u64,
    /// Those in floating point although their input is quantised.
    pub unfused: Vec<Unfused>,
}

/// Which operators kept convolutions in floating point, the most frequent first, each with
/// the first convolution that it kept there.
pub(crate) fn kept_real(unfused: &[Unfused]) -> Vec<String> {
    let mut found: Vec<(&Unfused, usize)> = Vec::new();
    for one in unfused {
        match found.iter_mut().find(|(known, _)| (&known.op, &known.why) == (&one.op, &one.why)) {
            Some((_, count)) => *count += 1,
            None => found.push((one, 1)),
        }
    }
    found.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let line = |(Unfused { op, node, why }, count): (&Unfused, usize)| match count {
        1 => format!("{op} keeps {node} in floating point: it {why}"),
        _ => format!("{op} keeps {count} in floating point, first {node}: it {why}"),
    };
    found.into_iter().map(line).collect()
}

#[derive(Debug, Serialize)]
pub(crate) struct ModelJson<'a> {
    id: &'a str,
    sha256: String,
    bytes: u64,
    opset: Option<i64>,
    inputs: Option<&'a [TensorInfo]>,
    outputs: Option<&'a [TensorInfo]>,
    ops: Option<&'a BTreeMap<String, u64>>,
    params: Option<u64>,
    macs: Option<u64>,
    weight_bytes: Option<&'a BTreeMap<String, u64>>,
    peak_activation_bytes: Option<u64>,
    quantization: Option<&'static str>,
    feature_tap: Option<&'a str>,
    feature_size: Option<u64>,
    engine: Option<&'static str>,
    fused_integer_convs: Option<u64>,
    float_convs: Option<u64>,
    unfused: Option<&'a [Unfused]>,
    unsupported: Option<&'a [String]>,
    rejection: Option<&'a Rejection>,
}

impl<'a> ModelJson<'a> {
    pub(crate) fn of(candidate: &'a Candidate, examined: Option<&'a Examined>) -> Self {
        let card = candidate.card.as_ref();
        let convolutions = examined.and_then(|found| found.convolutions);
        Self {
            id: &candidate.id,
            sha256: candidate.sha256.hex(),
            bytes: candidate.bytes,
            opset: card.map(|card| card.opset),
            inputs: card.map(|card| card.inputs.as_slice()),
            outputs: card.map(|card| card.outputs.as_slice()),
            ops: card.map(|card| &card.ops),
            params: card.map(|card| card.params),
            macs: card.and_then(|card| card.macs),
            weight_bytes: card.map(|card| &card.weight_bytes),
            peak_activation_bytes: card.and_then(|card| card.peak_activation_bytes),
            quantization: card.map(|card| card.quantization.name()),
            feature_tap: card.and_then(|card| card.feature_tap.as_deref()),
            feature_size: card.and_then(|card| card.feature_size),
            engine: examined.and_then(|found| found.engine),
            fused_integer_convs: convolutions.map(|(integer, _)| integer),
            float_convs: convolutions.map(|(_, float)| float),
            unfused: examined.map(|found| found.unfused.as_slice()),
            unsupported: examined.map(|found| found.unsupported.as_slice()),
            rejection: candidate.rejection.as_ref(),
        }
    }
}

impl Show for Inspected {
    fn text(&self) -> String {
        let lines: Vec<String> = self.0.iter().flat_map(model).collect();
        page(&lines)
    }

    fn json(&self) -> Value {
        let models: Vec<_> = self
            .0
            .iter()
            .map(|model| ModelJson::of(&model.candidate, model.examined.as_ref()))
            .collect();
        document(serde_json::json!({ "models": models }))
    }

    /// A file that is no usable model is bad input.
    fn exit(&self) -> Exit {
        let broken = self.0.iter().any(|model| model.candidate.rejection.is_some());
        if broken { Exit::Input } else { Exit::Done }
    }
}

fn model(model: &Model) -> Vec<String> {
    let candidate = &model.candidate;
    let mut lines = vec![format!(
        "{}  ({}, sha256 {})",
        candidate.id,
        bytes(candidate.bytes),
        candidate.sha256.short()
    )];
    if let Some(rejection) = &candidate.rejection {
        let text = format!("at {}: {}", rejection.stage.name(), rejection.reason);
        lines.extend(wrap("  rejected      ", &text, 6));
        lines.extend(rejection.help.iter().flat_map(|help| wrap("  help          ", help, 4)));
    }
    lines.extend(candidate.card.iter().flat_map(card));
    lines.extend(guess(candidate));
    lines.extend(model.examined.iter().flat_map(engine));
    lines
}

/// A range that nobody stated may be the wrong one, and the model then answers nonsense.
fn guess(candidate: &Candidate) -> Vec<String> {
    let stated = candidate.manifest.as_ref().and_then(|manifest| manifest.preprocess.as_ref());
    let Some(guess) = candidate.preprocess().filter(|_| stated.is_none()) else {
        return Vec::new();
    };
    let text = format!("guessed: {}; state it in the sidecar if it is another", range(&guess));
    wrap("  images        ", &text, 3)
}

fn card(card: &Card) -> Vec<String> {
    let mut lines = Vec::new();
    let mut say =
        |label: &str, text: String| lines.extend(wrap(&format!("  {label:<14}"), &text, 6));
    say("quantisation", format!("{}, opset {}", card.quantization.name(), card.opset));
    card.inputs.iter().for_each(|tensor| say("input", tensor_line(tensor)));
    card.outputs.iter().for_each(|tensor| say("output", tensor_line(tensor)));
    let macs = card.macs.map_or_else(|| "unknown".to_owned(), count);
    let peak = card.peak_activation_bytes.map_or_else(|| "unknown".to_owned(), bytes);
    say(
        "size",
        format!("{} params, {macs} MACs, {peak} of activations at most", count(card.params)),
    );
    let weights = card.weight_bytes.iter().map(|(dtype, size)| format!("{dtype} {}", bytes(*size)));
    say("weights", weights.collect::<Vec<_>>().join(", "));
    let ops = card.ops.iter().map(|(op, times)| format!("{op} {times}"));
    say("operators", ops.collect::<Vec<_>>().join(", "));
    say(
        "features",
        match (&card.feature_tap, card.feature_size) {
            (Some(tap), Some(size)) => format!("{tap}, {size} values"),
            (Some(tap), None) => tap.clone(),
            (None, _) => "none found; name them in the sidecar".to_owned(),
        },
    );
    lines
}

fn engine(found: &Examined) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(found.engine.iter().flat_map(|engine| wrap("  engine        ", engine, 1)));
    if let Some((integer, float)) = found.convolutions {
        let text = format!("{integer} on integers, {float} in floating point");
        lines.extend(wrap("  convolutions  ", &text, 1));
    }
    let reasons = kept_real(&found.unfused);
    lines.extend(reasons.iter().flat_map(|reason| wrap("  not fused     ", reason, 3)));
    if !found.unsupported.is_empty() {
        lines.extend(wrap("  NOT RUN       ", &found.unsupported.join(", "), 4));
    }
    lines.extend(found.error.iter().flat_map(|error| wrap("  engine        ", error, 4)));
    lines
}

/// `x: float32 [?, 3, 32, 32]`.
fn tensor_line(tensor: &TensorInfo) -> String {
    let dim = |dim: &Option<u64>| dim.map_or_else(|| "?".to_owned(), |size| size.to_string());
    let shape: Vec<String> = tensor.shape.iter().map(dim).collect();
    let dtype = serde_json::json!(tensor.dtype);
    let dtype = dtype.as_str().unwrap_or("other");
    format!("{}: {dtype} [{}]", tensor.name, shape.join(", "))
}
