//! The ARM binaries under the user-mode emulator: what they print and compute is what the
//! host prints and computes. `.ci/run` builds them with the profile `ci` and sets
//! `UMBRA_EMULATED=required`; without that the tests skip with one loud line a target.
//!
//! Nothing here is about time: an emulated second says nothing of a board's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use umbra::model::npz::{read_npz, write_npz};
use umbra::model::{Dtype, Tensor, golden_image};

struct Target {
    triple: &'static str,
    arch: &'static str,
    emulator: &'static [&'static str],
}

const TARGETS: [Target; 3] = [
    Target {
        triple: "aarch64-unknown-linux-gnu",
        arch: "aarch64",
        emulator: &["qemu-aarch64-static", "-cpu", "cortex-a72", "-L", "/usr/aarch64-linux-gnu"],
    },
    Target {
        triple: "aarch64-unknown-linux-musl",
        arch: "aarch64",
        emulator: &["qemu-aarch64-static", "-cpu", "cortex-a76"],
    },
    Target {
        triple: "armv7-unknown-linux-gnueabihf",
        arch: "arm",
        emulator: &["qemu-arm-static", "-cpu", "cortex-a7", "-L", "/usr/arm-linux-gnueabihf"],
    },
];

impl Target {
    fn binary(&self) -> PathBuf {
        let host = Path::new(env!("CARGO_BIN_EXE_umbra"));
        let target = host.parent().and_then(Path::parent).unwrap();
        target.join(self.triple).join("ci").join("umbra")
    }

    /// Whether it is to be tried. Binaries of an older build would prove nothing, so only
    /// the gate, which has just built them, asks for it; what is missing then is a failure.
    fn is_there(&self) -> bool {
        if std::env::var_os("UMBRA_EMULATED").is_none_or(|value| value != "required") {
            eprintln!("SKIPPED: {} (built and emulated by .ci/run)", self.triple);
            return false;
        }
        let emulator = Command::new(self.emulator[0]).arg("--version").output();
        assert!(emulator.is_ok(), "{} is missing: run scripts/setup-cross.sh", self.emulator[0]);
        assert!(self.binary().is_file(), "{} is missing", self.binary().display());
        true
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.emulator[0]);
        command.args(&self.emulator[1..]).arg(self.binary()).args(arguments);
        command.env("UMBRA_LAUNCHER", self.emulator.join(" "));
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn json(&self, arguments: &[&str]) -> serde_json::Value {
        document(&self.run(arguments))
    }
}

fn host(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_umbra")).args(arguments).output().unwrap()
}

fn document(output: &Output) -> serde_json::Value {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} {errors}", String::from_utf8_lossy(&output.stdout));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn zoo() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("onnx/zoo");
    let mut found: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().display().to_string())
        .filter(|path| path.ends_with(".onnx"))
        .collect();
    found.sort();
    assert!(found.len() >= 10);
    found
}

#[test]
fn probe_names_the_architecture() {
    for target in TARGETS.iter().filter(|target| target.is_there()) {
        let probe = target.json(&["probe", "--json"]);
        assert_eq!(probe["schema"], 1);
        assert_eq!(probe["device"]["board"]["arch"], target.arch, "{}", target.triple);
        assert!(probe["device"]["memory"]["total"]["value"].as_u64().unwrap() > 1 << 20);
    }
}

#[test]
fn inspect_prints_what_the_host_prints() {
    let zoo = zoo();
    let mut arguments = vec!["inspect", "--json"];
    arguments.extend(zoo.iter().map(String::as_str));
    let expected = document(&host(&arguments));
    for target in TARGETS.iter().filter(|target| target.is_there()) {
        assert_eq!(target.json(&arguments), expected, "{}", target.triple);
    }
}

#[test]
fn infer_computes_what_the_host_computes() {
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("x.npz").display().to_string();
    let image = golden_image(7, 32, 32, 3);
    let values: Vec<f32> =
        image.pixels.iter().map(|&byte| (f32::from(byte) - 128.0) / 64.0).collect();
    let tensors = BTreeMap::from([("image".into(), Tensor::from_f32(vec![1, 3, 32, 32], &values))]);
    std::fs::write(&input, write_npz(&tensors).unwrap()).unwrap();
    for target in TARGETS.iter().filter(|target| target.is_there()) {
        for model in zoo() {
            let outputs = |name: &str| dir.path().join(name).display().to_string();
            let (here, there) = (outputs("here.npz"), outputs("there.npz"));
            document(&host(&["infer", &model, "--in", &input, "--out", &here, "--json"]));
            target.json(&["infer", &model, "--in", &input, "--out", &there, "--json"]);
            agree(&model, target.triple, &here, &there);
        }
    }
}

