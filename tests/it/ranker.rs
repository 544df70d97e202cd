//! Learned rankers from outside: models get their behaviour, and methods order them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use umbra::base::Micros;
use umbra::engine;
use umbra::model::{self, Candidate, Kind};
use umbra::rank::Method;
use umbra::rank::cost::residual::{self, Correction, Cost, Residual};
use umbra::rank::cost::roofline::{Rate, Rates};
use umbra::rank::evaluate::weighted_tau;
use umbra::rank::spider::{
    CLASS, HARDWARE, Portrait, Question, Scorer, VIEWS, hardware, portrait, stated,
};
use umbra::task::Targets;

/// Small, and unlike each other.
const ZOO: [&str; 3] =
    ["cnn-small-mnist-int8-qdq", "dscnn-signs-int8-qop", "resnet8-letters-int8-qdq"];

fn zoo(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("onnx/zoo").join(name)
}

fn run(state: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_umbra"));
    command.arg("--state").arg(state).args(arguments).output().unwrap()
}

fn json(output: &Output) -> Value {
    let error = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no JSON: {error}"))
}

/// `rank` by a method, of three bundled models whose sidecars may lack something.
fn ranked(dir: &Path, method: &str) -> Output {
    let zoo = dir.join("zoo").display().to_string();
    run(&dir.join("state"), &["rank", "--zoo", &zoo, "--method", method, "--json"])
}

/// Three bundled models in a folder, with their sidecars changed line by line.
fn copied(dir: &Path, keep: impl Fn(&str) -> bool) {
    let to = dir.join("zoo");
    std::fs::create_dir_all(&to).unwrap();
    for name in ZOO {
        std::fs::copy(zoo(&format!("{name}.onnx")), to.join(format!("{name}.onnx"))).unwrap();
        let sidecar = std::fs::read_to_string(zoo(&format!("{name}.toml"))).unwrap();
        let lines: Vec<&str> = sidecar.lines().filter(|line| keep(line)).collect();
        std::fs::write(to.join(format!("{name}.toml")), lines.join("\n")).unwrap();
    }
}

#[test]
fn models_that_have_not_run_here_are_ranked_by_what_is_known_of_them() {
    let dir = tempfile::tempdir().unwrap();
    copied(dir.path(), |_| true);
    let spider = json(&ranked(dir.path(), "spider"));
    assert_eq!(spider["method"], "spider");
    assert_eq!(spider["order"].as_array().unwrap().len(), ZOO.len());
    let relevance = |found: &Value| -> Vec<f64> {
        let candidates = found["candidates"].as_array().unwrap();
        candidates.iter().map(|of| of["relevance"].as_f64().unwrap()).collect()
    };
    assert!(relevance(&spider).iter().all(|score| score.is_finite()));
    let list = json(&ranked(dir.path(), "static"));
    let macs = |found: &Value, id: &Value| -> f64 {
        let candidates = found["candidates"].as_array().unwrap();
        candidates.iter().find(|of| of["id"] == *id).unwrap()["macs"].as_f64().unwrap()
    };
    let order = list["order"].as_array().unwrap();
    let sizes: Vec<f64> = order.iter().map(|id| macs(&list, id)).collect();
    assert!(sizes.is_sorted_by(|a, b| a >= b), "{sizes:?}");
}

#[test]
fn a_way_that_cannot_be_gone_says_why() {
    let dir = tempfile::tempdir().unwrap();
    copied(dir.path(), |line| !line.starts_with("behaviour"));
    let speed = "speed of this board";
    for (method, why) in [("spider", "umbra zoo add"), ("fusion", speed), ("corrected", speed)] {
        let output = ranked(dir.path(), method);
        assert_eq!(output.status.code(), Some(4), "{output:?}");
        let error = json(&output)["error"].clone();
        assert_eq!(error["code"], "method");
        assert!(error["message"].as_str().unwrap().contains(why), "{error}");
    }
    let output = ranked(dir.path(), "tarot");
    assert_eq!(output.status.code(), Some(2));
    let told = format!("{output:?}");
    assert!(Method::ALL.iter().all(|method| told.contains(method.name())), "{told}");
}

#[test]
fn zoo_add_finds_the_behaviour_that_the_bundled_sidecar_states() {
    let dir = tempfile::tempdir().unwrap();
    copied(dir.path(), |line| !line.starts_with("behaviour"));
    let name = ZOO[1];
    let model = dir.path().join("zoo").join(format!("{name}.onnx")).display().to_string();
    let added = json(&run(dir.path(), &["zoo", "add", &model, "--json"]));
    let found = model::open(&[model.into()]).unwrap();
    let bundled = model::open(&[zoo(&format!("{name}.onnx"))]).unwrap();
    let [found, bundled] = [found, bundled].map(|of| stated(&of[0]).unwrap());
    assert_eq!(added["models"][0]["behaviour"].as_array().unwrap().len(), found.len());
    for (found, bundled) in found.iter().zip(bundled) {
        // Kernels may add up in another order on another processor.
        assert!((found - bundled).abs() < 0.02, "{found} {bundled}");
    }
}

