//! A task of real targets from one end to the other: read, observed, chosen, deployed, asked.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use umbra::base::random::SplitMix64;
use umbra::model::{Dtype, Tensor, npz};
use umbra::task::{TaskKind, open};

const SIDE: usize = 16;

/// An image that is as bright as its target says, give or take some noise.
fn pixels(brightness: f64, random: &mut SplitMix64) -> Vec<u8> {
    (0..SIDE * SIDE).map(|_| (brightness + 20.0 * random.unit()) as u8).collect()
}

fn target(brightness: f64) -> f32 {
    (brightness / 10.0 + 3.0) as f32
}

/// `x` and `targets` of so many images.
fn archive(dir: &Path, count: usize, spoil: Option<usize>) -> String {
    let mut random = SplitMix64::new(7);
    let (mut data, mut targets) = (Vec::new(), Vec::new());
    for at in 0..count {
        let brightness = 220.0 * at as f64 / count as f64;
        data.extend(pixels(brightness, &mut random));
        targets.push(if spoil == Some(at) { f32::NAN } else { target(brightness) });
    }
    let x = Tensor { dtype: Dtype::UInt8, shape: vec![count, SIDE, SIDE, 1], data };
    let targets = Tensor::from_f32(vec![count], &targets);
    let arrays = [("x".to_owned(), x), ("targets".to_owned(), targets)].into();
    let path = dir.join("brightness.npz");
    std::fs::write(&path, npz::write_npz(&arrays).unwrap()).unwrap();
    path.display().to_string()
}

#[test]
fn real_targets_are_a_task_of_their_own_kind() {
    let dir = tempfile::tempdir().unwrap();
    let task = open(Path::new(&archive(dir.path(), 700, None))).unwrap();
    assert_eq!(
        (task.kind(), task.labels.as_slice()),
        (TaskKind::Regression, &["value".to_owned()][..])
    );
    assert_eq!((task.samples.len(), task.targets.len()), (500, 500));
    for (sample, target) in task.samples.iter().zip(&task.targets) {
        let mean = sample.image.pixels.iter().map(|pixel| f64::from(*pixel)).sum::<f64>();
        let brightness = mean / (SIDE * SIDE) as f64 - 10.0;
        assert!((brightness / 10.0 + 3.0 - target).abs() < 0.5, "each keeps its own target");
    }
    let fewer = task.clone().at_most(20);
    assert_eq!((fewer.samples.len(), fewer.targets.len()), (20, 20));
    assert_ne!(fewer.digest, task.digest);
    let mut other = task.clone();
    other.targets[0] += 1.0;
    assert_ne!(other.at_most(20).digest, fewer.digest, "targets are part of what a task is");
    let refused = open(Path::new(&archive(dir.path(), 9, Some(4)))).unwrap_err().to_string();
    assert!(refused.contains("target 4 is not finite"), "{refused}");
}

struct Agent {
    dir: tempfile::TempDir,
}

impl Agent {
    fn run(&self, arguments: &[&str]) -> Output {
        let state = self.dir.path().join("state");
        let mut command = Command::new(env!("CARGO_BIN_EXE_umbra"));
        command.args(arguments).arg("--state").arg(state).env_remove("UMBRA_LAUNCHER");
        command.output().unwrap()
    }

    fn json(&self, arguments: &[&str]) -> (Value, i32) {
        let output = self.run(&[arguments, &["--json"]].concat());
        (serde_json::from_slice(&output.stdout).unwrap(), output.status.code().unwrap())
    }
}

#[cfg(all(feature = "demo", feature = "tract"))]
#[test]
fn a_head_for_a_real_target_is_chosen_deployed_and_answers_with_a_number() {
    let agent = Agent { dir: tempfile::tempdir().unwrap() };
    let task = archive(agent.dir.path(), 60, None);
    let model = |name: &str| {
        let zoo = Path::new(env!("CARGO_MANIFEST_DIR")).join("onnx/zoo");
        zoo.join(format!("cnn-small-{name}-int8-qdq.onnx")).display().to_string()
    };
    let (a, b) = (model("mnist"), model("digmnist"));
    let aim = ["--zoo", &a, &b, "--task", &task, "--max-latency-ms", "5000"];
    let (found, exit) = agent.json(&[&["select", "--quick"][..], &aim].concat());
    assert_eq!((exit, &found["decision"]["action"]), (0, &"deploy".into()), "{found}");
    assert_eq!(found["task"]["kind"], "regression");
    for candidate in found["candidates"].as_array().unwrap() {
        let r2 = candidate["r2"].as_f64().unwrap();
        assert!(r2 > 0.8 && candidate["accuracy"].is_null(), "{candidate}");
        assert!(candidate["r2_interval"][0].as_f64().unwrap() < r2);
        assert!(candidate["mean_absolute_error"].as_f64().unwrap() < 3.0, "{candidate}");
        assert!(candidate["relevance"].is_f64(), "LogME of the target: {candidate}");
    }
    let why = String::from_utf8(agent.run(&[&["why"][..], &aim].concat()).stdout).unwrap();
    assert!(why.contains("of the variance"), "{why}");

    let image = agent.dir.path().join("half.png");
    let half = pixels(110.0, &mut SplitMix64::new(99));
    image::GrayImage::from_raw(SIDE as u32, SIDE as u32, half).unwrap().save(&image).unwrap();
    let image = image.display().to_string();
    let (said, _) = agent.json(&["run", &image]);
    let value = said["results"][0]["scores"][0].as_f64().unwrap();
    assert!((value - f64::from(target(110.0))).abs() < 4.0, "{value}");
    let text = String::from_utf8(agent.run(&["run", &image]).stdout).unwrap();
    assert!(text.contains(": value ") && !text.contains('%'), "{text}");

    let (refused, exit) = agent.json(&["task", "build", &task, "-o", "/dev/null"]);
    assert_eq!((exit, &refused["error"]["code"]), (4, &"tokens-no-classes".into()));
    let (refused, exit) = agent.json(&["eval", "--zoo", &a, "--task", &task, "--labelled", &task]);
    assert_eq!((exit, &refused["error"]["code"]), (4, &"task-archive".into()));
}
