//! Options that several verbs share: what to choose from, for which task, and how
//! much measuring it is worth.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::ways::Ways;
use crate::agent::{Config, Cooling, Preset, Request};
use crate::base::{Bytes, Joules, Micros};
use crate::bench::Plan;
use crate::model::{self, Candidate};
use crate::rank::Method;
use crate::task::{self, Limits, Policy, Task};
use crate::ui::{Call, Failure};

/// What to choose from, and for which task.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Aim {
    /// Model files, or folders of them [default: the bundled zoo].
    #[arg(long, value_name = "PATH", num_args = 1.., help_heading = "What to choose")]
    zoo: Vec<PathBuf>,
    /// Task: folder with task.toml, folder of class folders, or .npz
    /// [default: the bundled task].
    #[arg(long, value_name = "PATH", help_heading = "What to choose")]
    task: Option<PathBuf>,
    #[command(flatten)]
    bounds: Bounds,
    #[command(flatten)]
    ways: Ways,
    /// How those within the limits are ordered: by task and costs (shadow), the same with predicted
    /// latencies corrected by other boards (corrected), by a learned score of both (fusion) or of
    /// the task alone (spider), or by what was expected (static).
    #[arg(long, value_name = "NAME", value_parser = methods(), default_value = "shadow",
          help_heading = "What to choose")]
    method: Method,
    /// Weight of a criterion, such as relevance=60 (repeatable).
    #[arg(long, value_name = "NAME=N", value_parser = pair, help_heading = "What to choose")]
    weight: Vec<(String, f64)>,
    /// Target better than which nothing counts, such as latency=2 (ms, MB, mJ;
    /// repeatable).
    #[arg(long, value_name = "NAME=N", value_parser = pair, help_heading = "What to choose")]
    target: Vec<(String, f64)>,
}

/// Hard limits that replace those of the task.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Limits")]
struct Bounds {
    /// 90th percentile of the latency at most, milliseconds.
    #[arg(long, value_name = "MS", value_parser = positive)]
    max_latency_ms: Option<f64>,
    /// Peak resident memory at most, megabytes.
    #[arg(long, value_name = "MB", value_parser = positive)]
    max_memory_mb: Option<f64>,
    /// Model file at most, megabytes.
    #[arg(long, value_name = "MB", value_parser = positive)]
    max_storage_mb: Option<f64>,
    /// Energy of one inference at most, millijoules.
    #[arg(long, value_name = "MJ", value_parser = positive)]
    max_energy_mj: Option<f64>,
    /// Accuracy on the task at least, 0 to 1.
    #[arg(long, value_name = "FRACTION", value_parser = fraction)]
    min_accuracy: Option<f64>,
}

/// How much measuring it is worth.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Measuring")]
pub(crate) struct Effort {
    /// Seconds to spend on measuring [default: all candidates are measured].
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    budget: Option<f64>,
    /// Measure briefly: a first look, with wider intervals.
    #[arg(long)]
    quick: bool,
    /// Measure again what the records know already.
    #[arg(long)]
    fresh: bool,
    /// First wait until the hottest zone is below this, Celsius
    /// [default: 10 below where each zone throttles].
    #[arg(long, value_name = "C", value_parser = positive)]
    cool_below: Option<f64>,
    /// Seconds to wait for that at most, per candidate; 0 does not wait
    /// [default: 30, with --quick 10].
    #[arg(long, value_name = "SECONDS", value_parser = number)]
    cool_wait: Option<f64>,
}

impl Effort {
    /// The line's plan, else the configuration's.
    pub(crate) fn plan(&self, config: &Config) -> Plan {
        let plan = config.plan.unwrap_or(Preset::Default).plan();
        let plan = if self.quick { Plan::quick() } else { plan };
        let line = Cooling { below: self.cool_below, wait: self.cool_wait };
        Plan { cool: line.over(config.cool.over(plan.cool)), ..plan }
    }
}

impl Aim {
    /// The request for the main job.
    pub(crate) fn request(
        &self,
        call: &Call<'_>,
        effort: &Effort,
        dry_run: bool,
    ) -> Result<Request, Failure> {
        let budget = effort.budget.or(call.settings.config.budget);
        Ok(Request {
            zoo: self.zoo(call)?,
            task: self.task(call)?,
            state: call.settings.state.clone(),
            plan: effort.plan(&call.settings.config),
            budget: budget.map(Duration::from_secs_f64),
            dry_run,
            fresh: effort.fresh,
            head: true,
            method: self.method,
            unmeasured: false,
            probes: model::probes,
        })
    }

    /// The request that measures nothing and changes nothing: only records count.
    pub(crate) fn recorded(&self, call: &Call<'_>) -> Result<Request, Failure> {
        let request = self.request(call, &Effort::default(), true)?;
        Ok(Request { budget: Some(Duration::ZERO), ..request })
    }

    /// Candidates: each model in each configuration.
    pub(crate) fn zoo(&self, call: &Call<'_>) -> Result<Vec<Candidate>, Failure> {
        self.ways.expand(call, self.models(call)?)
    }

