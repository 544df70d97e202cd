//! task.toml: what a task is and what the user wants. Unknown keys are refused, so
//! that a typing error is not a silent default.

use std::path::Path;

use serde::Deserialize;

use super::{Limits, Policy, Targets, TaskError, Weights};

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Description {
    schema: u32,
    pub(super) name: String,
    #[serde(default)]
    pub(super) description: String,
    pub(super) labels: Vec<String>,
    pub(super) samples: String,
    pub(super) test: Option<String>,
    #[serde(default)]
    limits: LimitTable,
    #[serde(default)]
    targets: TargetTable,
    #[serde(default)]
    weights: WeightTable,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitTable {
    latency_ms: Option<f64>,
    memory_mb: Option<f64>,
    storage_mb: Option<f64>,
    energy_mj: Option<f64>,
    accuracy: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TargetTable {
    latency_ms: Option<f64>,
    memory_mb: Option<f64>,
    energy_mj: Option<f64>,
    storage_mb: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WeightTable {
    relevance: Option<f64>,
    latency: Option<f64>,
    memory: Option<f64>,
    energy: Option<f64>,
    thermal: Option<f64>,
    storage: Option<f64>,
}

impl Description {
    /// Parses and checks a task.toml.
    pub(super) fn parse(bytes: &[u8], path: &Path) -> Result<(Self, Policy), TaskError> {
        let refused = |reason: String| TaskError::Description { path: path.to_owned(), reason };
        let text = std::str::from_utf8(bytes).map_err(|_| refused("not UTF-8".to_owned()))?;
        let found: Self = toml::from_str(text).map_err(|error| refused(located(&error, text)))?;
        if found.schema != 1 {
            return Err(refused(format!("schema {}, this program reads 1", found.schema)));
        }
        let mut sorted = found.labels.clone();
        sorted.sort();
        if let Some(twice) = sorted.windows(2).find(|pair| pair.first() == pair.last()) {
            return Err(refused(format!("label {:?} is there twice", twice.first())));
        }
        let policy = found.policy().map_err(refused)?;
        Ok((found, policy))
    }

    fn policy(&self) -> Result<Policy, String> {
        let mut policy = Policy::default();
        let limits = &self.limits;
        set("latency_ms", limits.latency_ms, |v| policy.limits.set("latency", v))?;
        set("memory_mb", limits.memory_mb, |v| policy.limits.set("memory", v))?;
        set("storage_mb", limits.storage_mb, |v| policy.limits.set("storage", v))?;
        set("energy_mj", limits.energy_mj, |v| policy.limits.set("energy", v))?;
        set("accuracy", limits.accuracy, |v| policy.limits.set("accuracy", v))?;
        if limits.accuracy.is_some_and(|accuracy| accuracy > 1.0) {
            return Err("accuracy is a fraction: at most 1".to_owned());
        }
        let targets = &self.targets;
        set("latency_ms", targets.latency_ms, |v| policy.targets.set("latency", v))?;
        set("memory_mb", targets.memory_mb, |v| policy.targets.set("memory", v))?;
        set("energy_mj", targets.energy_mj, |v| policy.targets.set("energy", v))?;
        set("storage_mb", targets.storage_mb, |v| policy.targets.set("storage", v))?;
        policy.weights = self.weights.weights()?;
        Ok(policy)
    }
}

impl WeightTable {
    fn weights(&self) -> Result<Weights, String> {
        let mut weights = Weights::default();
        for (name, weight) in [
            ("relevance", self.relevance),
            ("latency", self.latency),
            ("memory", self.memory),
            ("energy", self.energy),
            ("thermal", self.thermal),
            ("storage", self.storage),
        ] {
            set(name, weight, |weight| weights.set(name, weight.unwrap_or(0.0)))?;
        }
        // Weights count in thousandths: less than one of these is nothing at all.
        if weights.sum() < 0.001 {
            return Err("the weights are all zero".to_owned());
        }
        Ok(weights)
    }
}

/// Hands on a number that is there and makes sense.
fn set(key: &str, value: Option<f64>, put: impl FnOnce(Option<f64>)) -> Result<(), String> {
    match value {
        None => Ok(()),
        Some(value) if value.is_finite() && (0.0..=1e9).contains(&value) => {
            put(Some(value));
            Ok(())
        }
        Some(value) => Err(format!("{key} = {value} is not a number from 0 to 1e9")),
    }
}

/// A toml error in one line: where and what.
fn located(error: &toml::de::Error, text: &str) -> String {
    let what = error.message().lines().collect::<Vec<_>>().join("; ");
    let Some(before) = error.span().and_then(|span| text.get(..span.start)) else { return what };
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    format!("line {line}, column {column}: {what}")
}

/// The defaults of a task without a task.toml.
pub(super) fn default_policy() -> Policy {
    Policy { limits: Limits::default(), targets: Targets::default(), weights: Weights::default() }
}
