//! What the user wants of a model.
//!
//! Inside, values carry their units; by name, as in task.toml and on the screen, they
//! are in milliseconds, megabytes (10^6 bytes), millijoules and fractions.

use serde::{Deserialize, Serialize};

use crate::base::{Bytes, Joules, Micros};

/// Limits, targets and weights.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Policy {
    /// A model over one of these is out.
    pub limits: Limits,
    /// Better than these earns nothing.
    pub targets: Targets,
    /// How much each criterion counts.
    pub weights: Weights,
}

/// Hard limits; `None` is no limit.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Limits {
    /// Upper bound of the 90th percentile of the latency, at most.
    pub latency: Option<Micros>,
    /// Peak resident memory, at most.
    pub memory: Option<Bytes>,
    /// File size, at most.
    pub storage: Option<Bytes>,
    /// Energy of one inference, at most.
    pub energy: Option<Joules>,
    /// Accuracy on the task, 0 to 1, at least.
    pub accuracy: Option<f64>,
}

/// Targets; `None` means that less is always better.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Targets {
    /// Median latency.
    pub latency: Option<Micros>,
    /// Peak resident memory.
    pub memory: Option<Bytes>,
    /// Energy of one inference.
    pub energy: Option<Joules>,
    /// File size.
    pub storage: Option<Bytes>,
}

/// Weights, in the user's units. No two groups of the defaults have equal sums, so that
/// no duel is level whichever criteria abstain; none is half of all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Weights {
    pub relevance: f64,
    pub latency: f64,
    pub memory: f64,
    pub energy: f64,
    pub thermal: f64,
    pub storage: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            relevance: 42.0,
            latency: 19.0,
            memory: 13.0,
            energy: 12.0,
            thermal: 9.0,
            storage: 5.0,
        }
    }
}

/// Bytes in the megabyte of task.toml.
pub const MEGABYTE: f64 = 1e6;

/// In megabytes of task.toml.
#[must_use]
pub fn megabytes(bytes: Bytes) -> f64 {
    bytes.0 as f64 / MEGABYTE
}

fn from_megabytes(megabytes: f64) -> Bytes {
    Bytes((megabytes * MEGABYTE).round().max(0.0) as u64)
}

fn from_millis(millis: f64) -> Micros {
    Micros(millis * 1000.0)
}

fn from_millijoules(millijoules: f64) -> Joules {
    Joules(millijoules / 1000.0)
}

impl Limits {
    /// Names, as in task.toml without the unit.
    pub const NAMES: [&'static str; 5] = ["latency", "memory", "storage", "energy", "accuracy"];

    /// A limit by its name, in the unit of task.toml.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<f64> {
        match name {
            "latency" => self.latency.map(Micros::millis),
            "memory" => self.memory.map(megabytes),
            "storage" => self.storage.map(megabytes),
            "energy" => self.energy.map(Joules::millis),
            "accuracy" => self.accuracy,
            _ => None,
        }
    }

    /// Sets a limit by its name, in the unit of task.toml; another name changes nothing.
    pub fn set(&mut self, name: &str, limit: Option<f64>) {
        match name {
            "latency" => self.latency = limit.map(from_millis),
            "memory" => self.memory = limit.map(from_megabytes),
            "storage" => self.storage = limit.map(from_megabytes),
            "energy" => self.energy = limit.map(from_millijoules),
            "accuracy" => self.accuracy = limit,
            _ => {}
        }
    }
}

impl Targets {
    /// Names, as in task.toml without the unit.
    pub const NAMES: [&'static str; 4] = ["latency", "memory", "energy", "storage"];

    /// A target by its name, in the unit of task.toml.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<f64> {
        match name {
            "latency" => self.latency.map(Micros::millis),
            "memory" => self.memory.map(megabytes),
            "energy" => self.energy.map(Joules::millis),
            "storage" => self.storage.map(megabytes),
            _ => None,
        }
    }

    /// Sets a target by its name, in the unit of task.toml; another name changes nothing.
    pub fn set(&mut self, name: &str, target: Option<f64>) {
        match name {
            "latency" => self.latency = target.map(from_millis),
            "memory" => self.memory = target.map(from_megabytes),
            "energy" => self.energy = target.map(from_millijoules),
            "storage" => self.storage = target.map(from_megabytes),
            _ => {}
        }
    }
}

impl Weights {
    /// Names, as in task.toml.
    pub const NAMES: [&'static str; 6] =
        ["relevance", "latency", "memory", "energy", "thermal", "storage"];

    /// A weight by its name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<f64> {
        Some(match name {
            "relevance" => self.relevance,
            "latency" => self.latency,
            "memory" => self.memory,
            "energy" => self.energy,
            "thermal" => self.thermal,
            "storage" => self.storage,
            _ => return None,
        })
    }

    /// Sets a weight by its name; another name changes nothing.
    pub fn set(&mut self, name: &str, weight: f64) {
        match name {
            "relevance" => self.relevance = weight,
            "latency" => self.latency = weight,
            "memory" => self.memory = weight,
            "energy" => self.energy = weight,
            "thermal" => self.thermal = weight,
            "storage" => self.storage = weight,
            _ => {}
        }
    }

    /// Sum of all.
    #[must_use]
    pub fn sum(&self) -> f64 {
        Self::NAMES.iter().filter_map(|name| self.get(name)).sum()
    }
}