    /// Models of the line, else of the configuration, else the bundled ones.
    fn models(&self, call: &Call<'_>) -> Result<Vec<Candidate>, Failure> {
        let paths = if self.zoo.is_empty() { &call.settings.config.zoo } else { &self.zoo };
        if !paths.is_empty() {
            return Ok(model::open(paths)?);
        }
        let bundled = model::bundled();
        if bundled.is_empty() {
            return Err(Failure::usage("this build has no bundled models")
                .help("name a folder of .onnx files with --zoo, or `zoo` in umbra.toml"));
        }
        Ok(bundled)
    }

    fn task(&self, call: &Call<'_>) -> Result<Task, Failure> {
        let path = self.task.as_ref().or(call.settings.config.task.as_ref());
        let mut task = match path {
            Some(path) => task::open(path)?,
            None => task::bundled().ok_or_else(|| {
                Failure::usage("this build has no bundled task").help("name one with --task")
            })?,
        };
        self.apply(&mut task.policy)?;
        Ok(task)
    }

    pub(crate) fn apply(&self, policy: &mut Policy) -> Result<(), Failure> {
        self.bounds.apply(&mut policy.limits);
        for (name, value) in &self.weight {
            *weight(policy, name)? = *value;
        }
        for (name, value) in &self.target {
            target(policy, name, *value)?;
        }
        Ok(())
    }
}

impl Bounds {
    fn apply(&self, limits: &mut Limits) {
        let bytes = |mb: f64| Bytes((mb * 1e6) as u64);
        limits.latency = self.max_latency_ms.map(|ms| Micros(ms * 1e3)).or(limits.latency);
        limits.memory = self.max_memory_mb.map(bytes).or(limits.memory);
        limits.storage = self.max_storage_mb.map(bytes).or(limits.storage);
        limits.energy = self.max_energy_mj.map(|mj| Joules(mj / 1e3)).or(limits.energy);
        limits.accuracy = self.min_accuracy.or(limits.accuracy);
    }
}

fn weight<'a>(policy: &'a mut Policy, name: &str) -> Result<&'a mut f64, Failure> {
    let weights = &mut policy.weights;
    Ok(match name {
        "relevance" => &mut weights.relevance,
        "latency" => &mut weights.latency,
        "memory" => &mut weights.memory,
        "energy" => &mut weights.energy,
        "thermal" => &mut weights.thermal,
        "storage" => &mut weights.storage,
        _ => {
            return Err(Failure::usage(format!("no criterion is called {name:?}"))
                .help("relevance, latency, memory, energy, thermal, storage"));
        }
    })
}

fn target(policy: &mut Policy, name: &str, value: f64) -> Result<(), Failure> {
    let targets = &mut policy.targets;
    match name {
        "latency" => targets.latency = Some(Micros(value * 1e3)),
        "memory" => targets.memory = Some(Bytes((value * 1e6) as u64)),
        "energy" => targets.energy = Some(Joules(value / 1e3)),
        "storage" => targets.storage = Some(Bytes((value * 1e6) as u64)),
        _ => {
            return Err(Failure::usage(format!("no target is called {name:?}"))
                .help("latency (ms), memory (MB), energy (mJ), storage (MB)"));
        }
    }
    Ok(())
}

fn methods() -> impl TypedValueParser<Value = Method> {
    let named = |name: String| Method::ALL.into_iter().find(|method| method.name() == name);
    PossibleValuesParser::new(Method::ALL.map(Method::name))
        .try_map(move |name| named(name).ok_or("no such method"))
}

fn number(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    // A year of seconds, an exabyte: beyond any sense, and safe to convert.
    if value.is_finite() && (0.0..1e12).contains(&value) {
        Ok(value)
    } else {
        Err("not a number from 0 on".to_owned())
    }
}

fn positive(text: &str) -> Result<f64, String> {
    number(text)
        .and_then(|value| if value > 0.0 { Ok(value) } else { Err("must be over 0".to_owned()) })
}

fn fraction(text: &str) -> Result<f64, String> {
    number(text).and_then(|value| {
        if value <= 1.0 { Ok(value) } else { Err("a fraction from 0 to 1".to_owned()) }
    })
}

fn pair(text: &str) -> Result<(String, f64), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=NUMBER")?;
    Ok((name.to_owned(), number(value)?))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Probe {
        #[command(flatten)]
        aim: Aim,
    }

    #[test]
    fn the_line_replaces_limits_weights_and_targets_and_leaves_the_rest() {
        let line = ["x", "--max-latency-ms", "2.5", "--weight", "energy=3", "--target", "memory=8"];
        let mut policy = Policy::default();
        policy.limits.accuracy = Some(0.5);
        Probe::parse_from(line).aim.apply(&mut policy).unwrap();
        assert_eq!(policy.limits.latency, Some(Micros(2500.0)));
        assert_eq!(policy.limits.accuracy, Some(0.5));
        assert_eq!(policy.weights.energy, 3.0);
        assert_eq!(policy.targets.memory, Some(Bytes(8_000_000)));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            ["x", "--max-latency-ms", "nan"],
            ["x", "--min-accuracy", "1.5"],
            ["x", "--weight", "a"],
        ] {
            assert!(Probe::try_parse_from(line).is_err(), "{line:?}");
        }
        let aim = Probe::parse_from(["x", "--weight", "speed=1"]).aim;
        assert!(aim.apply(&mut Policy::default()).is_err());
    }
}
