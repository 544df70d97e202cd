//! ONNX Runtime as an engine. What needs its library runs where `ORT_DYLIB_PATH` names one
//! (scripts/setup-ort.sh fetches it); without, each such test says so in one line, unless
//! `UMBRA_ORT=required` makes that a failure. What a bad library does needs none.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use umbra::engine::{self, Engine, EngineError, Libraries, LoadOptions, Session};
use umbra::model::{Stage, Tensor};

use super::engine::{disagreeing, models};

fn library() -> Option<PathBuf> {
    let found = std::env::var_os(engine::ONNXRUNTIME).map(PathBuf::from);
    let found = found.filter(|path| path.is_file());
    if found.is_none() {
        let required = std::env::var_os("UMBRA_ORT").is_some_and(|value| value == "required");
        assert!(!required, "{} names no library: run scripts/setup-ort.sh", engine::ONNXRUNTIME);
        eprintln!("SKIPPED: {} names no ONNX Runtime library", engine::ONNXRUNTIME);
    }
    found
}

fn engine_of(name: &str, library: Option<PathBuf>) -> Box<dyn Engine> {
    let engines = engine::available_with(&Libraries { onnxruntime: library });
    engines.into_iter().find(|engine| engine.name() == name).unwrap()
}

fn session(
    engine: &dyn Engine,
    model: &[u8],
    options: &LoadOptions,
) -> Result<Box<dyn Session>, EngineError> {
    engine.load(model, options)?.optimise()
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn resnet() -> Vec<u8> {
    std::fs::read(root("onnx/zoo/resnet8-letters-int8-qdq.onnx")).unwrap()
}

fn zeros(session: &dyn Session) -> Vec<Tensor> {
    let zero = |info: &umbra::model::TensorInfo| {
        let shape: Vec<usize> = info.shape.iter().map(|dim| dim.unwrap() as usize).collect();
        let bytes = shape.iter().product::<usize>() * info.dtype.size().unwrap();
        Tensor { dtype: info.dtype, shape, data: vec![0; bytes] }
    };
    session.inputs().iter().map(zero).collect()
}

#[test]
fn every_model_agrees_with_its_goldens() {
    let Some(library) = library() else { return };
    let engine = engine_of("ort-cpu", Some(library));
    let own = root("tests/models/engine");
    assert_eq!(disagreeing(&*engine, &own), Vec::<String>::new());
    if let Some(models) = models() {
        assert_eq!(disagreeing(&*engine, &models), Vec::<String>::new());
    }
}

#[test]
fn an_inner_tensor_comes_out_and_nothing_behind_it_runs() {
    let Some(library) = library() else { return };
    let engine = engine_of("ort-cpu", Some(library));
    let model = resnet();
    let file: umbra::model::onnx::Model = prost::Message::decode(model.as_slice()).unwrap();
    let graph = file.graph.unwrap();
    let tap = graph.node[graph.node.len() / 2].output[0].clone();
    assert!(graph.output.iter().all(|output| output.name != tap), "{tap} is an inner tensor");
    let options = LoadOptions { outputs: Some(vec![tap.clone()]), ..LoadOptions::default() };
    let mut pruned = session(&*engine, &model, &options).unwrap();
    assert_eq!(pruned.outputs()[0].name, tap);
    let features = pruned.run(&zeros(&*pruned)).unwrap().remove(0);
    assert!(features.len() > 1);
    // Beside the model's own output it is the same tensor.
    let both = vec![graph.output[0].name.clone(), tap];
    let options = LoadOptions { outputs: Some(both), ..LoadOptions::default() };
    let mut whole = session(&*engine, &model, &options).unwrap();
    assert_eq!(whole.run(&zeros(&*whole)).unwrap()[1], features);
}

#[test]
fn several_threads_compute_the_same() {
    let Some(library) = library() else { return };
    let engine = engine_of("ort-cpu", Some(library));
    let run = |threads| {
        let options = LoadOptions { threads, ..LoadOptions::default() };
        let mut session = session(&*engine, &resnet(), &options).unwrap();
        session.run(&zeros(&*session)).unwrap()
    };
    assert_eq!(run(1), run(2));
}

#[test]
fn what_does_not_fit_is_an_error() {
    let Some(library) = library() else { return };
    let engine = engine_of("ort-cpu", Some(library));
    let mut fine = session(&*engine, &resnet(), &LoadOptions::default()).unwrap();
    assert_eq!(fine.run(&[]).unwrap_err().stage, Stage::Run);
    let wrong = Tensor::from_f32(vec![1], &[0.0]);
    assert!(fine.run(&[wrong]).unwrap_err().reason.contains("the model takes"));
    let options = LoadOptions { outputs: Some(vec!["none".into()]), ..LoadOptions::default() };
    assert_eq!(engine.load(&resnet(), &options).unwrap_err().stage, Stage::Load);
    assert_eq!(engine.load(b"\xff\xff", &LoadOptions::default()).unwrap_err().stage, Stage::Load);
}

#[test]
fn a_provider_that_the_library_lacks_is_refused_by_name() {
    let Some(library) = library() else { return };
    for name in ["ort-xnnpack", "ort-cuda", "ort-tensorrt"] {
        let engine = engine_of(name, Some(library.clone()));
        let refusal = session(&*engine, &resnet(), &LoadOptions::default()).unwrap_err();
        assert_eq!(refusal.stage, Stage::Load, "{refusal}");
        assert!(refusal.reason.contains("ExecutionProvider cannot be used"), "{refusal}");
        assert!(refusal.help.unwrap().contains("built with this provider"));
    }
}

/// The program with this library, on one model: the trial.
fn bench(engine: &str, library: Option<&Path>) -> (Value, i32) {
    let state = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_umbra"));
    command.args(["bench", "--quick", "--json", "--engine", engine, "--state"]).arg(state.path());
    command.arg(root("onnx/zoo/resnet8-letters-int8-qdq.onnx"));
    command.env_remove("UMBRA_LAUNCHER").env_remove(engine::ONNXRUNTIME);
    if let Some(path) = library {
        command.env(engine::ONNXRUNTIME, path);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    (value["trials"][0].clone(), output.status.code().unwrap())
}

/// A shared library of these lines of C.
fn made_of(dir: &Path, source: &str) -> PathBuf {
    let (file, library) = (dir.join("fake.c"), dir.join("libonnxruntime.so"));
    std::fs::write(&file, source).unwrap();
    let made = Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &file]).status();
    assert!(made.unwrap().success());
    library
}