#[test]
fn what_cannot_be_used_is_said_to_be_so_and_keeps_nobody_else_back() {
    let dir = tempfile::tempdir().unwrap();
    copied(dir.path(), |line| !line.starts_with("behaviour"));
    let zoo = dir.path().join("zoo");
    let broken = zoo.join("broken.onnx");
    std::fs::write(&broken, "no model").unwrap();
    let alone = run(dir.path(), &["zoo", "add", &broken.display().to_string(), "--json"]);
    assert_eq!(alone.status.code(), Some(4));
    let told = json(&alone)["error"]["message"].as_str().unwrap().to_owned();
    assert!(!told.contains("reads no image"), "the file is at fault: {told}");
    let all = run(dir.path(), &["zoo", "add", &zoo.display().to_string(), "--json"]);
    assert_eq!(all.status.code(), Some(4));
    let told = json(&all);
    assert_eq!(told["models"].as_array().unwrap().len(), ZOO.len(), "{told}");
    assert_eq!(told["refused"][0]["id"], "broken");
}

#[test]
fn a_ranker_that_ships_runs_and_scores_each_model_for_itself() {
    let engines = engine::available();
    let zoo = model::bundled();
    let portraits: Vec<Portrait> = zoo.iter().filter_map(|of| portrait(of, &stated(of)?)).collect();
    assert_eq!(portraits.len(), zoo.len(), "every bundled model states its behaviour");
    let (hardware, classes) = ([1.0; HARDWARE], [[0.25; CLASS]; 4]);
    for file in [model::SPIDER, model::FUSION] {
        let ask = |portraits: &[Portrait]| {
            let views = vec![[0.5; VIEWS]; portraits.len()];
            let question =
                Question { portraits, views: &views, classes: &classes, hardware: &hardware };
            let scorer = Scorer::new(file, &engines, portraits.len(), classes.len());
            scorer.unwrap().scores(&question).unwrap()
        };
        let (all, few) = (ask(&portraits), ask(&portraits[..3]));
        for (all, few) in all.iter().zip(&few) {
            assert!((all - few).abs() < 1e-4, "{all} {few}");
        }
        assert!(Scorer::new(file, &engines, 0, 4).is_err());
    }
    let all = [model::SPIDER, model::FUSION, model::SHADOW].map(<[u8]>::len).iter().sum::<usize>();
    assert!(all + model::extractor().bytes as usize <= 1_000_000);
}

/// A board on which all kinds of work are known, but for one.
fn board(speed: f64, unknown: Option<Kind>) -> Rates {
    let known = Kind::ALL.into_iter().filter(|kind| Some(*kind) != unknown);
    let rates = known.flat_map(|kind| {
        [(false, 0.3), (true, 1.0)].map(|(int8, number)| {
            let of_kind = if kind == Kind::Depthwise { 0.2 } else { 1.0 };
            Rate { kind, int8, overhead: Micros(1.0), per_micro: speed * number * of_kind }
        })
    });
    Rates { inference: Micros(5.0), memory: 2000.0, rates: rates.collect() }
}

#[test]
fn a_board_of_which_a_kind_of_work_is_not_known_gets_nearly_the_same_order() {
    let zoo = model::bundled();
    let portraits: Vec<Portrait> = zoo.iter().filter_map(|of| portrait(of, &stated(of)?)).collect();
    let views = vec![[0.0; VIEWS]; portraits.len()];
    let classes = [[0.25; CLASS]; 4];
    let engines = engine::available();
    let mut fusion = Scorer::new(model::FUSION, &engines, portraits.len(), classes.len()).unwrap();
    let targets = Targets { latency: Some(Micros(2000.0)), ..Targets::default() };
    let mut ask = |rates: &Rates| {
        let hardware = &hardware(rates, &targets);
        let question =
            Question { portraits: &portraits, views: &views, classes: &classes, hardware };
        fusion.scores(&question).unwrap()
    };
    for speed in [500.0, 5_000.0, 50_000.0] {
        let all = ask(&board(speed, None));
        for unknown in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Other) {
            let found = ask(&board(speed, Some(unknown)));
            let tau = weighted_tau(&all, &found).unwrap().truth_ranked;
            assert!(tau > 0.95, "{speed} without {unknown:?}: {tau}");
        }
    }
}

#[test]
fn the_correction_that_ships_runs_and_corrects_each_model_for_itself() {
    let engines = engine::available();
    let rate = |kind| {
        [false, true].map(|int8| Rate { kind, int8, overhead: Micros(0.4), per_micro: 3000.0 })
    };
    let rates = Kind::ALL.into_iter().flat_map(rate).collect();
    let rates = Rates { inference: Micros(1.0), memory: 4000.0, rates };
    let expected = residual::BY_PROBES;
    let numbers = |of: &Candidate| residual::model(&rates, &of.card.as_ref()?.work, expected);
    let models: Vec<_> = model::bundled().iter().filter_map(numbers).collect();
    assert_eq!(models.len(), model::bundled().len());
    let board = residual::board(&rates, residual::PROBES, Cost::Latency);
    let ask = |models: &[[f32; residual::MODEL]]| {
        let file = Residual::new(model::SHADOW, &engines, models.len());
        file.unwrap().corrections(models, &board, expected).unwrap()
    };
    let (all, few) = (ask(&models), ask(&models[..3]));
    for (all, few) in all.iter().zip(&few) {
        assert!((all.mean - few.mean).abs() < 1e-5, "{all:?} {few:?}");
    }
    let sound = |found: &Correction| found.mean.abs() < 1.0 && found.deviation > 0.0;
    assert!(all.iter().all(sound), "{all:?}");
    assert!(Residual::new(model::SHADOW, &engines, 0).is_err());
}
