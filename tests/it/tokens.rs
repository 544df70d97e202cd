//! Task tokens from outside: a task becomes a file, the file is shown, and what is wrong with
//! one is said.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use umbra::engine;
use umbra::model::{self, npz};
use umbra::task::tokens::{TaskTokens, build};

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_umbra")).args(arguments).output().unwrap()
}

fn json(arguments: &[&str]) -> (Value, i32) {
    let output = run(&[arguments, &["--json"]].concat());
    (serde_json::from_slice(&output.stdout).unwrap(), output.status.code().unwrap())
}

/// A file in a folder, as an argument.
fn file(dir: &Path, name: &str, bytes: &[u8]) -> String {
    let path = dir.join(name);
    std::fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

/// The tokens of the task with meter digits, in a file.
fn built(dir: &Path) -> String {
    let path = dir.join("task.umbra").display().to_string();
    let task = root("onnx/task/meter").display().to_string();
    let output = run(&["task", "build", &task, "-o", &path]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    path
}

#[test]
fn a_task_becomes_a_few_kilobytes_that_say_how_far_its_classes_lie_apart() {
    let dir = tempfile::tempdir().unwrap();
    let path = built(dir.path());
    let output = run(&["task", "show", &path]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.lines().all(|line| line.len() <= 79 && line.is_ascii()), "{text}");
    assert!(text.contains("10 classes, 200 samples"), "{text}");
    let (shown, exit) = json(&["task", "show", &path]);
    assert_eq!((exit, &shown["task"]["name"]), (0, &Value::from("meter-digits")));
    assert_eq!(shown["task"]["kind"], "classification");
    let features = shown["features"].as_u64().unwrap();
    let bytes = shown["bytes"].as_u64().unwrap();
    assert!(bytes < 10 * 4 * features + 500, "{bytes} bytes");
    let separability = shown["separability"].as_f64().unwrap();
    assert!((0.3..1.0).contains(&separability), "{separability}");
    let (classes, distances) = (&shown["classes"], &shown["distances"]);
    for at in 0..10 {
        assert_eq!(classes[at]["samples"], 20);
        let nearest = classes[at]["distance"].as_f64().unwrap();
        let row: Vec<f64> =
            (0..10).filter_map(|to| distances[at][to].as_f64()).filter(|far| *far > 0.0).collect();
        assert_eq!(row.len(), 9);
        assert_eq!(row.into_iter().fold(f64::INFINITY, f64::min), nearest);
    }
}

/// `python -m lab study tokens` wrote the file: onnxruntime on the same model, images read by
/// another library.
#[test]
fn the_prototypes_are_those_of_onnxruntime() {
    let bytes = std::fs::read(root("tests/vectors/task_tokens.npz")).unwrap();
    let theirs = npz::read_npz(&bytes).unwrap();
    let extractor = model::extractor();
    let made_by: Vec<u8> = theirs["extractor"].data.clone();
    assert_eq!(made_by, hex(&extractor.sha256.hex()), "make the vectors again");
    let task = umbra::task::open(&root("onnx/task/meter")).unwrap();
    let ours = build(&task, &extractor, &engine::available()).unwrap();
    let theirs = theirs["prototypes"].to_f32().unwrap();
    let ours: Vec<f32> =
        ours.classes.iter().flat_map(|class| class.prototype.iter().copied()).collect();
    assert_eq!(ours.len(), theirs.len());
    let pairs = ours.iter().zip(&theirs);
    let apart = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(apart < 2e-3, "{apart}");
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

#[test]
fn what_is_wrong_with_a_token_file_is_said_with_exit_4() {
    let dir = tempfile::tempdir().unwrap();
    let sound = std::fs::read(built(dir.path())).unwrap();
    let refused = |name: &str, bytes: &[u8], code: &str| {
        let path = file(dir.path(), name, bytes);
        let (shown, exit) = json(&["task", "show", &path]);
        assert_eq!((exit, shown["error"]["code"].as_str()), (4, Some(code)), "{shown}");
        let message = shown["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(name) && shown["error"]["help"].is_string(), "{shown}");
    };
    refused("short", &sound[..sound.len() / 2], "tokens-damaged");
    let mut flipped = sound.clone();
    flipped[100] ^= 4;
    refused("flipped", &flipped, "tokens-damaged");
    refused("text", b"name = \"task\"", "tokens-unknown");
    let mut tokens = TaskTokens::decode(&sound).unwrap();
    tokens.extractor = umbra::base::Digest::of(b"another");
    refused("another", &tokens.encode().unwrap(), "tokens-extractor");
    tokens.classes.truncate(1);
    refused("one", &tokens.encode().unwrap(), "tokens-unsound");
}

#[test]
fn a_task_of_one_class_has_no_tokens() {
    let dir = tempfile::tempdir().unwrap();
    let photos = dir.path().join("photos");
    std::fs::create_dir_all(photos.join("only")).unwrap();
    for name in ["a.png", "b.png"] {
        std::fs::write(photos.join("only").join(name), crate::task::png(8, 8, 9)).unwrap();
    }
    let (photos, out) = (photos.display().to_string(), dir.path().join("t").display().to_string());
    let (shown, exit) = json(&["task", "build", &photos, "-o", &out]);
    assert_eq!((exit, shown["error"]["code"].as_str()), (4, Some("task-size")), "{shown}");
    assert!(!Path::new(&out).exists());
}
