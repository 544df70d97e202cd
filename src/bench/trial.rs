//! A plan goes in, a trial comes out: plain data.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Cool, Cooled, During};
use crate::base::{Bytes, Celsius, Digest, Hertz, Joules, Micros};
use crate::board::power::Scope;
use crate::child::Confinement;
use crate::model::Stage;

/// How to measure one candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Steady samples wanted at least (64 make a p90 bound possible).
    pub min_samples: u32,
    /// Steady time wanted at least.
    pub min_time: Duration,
    /// Steady samples at most.
    pub max_samples: u32,
    /// Steady time at most, once there are [`min_samples`](Self::min_samples).
    pub max_time: Duration,
    /// Steady time at most, whatever else: a slow model gets so much to reach them.
    pub patience: Duration,
    /// Samples after which a first look ends; `None` measures to the end. A look that ends
    /// below [`min_samples`](Self::min_samples) is never valid.
    pub glance: Option<u32>,
    /// A median that is surely above this makes the candidate hopeless, and ends it.
    pub hopeless_above: Option<Micros>,
    /// Wall clock of the whole worker.
    pub wall: Duration,
    /// Address space of the worker.
    pub address_space: Option<Bytes>,
    /// Labels of the head that would be deployed on the features; `None` where the
    /// model's own scores are used.
    pub head_labels: Option<u32>,
    /// How cool the board is to be before the worker starts.
    pub cool: Cool,
}

/// Whether a trial counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Measured under fair conditions.
    Valid,
    /// Measured, with a doubt that is named.
    Suspect,
    /// Measured, and not to be used.
    Invalid,
    /// Fell out at a stage.
    Rejected,
    /// Not measured (budget, or hopeless).
    Skipped,
}

/// Steady latency of one inference.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Median.
    pub p50: Micros,
    /// Empirical 90th percentile.
    pub p90: Micros,
    /// Upper bound of the 90th percentile at 99 % confidence (LoadGen's early-stopping
    /// estimate); absent below 64 samples.
    pub p90_upper: Option<Micros>,
    /// Empirical 99th percentile.
    pub p99: Micros,
    /// Mean.
    pub mean: Micros,
    /// Standard error of the mean, from the means of consecutive blocks: neighbours are not
    /// independent. Absent where there are fewer than eight samples.
    pub standard_error: Option<Micros>,
    /// Standard deviation of the logarithms of the samples.
    pub spread: f64,
    /// Samples behind these figures.
    pub samples: u64,
    /// Half-width of the 95 % interval of the median, with what another process would add.
    pub p50_half_width: Micros,
    /// Samples that stand apart. They are part of every figure above.
    pub outliers: Outliers,
}

/// Samples beyond Tukey's outer fence: three interquartile ranges above the third quartile.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Outliers {
    /// The fence.
    pub above: Micros,
    /// Samples beyond it.
    pub count: u64,
    /// Their share of the time of all.
    pub time_share: f64,
}

/// Energy of one inference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Energy {
    /// While running.
    pub gross: Joules,
    /// Above idle, where idle was measured.
    pub net: Option<Joules>,
    /// Which meter.
    pub source: String,
    /// What it covers.
    pub scope: Scope,
}

/// The state of the board at one moment; `None` where it cannot be read.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Condition {
    /// Hottest zone.
    pub temperature: Option<Celsius>,
    /// Clock of the fastest cluster.
    pub clock: Option<Hertz>,
    /// The highest clock that it may have now.
    pub clock_bound: Option<Hertz>,
    /// Governor.
    pub governor: Option<String>,
    /// Power mode.
    pub power_mode: Option<String>,
    /// Throttle flags in force.
    pub throttled: Option<Vec<String>>,
    /// One-minute load.
    pub load: Option<f64>,
    /// Memory in use on graphics processors that have their own.
    pub gpu_memory: Option<Bytes>,
}

/// Before, during and after.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Conditions {
    /// Before the worker started.
    pub before: Condition,
    /// After it ended.
    pub after: Condition,
    /// While the steady part ran.
    pub during: During,
    /// The pause before it started, where there was one.
    pub cooled: Option<Cooled>,
    /// How far the worker was confined; absent where it never said.
    pub confinement: Option<Confinement>,
}

/// What identifies a trial; only an equal key allows reuse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialKey {
    /// Model.
    pub sha256: Digest,
    /// Configuration.
    pub config_id: String,
    /// Engine version and ISA.
    pub engine: String,
    /// Board.
    pub fingerprint: Digest,
    /// Kernel release.
    pub kernel: String,
    /// Governor and power mode.
    pub power: String,
    /// Outputs in use and head size.
    pub outputs: String,
}

impl TrialKey {
    /// The name of its record.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let parts = [
            self.sha256.hex(),
            self.config_id.clone(),
            self.engine.clone(),
            self.fingerprint.hex(),
            self.kernel.clone(),
            self.power.clone(),
            self.outputs.clone(),
        ];
        Digest::of_parts(parts.iter().map(String::as_bytes))
    }
}

/// What came of measuring one candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Candidate.
    pub id: String,
    /// What was measured, exactly.
    pub key: TrialKey,
    /// Whether it counts.
    pub verdict: Verdict,
    /// Where it fell out, if it did.
    pub stage: Option<Stage>,
    /// Why the verdict is not `valid`.
    pub reason: Option<String>,
    /// One sentence of advice.
    pub advice: Option<String>,
    /// Steady latency.
    pub latency: Option<Latency>,
    /// Reading the graph.
    pub load: Option<Micros>,
    /// Optimising it.
    pub optimise: Option<Micros>,
    /// The first inference.
    pub first: Option<Micros>,
    /// Peak resident memory of the worker (`VmHWM`).
    pub peak_rss: Option<Bytes>,
    /// Private memory of the worker when steady (`smaps_rollup`).
    pub private: Option<Bytes>,
    /// Energy of one inference.
    pub energy: Option<Energy>,
    /// Convolutions run on integers, and in floating point.
    pub convolutions: Option<(u64, u64)>,
    /// The board before and after.
    pub conditions: Conditions,
    /// Seconds since the epoch when it ended (the clock may be wrong).
    pub at: u64,
}