/// Floating-point sums differ in their last bits between instruction sets; after a
/// quantisation such a bit can move a value by a step, so a few values may differ by more
/// than rounding, but not the whole.
fn agree(model: &str, triple: &str, here: &str, there: &str) {
    let read = |path: &str| read_npz(&std::fs::read(path).unwrap()).unwrap();
    let (here, there) = (read(here), read(there));
    assert!(here.keys().eq(there.keys()));
    for (name, a) in &here {
        let b = &there[name];
        assert_eq!((a.dtype, &a.shape), (b.dtype, &b.shape));
        assert_eq!(a.dtype, Dtype::Float32);
        let (a, b) = (a.to_f32().unwrap(), b.to_f32().unwrap());
        let range = a.iter().fold(0.0_f32, |top, value| top.max(value.abs())).max(1e-6);
        let worst = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let limit = if model.contains("float32") { 1e-4 } else { 0.04 };
        assert!(worst <= limit * range, "{model} on {triple}, {name}: off by {worst} of {range}");
    }
}

#[test]
fn bench_and_select_run_whole_through_the_launcher() {
    let target = &TARGETS[0];
    if !target.is_there() {
        return;
    }
    let state = tempfile::tempdir().unwrap();
    let state = state.path().display().to_string();
    let zoo = zoo();
    let bench = target.json(&["bench", "--json", "--quick", "--state", &state, &zoo[0]]);
    let trial = &bench["trials"][0];
    assert!(trial["latency_us"]["p50"].as_f64().unwrap() > 0.0, "{trial}");
    assert!(trial["peak_rss_bytes"].is_null(), "an emulator's memory is no model's: {trial}");

    let selection = target.json(&["select", "--json", "--quick", "--state", &state]);
    let candidates = selection["candidates"].as_array().unwrap();
    assert!(candidates.len() >= 10);
    assert!(candidates.iter().all(|candidate| candidate["latency_us"].is_object()));
    assert_eq!(selection["decision"]["action"], "deploy");
    let model = selection["decision"]["model"].as_str().unwrap();
    let status = target.json(&["status", "--json", "--state", &state]);
    assert_eq!(status["current"]["model"], model);
}

/// Under the user emulator the library ends the worker while it loads; on a board it may run.
/// Either way the agent goes on and says what became of the configuration.
#[test]
fn onnx_runtime_for_arm_runs_or_takes_no_more_than_a_worker_down() {
    let target = &TARGETS[0];
    if !target.is_there() {
        return;
    }
    let library =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("target/ort/aarch64/libonnxruntime.so.1.31.1");
    if !library.is_file() {
        eprintln!("NOT RUN: no {} (scripts/setup-ort.sh fetches it)", library.display());
        return;
    }
    let state = tempfile::tempdir().unwrap();
    let state = state.path().display().to_string();
    let zoo = zoo();
    let mut arguments = vec!["bench", "--json", "--quick", "--engine", "ort-cpu"];
    arguments.extend(["--state", &state]);
    arguments
        .extend(zoo.iter().filter(|path| path.contains("resnet8-letters")).map(String::as_str));
    let output =
        target.command(&arguments).env(umbra::engine::ONNXRUNTIME, &library).output().unwrap();
    let bench: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let trial = &bench["trials"][0];
    assert_eq!(trial["config_id"], "ort-cpu/t1/any");
    let timed = trial["latency_us"]["p50"].as_f64().is_some_and(|p50| p50 > 0.0);
    // Only a worker that died counts: a library not found or refused would be another fault.
    let told = trial["verdict"] == "rejected" && trial["stage"] == "process";
    assert!(timed || told, "{trial}");
    eprintln!("ONNX Runtime for ARM: {} {}", trial["verdict"], trial["reason"]);
}

#[test]
fn equal_records_give_an_equal_decision_everywhere() {
    let there: Vec<&Target> = TARGETS.iter().filter(|target| target.is_there()).collect();
    if there.is_empty() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state").display().to_string();
    let file = dir.path().join("select.json").display().to_string();
    let zoo: Vec<String> = zoo().into_iter().filter(|path| path.contains("cnn-")).collect();
    assert!(zoo.len() >= 3);
    let mut select = vec!["select", "--json", "--quick", "--dry-run", "--state", &state, "--zoo"];
    select.extend(zoo.iter().map(String::as_str));
    let selection = host(&select);
    document(&selection);
    std::fs::write(&file, &selection.stdout).unwrap();
    for change in [&[][..], &["--weight", "relevance=3"], &["--min-accuracy", "0.2"]] {
        let mut arguments = vec!["rank", "--json", "--from", &file];
        arguments.extend(change);
        let expected = host(&arguments);
        for target in &there {
            let found = target.run(&arguments);
            assert_eq!(found.stdout, expected.stdout, "{} {change:?}", target.triple);
            assert_eq!(found.status.code(), expected.status.code());
        }
    }
}
