//! The program from outside: arguments in, one answer and an exit code out.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use clap::CommandFactory as _;
use serde_json::Value;
use umbra::base::RealFs;
use umbra::deploy::Store;
use umbra::model::{Tensor, npz};
use umbra::ui::Cli;

/// A state folder, and the program run with it.
struct Bench {
    dir: tempfile::TempDir,
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

impl Bench {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_umbra"));
        command.args(arguments).arg("--state").arg(self.state()).env_remove("UMBRA_LAUNCHER");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn text(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {stderr}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.lines().all(|line| line.len() <= 79 && line.is_ascii()), "{text}");
        text
    }

    /// The one document on standard output, and the exit code.
    fn json(&self, arguments: &[&str]) -> (Value, i32) {
        let output = self.command(arguments).arg("--json").output().unwrap();
        let value: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("{arguments:?}: {error}: {}", String::from_utf8_lossy(&output.stdout))
        });
        assert_eq!(value["schema"], 1, "{arguments:?}");
        (value, output.status.code().unwrap())
    }

    fn fails(&self, arguments: &[&str], exit: i32, code: &str) -> Value {
        let (value, found) = self.json(arguments);
        assert_eq!((found, value["error"]["code"].as_str()), (exit, Some(code)), "{value}");
        let message = value["error"]["message"].as_str().unwrap();
        assert!(!message.is_empty() && !message.contains('\n'), "{message}");
        let text = self.run(arguments);
        assert_eq!(text.status.code(), Some(exit));
        assert!(text.stdout.is_empty() && !text.stderr.is_empty());
        value
    }

    fn arrays(&self, name: &str, arrays: &[(&str, Tensor)]) -> String {
        let path = self.dir.path().join(name);
        let arrays = arrays.iter().map(|(name, tensor)| ((*name).to_owned(), tensor.clone()));
        std::fs::write(&path, npz::write_npz(&arrays.collect()).unwrap()).unwrap();
        path.display().to_string()
    }
}

#[test]
fn usage_mistakes_end_with_2_and_one_document() {
    let bench = Bench::new();
    for line in [
        &["selct"][..],
        &["select", "--nonsense"],
        &["inspect"],
        &["select", "--budget", "soon"],
        &["select", "--min-accuracy", "92"],
        &["score", "magic", "--in", "x.npz"],
        &["run"],
    ] {
        bench.fails(line, 2, "usage");
    }
}

#[test]
fn without_records_why_says_what_to_do_and_rank_is_quiet() {
    let bench = Bench::new();
    assert!(bench.text(&["why"]).contains("run `umbra select` first"));
    let output = bench.run(&["rank"]);
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("skipped  ~"));
}

#[test]
fn a_guessed_preprocessing_is_said_to_be_a_guess() {
    let bench = Bench::new();
    let bare = bench.dir.path().join("bare.onnx");
    let stated = root("onnx/zoo/resnet8-letters-int8-qdq.onnx");
    std::fs::copy(&stated, &bare).unwrap();
    let text = bench.text(&["inspect", &bare.display().to_string()]);
    assert!(text.contains("guessed: (pixel - 0) / 255"), "{text}");
    assert!(!bench.text(&["inspect", &stated.display().to_string()]).contains("guessed"));
}

#[test]
fn every_verb_explains_itself_with_examples() {
    let bench = Bench::new();
    for verb in Cli::command().get_subcommands().filter(|verb| !verb.is_hide_set()) {
        let text = bench.text(&[verb.get_name(), "--help"]);
        let example = format!("  umbra {}", verb.get_name());
        assert!(text.contains("Examples:") && text.contains(&example), "{text}");
    }
    assert!(!bench.text(&["--help"]).contains("worker"));
}

#[test]
fn completions_and_manual_pages_know_every_verb() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish"] {
        let output = bench.run(&["completions", shell]);
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(script.contains("unquarantine") && script.contains("max-latency-ms"), "{shell}");
    }
    let page = |arguments: &[&str]| String::from_utf8(bench.run(arguments).stdout).unwrap();
    assert!(page(&["man"]).contains(".TH umbra 1") && page(&["man"]).contains("umbra\\-select"));
    let select = page(&["man", "select"]);
    assert!(select.contains(".TH umbra-select 1") && select.contains("min\\-accuracy"), "{select}");
    bench.fails(&["man", "nothing"], 2, "usage");
}