fn rejected(trial: &Value, stage: &str, reason: &str) {
    assert_eq!(trial["verdict"], "rejected", "{trial}");
    assert_eq!(trial["stage"], stage, "{trial}");
    assert!(trial["reason"].as_str().unwrap().contains(reason), "{trial}");
    assert!(trial["advice"].as_str().is_some_and(|help| !help.is_empty()), "{trial}");
}

#[test]
fn an_unusable_library_rejects_the_configuration_and_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    rejected(&bench("ort-cpu", None).0, "load", "no ONNX Runtime library is named");
    let missing = dir.path().join("missing.so");
    rejected(&bench("ort-cpu", Some(&missing)).0, "load", "there is no library at");
    let text = dir.path().join("text.so");
    std::fs::write(&text, "no library").unwrap();
    rejected(&bench("ort-cpu", Some(&text)).0, "load", "cannot be loaded");
    let other = made_of(dir.path(), "int nothing(void) { return 0; }");
    rejected(&bench("ort-cpu", Some(&other)).0, "load", "is no ONNX Runtime library");
    let old = "static const char *version(void) { return \"1.10.0\"; }
        static const void *api(unsigned v) { (void)v; return 0; }
        static const struct { const void *(*a)(unsigned); const char *(*v)(void); } base =
            { api, version };
        const void *OrtGetApiBase(void) { return &base; }";
    let old = made_of(dir.path(), old);
    rejected(&bench("ort-cpu", Some(&old)).0, "load", "ONNX Runtime 1.10.0, at least 1.17");
}

#[test]
fn an_illegal_instruction_in_the_library_ends_the_worker_only() {
    let dir = tempfile::tempdir().unwrap();
    let trap = "#include <signal.h>
        __attribute__((constructor)) static void start(void) { raise(SIGILL); }";
    let (trial, exit) = bench("ort-cpu", Some(&made_of(dir.path(), trap)));
    rejected(&trial, "process", "illegal instruction");
    assert_eq!(exit, 4, "the agent itself lives and reports");
}

#[test]
fn every_engine_with_every_number_of_threads_is_a_candidate_of_its_own() {
    let Some(library) = library() else { return };
    let state = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_umbra"));
        let ways = ["--engine", "tract-cpu", "--engine", "ort-cpu", "--threads", "1"];
        command.args(arguments).args(ways).args(["--threads", "2"]);
        command.arg("--zoo").arg(root("onnx/zoo/resnet8-letters-int8-qdq.onnx"));
        command.args(["--state"]).arg(state.path());
        command.env_remove("UMBRA_LAUNCHER").env(engine::ONNXRUNTIME, &library);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let chosen: Value = serde_json::from_str(&run(&["select", "--quick", "--json"])).unwrap();
    let ids: Vec<&str> = chosen["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["id"].as_str().unwrap())
        .collect();
    let name = "resnet8-letters-int8-qdq";
    let wanted = ["tract-cpu/t1", "tract-cpu/t2", "ort-cpu/t1", "ort-cpu/t2"];
    assert_eq!(ids, wanted.map(|way| format!("{name}@{way}")));
    let verdicts: Vec<&str> = chosen["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["verdict"].as_str().unwrap())
        .collect();
    assert_eq!(verdicts[1], "rejected", "tract runs on one thread only: {chosen}");
    assert!(["valid", "suspect"].contains(&verdicts[2]), "{chosen}");
    // The records know all of it, and the second choice keeps what runs.
    let again: Value = serde_json::from_str(&run(&["select", "--quick", "--json"])).unwrap();
    assert_eq!(again["decision"]["action"], "keep", "{again}");
    assert!(run(&["rank"]).lines().all(|line| line.len() <= 79));
}
