//! Whether a figure comes out again: `umbra bench` twice on the same model, twenty times.
//!
//! A pair agrees where the medians differ by no more than their own stated intervals allow
//! (half-widths added as independent errors are: the root of the sum of their squares). The
//! half-widths themselves are to be 5 % of the median at most, or agreeing means little. Last
//! comes what one process differed from the next: the deviation of the logarithm of a median
//! that is behind the differences, all of them together.
//!
//!     cargo bench --bench reproduce
//!     cargo bench --bench reproduce -- model.onnx --affinity one
//!
//! Models are taken from the line, else from onnx/zoo; options are those of `umbra bench`.
//! `UMBRA` names another program to run, for a board that has no cargo.

#![allow(clippy::expect_used, clippy::print_stdout)]

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use serde_json::Value;

const PAIRS: usize = 20;
const WANTED: usize = 19;
/// Half-width of an interval at most, as a share of its median.
const WIDEST: f64 = 0.05;

/// One measurement: median and half-width in microseconds.
#[derive(Clone, Copy)]
struct Figure {
    median: f64,
    half_width: f64,
}

impl Figure {
    fn of(trial: &Value) -> Option<Self> {
        let latency = trial.get("latency_us")?;
        let end = |at: usize| latency.get("interval")?.get(at)?.as_f64();
        let half_width = (end(1)? - end(0)?) / 2.0;
        Some(Self { median: latency.get("p50")?.as_f64()?, half_width })
    }

    fn is_narrow(self) -> bool {
        self.half_width <= WIDEST * self.median
    }
}

/// What this line asks for: models, and options for every run.
fn asked() -> (Vec<String>, Vec<String>) {
    let line: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let first_option = line.iter().position(|word| word.starts_with("--")).unwrap_or(line.len());
    let (models, options) = line.split_at(first_option);
    if !models.is_empty() {
        return (models.to_vec(), options.to_vec());
    }
    let zoo = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("onnx/zoo");
    let entries = std::fs::read_dir(zoo).expect("onnx/zoo is there");
    let paths = entries.flatten().map(|entry| entry.path());
    let mut models: Vec<String> = paths
        .filter(|path| path.extension().is_some_and(|kind| kind == "onnx"))
        .map(|path| path.display().to_string())
        .collect();
    models.sort();
    (models, options.to_vec())
}

fn bench(model: &str, options: &[String], state: &std::path::Path) -> Value {
    let program = std::env::var("UMBRA").unwrap_or_else(|_| env!("CARGO_BIN_EXE_umbra").to_owned());
    let output = Command::new(program)
        .args(["bench", model, "--json", "--state"])
        .arg(state)
        .args(options)
        .output()
        .expect("umbra starts");
    let document: Value = serde_json::from_slice(&output.stdout).expect("one document");
    document.pointer("/trials/0").cloned().unwrap_or_default()
}

fn text<'a>(trial: &'a Value, key: &str) -> &'a str {
    trial.get(key).and_then(Value::as_str).unwrap_or("-")
}

/// Prints one row; whether the pair agrees, whether both intervals are narrow, and the
/// logarithm of the medians' ratio.
fn row(model: &str, pair: [&Value; 2]) -> (bool, bool, Option<f64>) {
    let name = std::path::Path::new(model).file_stem().unwrap_or_default().to_string_lossy();
    let verdicts = pair.map(|trial| text(trial, "verdict")).join("/");
    let [Some(a), Some(b)] = pair.map(Figure::of) else {
        println!(
            "{name:<30.30} not measured: {}",
            pair.map(|trial| text(trial, "reason")).join("; ")
        );
        return (false, false, None);
    };
    let (apart, allowed) = ((b.median - a.median).abs(), a.half_width.hypot(b.half_width));
    let percent = |us: f64| 100.0 * us / a.median;
    let agrees = apart <= allowed;
    println!(
        "{name:<30.30} {:>9.1} {:>9.1} {:>6.2} {:>6.2} {:>4} {verdicts}",
        a.median,
        b.median,
        percent(apart),
        percent(allowed),
        if agrees { "yes" } else { "NO" },
    );
    (agrees, a.is_narrow() && b.is_narrow(), Some((b.median / a.median).ln()))
}

fn main() -> ExitCode {
    let (models, options) = asked();
    let state = tempfile::tempdir().expect("a temporary state folder");
    println!("model                             a, us     b, us apart% allow% agree verdicts");
    let (mut agreeing, mut narrow, mut ratios) = (0, 0, Vec::new());
    for model in models.iter().cycle().take(PAIRS) {
        let [a, b] = [(); 2].map(|()| bench(model, &options, state.path()));
        let (agrees, is_narrow, ratio) = row(model, [&a, &b]);
        ratios.extend(ratio);
        agreeing += usize::from(agrees);
        narrow += usize::from(is_narrow);
    }
    println!("{agreeing} of {PAIRS} pairs agree within their intervals (goal {WANTED})");
    println!("{narrow} of {PAIRS} pairs with both half-widths within 5 % of the median");
    let squares: f64 = ratios.iter().map(|ratio| ratio * ratio).sum();
    let between = (squares / 2.0 / ratios.len().max(1) as f64).sqrt();
    println!("one process differs from the next by {:.2} % (deviation)", 100.0 * between);
    let met = agreeing >= WANTED && narrow == PAIRS;
    println!("goal: {}", if met { "met" } else { "missed" });
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