#[test]
fn a_reader_that_goes_away_is_no_failure_and_a_full_disk_is() {
    let bench = Bench::new();
    let mut child = bench
        .command(&["completions", "zsh"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));

    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = bench.command(&["man"]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write the answer"));
}

#[test]
fn bad_zoos_tasks_and_configurations_end_with_4_and_say_which() {
    let bench = Bench::new();
    let empty = bench.dir.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let empty = empty.display().to_string();
    let task = root("onnx/task/meter").display().to_string();
    for zoo in ["/no/such/zoo", empty.as_str()] {
        let value = bench.fails(&["select", "--zoo", zoo, "--task", &task], 4, "zoo");
        assert!(value["error"]["message"].as_str().unwrap().contains(zoo), "{value}");
    }
    let (value, exit) = bench.json(&["select", "--task", "/no/such/task"]);
    assert_eq!(exit, 4, "{value}");
    bench.fails(&["probe", "--config", "/no/such/file"], 4, "config");
    bench.fails(&["why", "nobody", "--task", &task], 4, "input");
    let model = root("onnx/zoo/cnn-small-mnist-int8-qdq.onnx").display().to_string();
    bench.fails(&["infer", &model, "--in", "/no/such.npz", "--out", "/dev/null"], 4, "input");
}

#[test]
fn the_store_says_5_and_who_holds_it() {
    let bench = Bench::new();
    bench.fails(&["rollback"], 5, "store-empty");
    bench.fails(&["commit"], 5, "store-empty");
    bench.fails(&["run", "x.png"], 5, "store-empty");
    let (value, exit) = bench.json(&["status"]);
    assert!(exit == 0 && value["current"].is_null() && value["clocks"].is_object(), "{value}");
    let store = Store::open(bench.state(), &RealFs).unwrap();
    let _lock = store.lock("a test").unwrap();
    let value = bench.fails(&["rollback"], 5, "store-locked");
    assert!(value["error"]["message"].as_str().unwrap().contains("a test"), "{value}");
}

#[test]
fn a_recorded_board_is_probed_with_its_sources() {
    let bench = Bench::new();
    let tree = root("tests/boards/pi4").display().to_string();
    let (value, exit) = bench.json(&["probe", "--sysroot", &tree]);
    assert_eq!(exit, 0);
    let device = &value["device"];
    for key in
        ["board", "cpu", "memory", "storage", "thermal", "clocks", "gpu", "power", "fingerprint"]
    {
        assert!(!device[key].is_null(), "{key}");
    }
    assert!(device["board"]["model"]["source"].is_string(), "{device}");
    assert!(bench.text(&["probe", "--sysroot", &tree]).contains("Raspberry Pi 4"));
}

#[test]
fn scores_of_arrays_are_those_of_the_formulas() {
    let bench = Bench::new();
    let numbers = |shape: &[usize], values: &[f32]| Tensor::from_f32(shape.to_vec(), values);
    let nan = f32::NAN;
    let scores = numbers(&[2, 3], &[3.0, 2.0, 1.0, nan, 5.0, 1.0]);
    let file =
        bench.arrays("c.npz", &[("scores", scores), ("weights", numbers(&[2], &[2.0, 1.0]))]);
    let (value, _) = bench.json(&["score", "copeland", "--in", &file]);
    assert_eq!(value["copeland"], serde_json::json!([2.0, 1.0, 0.0]), "{value}");
    assert_eq!(value["order"], serde_json::json!([0, 1, 2]));
    let (value, _) = bench.json(&["score", "copeland", "--in", &file, "--top", "1"]);
    assert_eq!(value["index"], serde_json::json!([0]));
    let same = numbers(&[4], &[3.0, 1.0, 2.0, 4.0]);
    let file = bench.arrays("t.npz", &[("truth", same.clone()), ("score", same)]);
    let (value, _) = bench.json(&["score", "tau", "--in", &file]);
    assert_eq!(
        (&value["truth_ranked"], &value["symmetric"]),
        (&1.0.into(), &1.0.into()),
        "{value}"
    );
    let features = numbers(&[4, 1], &[0.0, 0.1, 5.0, 5.1]);
    let labels = Tensor::from_i64(vec![4], &[0, 0, 1, 1]);
    let file = bench.arrays("l.npz", &[("features", features), ("labels", labels)]);
    let (value, _) = bench.json(&["score", "logme", "--in", &file]);
    assert!(value["value"].is_f64() && value["undefined"].is_null(), "{value}");
    bench.fails(&["score", "tau", "--in", &file], 4, "input");
    bench.fails(&["score", "leep", "--in", &file], 4, "input");
}

#[test]
fn every_score_is_a_number_or_says_why_it_is_none() {
    let bench = Bench::new();
    let numbers = |shape: &[usize], values: &[f32]| Tensor::from_f32(shape.to_vec(), values);
    let of_features =
        ["logme", "logme-compat", "nleep", "hscore", "hscore-shrunk", "lfc", "gbc", "knn", "head"];
    let all = of_features.iter().chain(&["leep", "nce", "pactran", "energy", "unlabelled"]);
    let values: Vec<f32> = (0..24).map(|at| (at % 2) as f32 + (at * at % 7) as f32 / 9.0).collect();
    let labels: Vec<i64> = (0..12).map(|at| at % 2).collect();
    let array = |values: &[f32]| {
        let scores = numbers(&[12, 2], values);
        let labels = Tensor::from_i64(vec![12], &labels);
        let clusters = numbers(&[1], &[2.0]);
        [
            ("features", scores.clone()),
            ("logits", scores),
            ("labels", labels),
            ("clusters", clusters),
        ]
    };
    let file = bench.arrays("all.npz", &array(&values));
    let mut hole = values.clone();
    hole[5] = f32::NAN;
    let holed = bench.arrays("hole.npz", &array(&hole));
    for metric in all {
        let (value, exit) = bench.json(&["score", metric, "--in", &file]);
        assert_eq!((exit, &value["metric"]), (0, &(*metric).into()), "{value}");
        assert!(value["value"].is_f64() && value["undefined"].is_null(), "{value}");
        let weak = ["head", "unlabelled"].contains(metric);
        assert_eq!(value["interval"].is_array(), weak, "{value}");
        if weak {
            let end = |at: usize| value["interval"][at].as_f64().unwrap();
            assert!(end(0) <= value["value"].as_f64().unwrap() && end(0) < end(1), "{value}");
            assert!(bench.text(&["score", metric, "--in", &file]).contains("between"));
        }
        let (value, exit) = bench.json(&["score", metric, "--in", &holed]);
        assert!(exit == 0 && value["value"].is_null(), "{value}");
        assert!(value["undefined"].as_str().unwrap().contains("finite"), "{value}");
    }
    let targets = numbers(&[12], &values[..12]);
    let file = bench.arrays("targets.npz", &[array(&values)[0].clone(), ("targets", targets)]);
    let (value, _) = bench.json(&["score", "logme", "--in", &file]);
    assert!(value["value"].is_f64(), "{value}");
    let (value, _) = bench.json(&["score", "head", "--in", &file]);
    let r2 = value["targets"][0]["r2"].as_f64().unwrap();
    assert!(value["value"] == r2 && value["targets"][0]["mae"].is_f64(), "{value}");
    assert!(bench.text(&["score", "head", "--in", &file]).contains("mean absolute error"));
    let probs = [("probs", numbers(&[2, 2], &[0.9, 0.1, 0.2, 0.8]))];
    let labels = [("labels", Tensor::from_i64(vec![2], &[0, 1]))];
    let file = bench.arrays("p.npz", &[probs.clone(), labels].concat());
    let (value, _) = bench.json(&["score", "nce", "--in", &file]);
    assert_eq!(value["value"], 0.0, "{value}");
    let labels = [("labels", Tensor::from_i64(vec![3], &[0, 1, 1]))];
    let file = bench.arrays("q.npz", &[probs, labels].concat());
    bench.fails(&["score", "leep", "--in", &file], 4, "input");
}

#[test]
fn a_bench_on_one_core_is_recorded_as_such_and_compared_with_another() {
    let bench = Bench::new();
    let model = root("onnx/zoo/cnn-small-mnist-int8-qdq.onnx").display().to_string();
    let measured = |name: &str, more: &[&str]| {
        let line: Vec<&str> =
            ["bench", model.as_str(), "--quick"].into_iter().chain(more.iter().copied()).collect();
        let (value, exit) = bench.json(&line);
        assert_eq!(exit, 0, "{value}");
        let file = bench.dir.path().join(name);
        std::fs::write(&file, value.to_string()).unwrap();
        (value["trials"][0].clone(), file.display().to_string())
    };
    let (one, file) = measured("one.json", &["--affinity", "one", "--cool-below", "150"]);
    let affinity = one["affinity"].as_str().unwrap();
    assert!(affinity.starts_with("cpu") && !affinity.contains('+'), "{one}");
    assert!(one["config_id"].as_str().unwrap().ends_with(affinity));
    assert!(one["peak_activation_bytes"].as_u64().unwrap() > 0);
    assert!(one["key"]["fingerprint"].as_str().unwrap().len() == 64);
    let known = ["none", "partial", "full"];
    assert!(known.contains(&one["conditions"]["confinement"].as_str().unwrap()), "{one}");
    let (_, other) = measured("all.json", &[]);
    let text = bench.text(&["compare", &file, &other]);
    let wanted = format!("differs: configuration: a umbra-cpu/t1/{affinity}, b umbra-cpu/t1/any");
    assert_eq!(text.lines().nth(2), Some(wanted.as_str()), "{text}");
    assert!(text.lines().any(|line| line.starts_with("p50, ms") && line.contains("+-")), "{text}");
    bench.fails(&["bench", &model, "--affinity", "4000"], 4, "cores");
    bench.fails(&["bench", &model, "--affinity", "fast"], 2, "usage");
    bench.fails(&["compare", "/etc/hostname", &other], 4, "input");
}

/// Some of the demo task's test images as a file of their own.
fn held_out(bench: &Bench, count: usize) -> String {
    let path = root("onnx/task/meter/test.npz");
    let all = npz::read_npz(&std::fs::read(path).unwrap()).unwrap();
    let part = |name: &str| {
        let array = &all[name];
        let size = array.data.len() / array.shape[0];
        let shape = [&[count], &array.shape[1..]].concat();
        Tensor { shape, data: array.data[..size * count].to_vec(), dtype: array.dtype }
    };
    bench.arrays("held.npz", &[("x", part("x")), ("y", part("y"))])
}

#[test]
fn scores_are_judged_by_accuracy_on_images_held_out() {
    let bench = Bench::new();
    let file = |name: &str| root("onnx/zoo").join(name).display().to_string();
    let (a, b) = (file("cnn-small-mnist-int8-qdq.onnx"), file("cnn-small-digmnist-int8-qdq.onnx"));
    let broken = bench.dir.path().join("broken.onnx").display().to_string();
    std::fs::write(&broken, "no model").unwrap();
    let task = root("onnx/task/meter").display().to_string();
    let held = held_out(&bench, 60);
    let line = ["eval", "--zoo", &a, &b, &broken, "--task", &task, "--labelled", &held];
    let line = [&line[..], &["--per-class", "4"]].concat();
    let (value, exit) = bench.json(&line);
    assert_eq!(exit, 0, "{value}");
    assert_eq!((&value["samples"], &value["held_out"]), (&40.into(), &60.into()), "{value}");
    let truth = |at: usize| value["candidates"][at]["truth"].as_f64();
    assert!(truth(0).unwrap() > truth(1).unwrap(), "{value}");
    assert!(truth(2).is_none() && value["candidates"][2]["reason"].is_string(), "{value}");
    let scores = value["scores"].as_array().unwrap();
    let of = |name: &str| scores.iter().find(|score| score["score"] == name).unwrap();
    for name in ["LogME", "H-score", "NCE", "mean rank of the scores", "relevance, as ranked"] {
        assert_eq!(
            (&of(name)["models"], &of(name)["truth_ranked"]),
            (&2.into(), &1.0.into()),
            "{name}"
        );
        assert_eq!(
            (&of(name)["regret_at_1"], &of(name)["top_3_recall"]),
            (&0.0.into(), &1.0.into())
        );
    }
    assert!(of("MACs alone")["truth_ranked"].is_null(), "one family, one size: {value}");
    let text = bench.text(&line);
    assert!(text.contains("accuracy of what would be deployed, on 60 held-out images"), "{text}");
    assert!(text.lines().any(|line| line.starts_with("out     broken")), "{text}");
    let same = root("onnx/task/meter/train").display().to_string();
    let failed = bench.fails(&["eval", "--task", &task, "--labelled", &same], 4, "input");
    assert!(
        failed["error"]["message"].as_str().unwrap().contains("sample of the task"),
        "{failed}"
    );
}

/// The whole path with real workers, on the two smallest models.
#[test]
fn two_models_are_measured_one_is_deployed_and_every_verb_knows_it() {
    let bench = Bench::new();
    let file = |name: &str| root("onnx/zoo").join(name).display().to_string();
    let (a, b) = (file("cnn-small-mnist-int8-qdq.onnx"), file("cnn-small-digmnist-int8-qdq.onnx"));
    let task = root("onnx/task/meter").display().to_string();
    let aim = ["--zoo", &a, &b, "--task", &task, "--max-latency-ms", "5000", "--min-accuracy", "0"];
    let with = |verb: &[&'static str]| -> Vec<String> {
        verb.iter().copied().chain(aim).map(str::to_owned).collect()
    };
    let run = |verb: &[&'static str]| {
        let line = with(verb);
        bench.json(&line.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let (value, exit) = run(&["select", "--quick"]);
    assert_eq!(exit, 0, "{value}");
    assert_eq!(value["decision"]["action"], "deploy");
    let model = value["decision"]["model"].as_str().unwrap().to_owned();
    assert_eq!(value["deployment"]["model"], model.as_str());
    let again =
        bench.json(&with(&["select", "--quick"]).iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(again.0["decision"]["action"], "keep");

    let (why, _) = run(&["why"]);
    assert_eq!(why["chosen"]["id"], model.as_str());
    assert_eq!(why["criteria"].as_array().unwrap().len(), 6);
    the_front_is_drawn_into_a_file(&bench, &with(&["rank"]));
    let (compared, _) =
        run(&["compare", "cnn-small-mnist-int8-qdq", "cnn-small-digmnist-int8-qdq"]);
    assert!(compared["figures"].as_array().unwrap().len() >= 8, "{compared}");
    let (status, _) = bench.json(&["status"]);
    assert_eq!(status["current"]["model"], model.as_str());
    let (history, _) = bench.json(&["history"]);
    assert_eq!(history["history"].as_array().unwrap().len(), 2);
    assert_eq!(bench.json(&["commit"]).0["committed"], true);

    let image = image_of_the_task();
    let (said, exit) = bench.json(&["run", &image, "/etc/hostname"]);
    assert_eq!(exit, 4, "one of the two is no image");
    assert!(said["results"][0]["label"].is_string() && said["results"][1]["error"].is_string());
    let text = bench.run(&["run", &image]);
    assert!(text.status.success());
    damage_to_the_kept_plan_costs_time_only(&bench, &image);
}

fn the_front_is_drawn_into_a_file(bench: &Bench, rank: &[String]) {
    let picture = bench.dir.path().join("front.svg").display().to_string();
    let line: Vec<&str> = rank.iter().map(String::as_str).chain(["--plot", &picture]).collect();
    bench.text(&line);
    let drawn = std::fs::read_to_string(&picture).unwrap();
    assert!(drawn.starts_with("<svg") && drawn.contains("cnn-small-mnist-int8-qdq"), "{drawn}");
}

/// The speeds of this machine, by real workers, and the latencies they make of the zoo.
#[test]
fn speeds_are_gauged_once_and_predict_what_nobody_measured() {
    let bench = Bench::new();
    bench.fails(&["rank", "--plot", "front.svg"], 1, "output");
    let (told, exit) = bench.json(&["probe", "--speed"]);
    let rates = &told["speeds"]["umbra-cpu/t1/any"]["rates"];
    assert!(exit == 0 && rates.as_array().is_some_and(|rates| rates.len() >= 2), "{told}");
    assert_eq!(bench.json(&["probe", "--speed"]).0, told, "from the record");
    let text = bench.text(&["probe", "--speed"]);
    assert!(text.contains("umbra-cpu/t1/any") && text.contains("float G/s"), "{text}");
    let (ranked, _) = bench.json(&["rank"]);
    assert_eq!(ranked["speeds"], told["speeds"]);
    let candidate = &ranked["candidates"][0];
    let latency = candidate["predicted"]["latency"].as_f64().unwrap();
    let interval = &candidate["predicted_interval"]["latency"];
    assert!(interval[0].as_f64().unwrap() < latency && latency < interval[1].as_f64().unwrap());
    assert!(candidate["latency_us"].is_null(), "{candidate}");
    let text = bench.text(&["rank"]);
    // Predicted values are marked, and nothing that nobody measured is chosen.
    assert!(text.contains("skipped  ~") && !text.contains('*'), "{text}");
}

/// The rehearsal before the deployment has kept one.
fn damage_to_the_kept_plan_costs_time_only(bench: &Bench, image: &str) {
    let folder = bench.state().join("plans");
    let plans = || -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&folder).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let scores = || bench.json(&["run", image]).0["results"][0]["scores"].clone();
    let [plan] = plans().try_into().unwrap();
    let (bytes, wanted) = (std::fs::read(&plan).unwrap(), scores());
    assert_eq!(std::fs::read(&plan).unwrap(), bytes, "a plan that serves is not written again");
    std::fs::write(&plan, &bytes[..bytes.len() / 2]).unwrap();
    assert_eq!(scores(), wanted);
    let [again] = plans().try_into().unwrap();
    assert_eq!(std::fs::read(&again).unwrap(), bytes);
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(scores(), wanted);
    assert_eq!(plans().len(), 1);
}

fn image_of_the_task() -> String {
    let mut folders: Vec<PathBuf> = vec![root("onnx/task/meter")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "png") {
                return path.display().to_string();
            }
        }
    }
    panic!("the demo task has no image");
}
