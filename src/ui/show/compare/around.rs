//! What was not the same around two trials.

use serde::Serialize;
use serde_json::Value;

/// A condition that was not the same.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Difference {
    pub(super) condition: &'static str,
    pub(super) a: Option<String>,
    pub(super) b: Option<String>,
}

/// How a value of a document reads; equal texts are equal conditions.
type Said = fn(&Value) -> Option<String>;

/// Name, where it is, how it reads.
const CONDITIONS: [(&str, &str, Said); 27] = [
    ("configuration", "/config_id", text),
    ("engine", "/key/engine", text),
    ("board", "/key/fingerprint", short),
    ("kernel", "/key/kernel", text),
    ("power settings", "/key/power", text),
    ("outputs", "/key/outputs", text),
    ("confinement", "/conditions/confinement", text),
    ("pause before", "/conditions/cooled/seconds", seconds),
    ("temperature before", "/conditions/before/temperature", celsius),
    ("clock before", "/conditions/before/clock", megahertz),
    ("highest clock before", "/conditions/before/clock_bound", megahertz),
    ("governor before", "/conditions/before/governor", text),
    ("power mode before", "/conditions/before/power_mode", text),
    ("throttled before", "/conditions/before/throttled", flags),
    ("load before", "/conditions/before/load", load),
    ("GPU memory before", "/conditions/before/gpu_memory", megabytes),
    ("clock while running", "/conditions/during/clock", megahertz),
    ("lowest clock while running", "/conditions/during/clock_lowest", megahertz),
    ("throttled while running", "/conditions/during/throttled", flags),
    ("waited for a processor", "/conditions/during/waited", percent),
    ("temperature after", "/conditions/after/temperature", celsius),
    ("clock after", "/conditions/after/clock", megahertz),
    ("highest clock after", "/conditions/after/clock_bound", megahertz),
    ("governor after", "/conditions/after/governor", text),
    ("throttled after", "/conditions/after/throttled", flags),
    ("load after", "/conditions/after/load", load),
    ("GPU memory after", "/conditions/after/gpu_memory", megabytes),
];

/// Everything around the two trials that was not equal.
pub(super) fn differing(a: &Value, b: &Value) -> Vec<Difference> {
    let differ = |(condition, path, said): &(&'static str, &str, Said)| {
        let of = |trial: &Value| trial.pointer(path).and_then(said);
        let (a, b) = (of(a), of(b));
        (a != b).then_some(Difference { condition, a, b })
    };
    CONDITIONS.iter().filter_map(differ).collect()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn short(value: &Value) -> Option<String> {
    Some(value.as_str()?.chars().take(12).collect())
}

fn celsius(value: &Value) -> Option<String> {
    Some(format!("{:.0} C", value.as_f64()?))
}

fn megahertz(value: &Value) -> Option<String> {
    Some(format!("{} MHz", value.as_u64()? / 1_000_000))
}

fn megabytes(value: &Value) -> Option<String> {
    Some(format!("{:.0} MB", value.as_f64()? / 1e6))
}

fn load(value: &Value) -> Option<String> {
    Some(format!("{:.1}", value.as_f64()?))
}

fn percent(value: &Value) -> Option<String> {
    Some(format!("{:.0} %", value.as_f64()? * 100.0))
}

fn seconds(value: &Value) -> Option<String> {
    Some(format!("{:.0} s", value.as_f64()?))
}

/// None in force is said too: it is known then.
fn flags(value: &Value) -> Option<String> {
    let names: Vec<&str> = value.as_array()?.iter().filter_map(Value::as_str).collect();
    Some(if names.is_empty() { "no".to_owned() } else { names.join("+") })
}
