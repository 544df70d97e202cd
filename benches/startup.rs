//! From start to decision when every trial is cached, beside `probe` alone, and the
//! agent's own share of an uncached run. Whole processes, interleaved, ratios with
//! 95 % intervals of the median.
//!
//!     cargo bench --bench startup

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use std::path::Path;
use std::process::Command;
use std::time::Instant;

mod ratio;

const PAIRS: usize = 30;

fn main() {
    let state = tempfile::tempdir().expect("a temporary state folder");
    let first = select(state.path());
    let elapsed = |key: &str| first["elapsed_ms"][key].as_f64().unwrap_or(f64::NAN);
    let own = elapsed("total") - elapsed("bench") - elapsed("observe");
    println!("uncached select: the agent's own part / total   {:.4}", own / elapsed("total"));

    let mut ratios = Vec::new();
    let mut decisions = Vec::new();
    for _ in 0..PAIRS {
        let probe = timed(|| {
            run(state.path(), &["probe", "--json"]);
        });
        let cached = timed(|| {
            select(state.path());
        });
        decisions.push(cached);
        ratios.push(cached / probe);
    }
    ratio::print("cached select / probe alone (goal: at most 3)", &ratios);
    ratio::print("cached select, milliseconds on this machine", &decisions);
}

fn timed(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1000.0
}

fn select(state: &Path) -> serde_json::Value {
    let output = run(state, &["select", "--json"]);
    serde_json::from_slice(&output).expect("one JSON document")
}

fn run(state: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_umbra"))
        .args(arguments)
        .arg("--state")
        .arg(state)
        .output()
        .expect("umbra starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
