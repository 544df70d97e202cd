//! What people and scripts are shown of a selection: golden text, and the bounds that hold
//! for the nastiest one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use umbra::agent::{Elapsed, Selection};
use umbra::base::{Bytes, Celsius, Digest, Joules, Micros, SysRoot};
use umbra::bench::{Conditions, Energy, Latency, Outliers, Trial, TrialKey, Verdict};
use umbra::board::{self, power::Scope};
use umbra::decide::{Incumbent, choose};
use umbra::engine::Unfused;
use umbra::model::{Affinity, Candidate, Card, Config, Quantization, Source, Stage};
use umbra::rank::rank;
use umbra::task::{Estimate, Evidence, Policy, Scores, Task};
use umbra::ui::Exit;
use umbra::ui::show::Show;
use umbra::ui::show::bench::Benched;
use umbra::ui::show::compare::{Compared, Recorded, Side};
use umbra::ui::show::inspect::Convolutions;
use umbra::ui::show::rank::Ranked;
use umbra::ui::show::select::Chosen;
use umbra::ui::show::why::Why;

use crate::rank::scored;

/// One candidate as a test wants it.
#[derive(Clone)]
struct Wish {
    id: String,
    ms: f64,
    accuracy: f64,
    energy: bool,
    rejected: Option<&'static str>,
}

fn wish(id: &str, ms: f64, accuracy: f64) -> Wish {
    Wish { id: id.to_owned(), ms, accuracy, energy: false, rejected: None }
}

fn candidate(wish: &Wish) -> Candidate {
    Candidate {
        id: wish.id.clone(),
        source: Source::File(PathBuf::from("/zoo/x.onnx")),
        sha256: Digest::of(wish.id.as_bytes()),
        bytes: 100_000,
        config: Config { engine: "tract-cpu".to_owned(), threads: 1, affinity: Affinity::Any },
        manifest: None,
        card: None,
        rejection: None,
    }
}

/// A card that knows this of the activations, and little else.
fn card(peak_activation_bytes: u64) -> Card {
    Card {
        opset: 13,
        inputs: Vec::new(),
        outputs: Vec::new(),
        ops: Default::default(),
        params: 0,
        macs: None,
        work: Vec::new(),
        weight_bytes: Default::default(),
        peak_activation_bytes: Some(peak_activation_bytes),
        quantization: Quantization::Int8Qdq,
        feature_tap: None,
        feature_size: None,
    }
}

fn trial(wish: &Wish, candidate: &Candidate) -> Trial {
    let us = wish.ms * 1000.0;
    let latency = Latency {
        p50: Micros(us),
        p90: Micros(us * 1.1),
        p90_upper: Some(Micros(us * 1.2)),
        p99: Micros(us * 1.3),
        mean: Micros(us),
        standard_error: Some(Micros(us * 0.002)),
        samples: 64,
        spread: 0.05,
        p50_half_width: Micros(us * 0.01),
        outliers: Outliers { above: Micros(us * 3.0), count: 0, time_share: 0.0 },
    };
    let measured = wish.rejected.is_none();
    let energy = Energy {
        gross: Joules(0.012),
        net: None,
        source: "hwmon ina3221 1-0040".to_owned(),
        scope: Scope::Board,
    };
    Trial {
        id: wish.id.clone(),
        key: TrialKey {
            sha256: candidate.sha256,
            config_id: candidate.config.id(),
            engine: "tract 0.23 neon".to_owned(),
            fingerprint: Digest::of(b"board"),
            kernel: "6.6".to_owned(),
            power: "ondemand".to_owned(),
            outputs: "features/10".to_owned(),
        },
        verdict: if measured { Verdict::Valid } else { Verdict::Rejected },
        stage: wish.rejected.map(|_| Stage::Load),
        reason: wish.rejected.map(str::to_owned),
        advice: None,
        latency: measured.then_some(latency),
        load: measured.then_some(Micros(20_000.0)),
        optimise: measured.then_some(Micros(9_000.0)),
        first: measured.then_some(Micros(us * 2.0)),
        peak_rss: measured.then_some(Bytes(40_000_000)),
        private: measured.then_some(Bytes(15_000_000)),
        energy: (measured && wish.energy).then_some(energy),
        convolutions: measured.then_some((3, 9)),
        conditions: Conditions::default(),
        at: 1_750_000_000,
    }
}

fn evidence(wish: &Wish, candidate: &Candidate) -> Option<Evidence> {
    let value = wish.accuracy;
    wish.rejected.is_none().then(|| Evidence {
        id: wish.id.clone(),
        sha256: candidate.sha256,
        task: Digest::of(b"task"),
        own_accuracy: None,
        head_accuracy: Some(Estimate { value, low: value - 0.02, high: (value + 0.02).min(1.0) }),
        fit: None,
        head: None,
        scores: Scores { logme: Ok(scored(value, 0.003)), ..Scores::none("none") },
        preprocess: None,
        undefined: None,
        forward: None,
    })
}

fn selection(wishes: &[Wish], policy: Policy, incumbent: Option<&str>) -> Selection {
    let boards = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/boards/pi4");
    let facts = board::probe(&SysRoot::new(boards), Path::new("/var/lib/umbra"));
    let candidates: Vec<Candidate> = wishes.iter().map(candidate).collect();
    let pairs = || wishes.iter().zip(&candidates);
    let trials: Vec<Trial> = pairs().map(|(wish, candidate)| trial(wish, candidate)).collect();
    let evidence: Vec<Evidence> =
        pairs().filter_map(|(wish, candidate)| evidence(wish, candidate)).collect();
    let ranking = rank(&facts, &policy, &candidates, &trials, &evidence);
    let incumbent = incumbent.map(|id| Incumbent {
        id: id.to_owned(),
        config_id: "tract-cpu/t1/any".to_owned(),
        sha256: Digest::of(id.as_bytes()),
    });
    let decision = choose(&policy, &ranking, incumbent.as_ref());
    let task = Task {
        name: "meter-digits".to_owned(),
        description: "Digits of a utility meter".to_owned(),
        labels: (0..10).map(|digit| digit.to_string()).collect(),
        samples: Vec::new(),
        targets: Vec::new(),
        policy,
        digest: Digest::of(b"task"),
    };
    Selection {
        facts,
        task,
        candidates,
        trials,
        evidence,
        speeds: Default::default(),
        ranking,
        incumbent,
        decision,
        deployment: None,
        reused: 0,
        elapsed: Elapsed::default(),
    }
}

fn limited(ms: f64) -> Policy {
    let mut policy = Policy::default();
    policy.limits.latency = Some(Micros(ms * 1000.0));
    policy
}

/// The bounds of every text, and the text of `select`.
fn screen(selection: Selection) -> (String, Exit) {
    let chosen = Chosen { selection, dry_run: true };
    let text = chosen.text();
    assert!(text.lines().count() <= 22, "{} lines:\n{text}", text.lines().count());
    assert!(text.lines().all(|line| line.len() <= 79), "too wide:\n{text}");
    assert!(text.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)), "{text}");
    (text, chosen.exit())
}

#[test]
fn a_small_selection_reads_like_this() {
    let mut wishes =
        vec![wish("resnet8-digits-int8-qdq", 8.0, 0.95), wish("cnn-small-int8-qdq", 0.6, 0.60)];
    wishes.push(Wish { rejected: Some("operator Foo is unknown"), ..wish("odd", 1.0, 0.9) });
    wishes.push(wish("resnet8-digits-float32", 30.0, 0.95));
    let (text, exit) = screen(selection(&wishes, limited(20.0), None));
    let wanted = "\
choice  resnet8-digits-int8-qdq (dry run: not deployed)
board   Raspberry Pi 4 Model B Rev 1.5, 4x Cortex-A72, 74 C
note    the board is held back: soft-temperature-limit; figures may be too slow
task    meter-digits: 10 labels, 0 samples; limits: p90 <= 20.0 ms
 # model                   verdict  p50 ms peak MB mJ     acc % relev score
*1 resnet8-digits-int8-qdq valid      8.00    40.0  - 95.0+-2.0 0.950  1.00
 2 cnn-small-int8-qdq      valid     0.600    40.0  - 60.0+-2.0 0.600     0
 - resnet8-digits-float32  limit    latency 36.0 > 20.0 ms
 - odd                     rejected at load: operator Foo is unknown
why     Best of 2 feasible; next is cnn-small-int8-qdq: accuracy 95.0 % against
        60.0 %.
change  ...
time    0 s; 3 of 4 candidates measured, 0 from records
";
    super::console::assert_matches(&text, wanted);
    assert_eq!(exit, Exit::Done);
}

#[test]
fn what_was_only_looked_at_does_not_count_as_measured() {
    let wishes = [wish("good", 2.0, 0.9), wish("slow", 9.0, 0.9)];
    let mut selection = selection(&wishes, limited(20.0), None);
    selection.trials[1].verdict = Verdict::Skipped;
    let (text, _) = screen(selection);
    let time = text.lines().last().unwrap();
    assert_eq!(time, "time    0 s; 1 of 2 candidates measured, 1 looked at, 0 from records");
}

#[test]
fn forty_candidates_with_long_names_fit_and_the_choice_stays_in_sight() {
    let name =
        |at: usize| format!("a-very-long-family-name-\u{fc}-{}-variant-{at:02}", "x".repeat(90));
    let mut wishes: Vec<Wish> = (0..40).map(|at| wish(&name(at), 1.0 + at as f64, 0.9)).collect();
    for (at, wish) in wishes.iter_mut().enumerate() {
        wish.energy = true;
        wish.rejected =
            (at % 3 == 2).then_some("a reason that goes on and on, \x1b[31m and on, and on");
    }
    let selection = selection(&wishes, limited(20.0), None);
    let (text, _) = screen(selection);
    assert!(text.lines().any(|line| line.starts_with("*1 ")), "{text}");
    assert!(text.contains("more (") && text.contains("umbra rank"), "{text}");
}

#[test]
fn the_running_model_is_in_sight_even_where_it_is_far_down() {
    let wishes: Vec<Wish> = (0..40).map(|at| wish(&format!("m{at:02}"), 5.0, 0.9)).collect();
    let mut kept = selection(&wishes, Policy::default(), None);
    kept.decision.model = Some("m33".to_owned());
    let (text, _) = screen(kept);
    assert_eq!(text.lines().filter(|line| line.starts_with('*')).count(), 1, "{text}");
    assert!(text.contains("m33"), "{text}");
}

#[test]
fn nothing_feasible_says_so_first_and_ends_with_3() {
    let wishes: Vec<Wish> = (0..30).map(|at| wish(&format!("m{at}"), 50.0, 0.9)).collect();
    let (text, exit) = screen(selection(&wishes, limited(1.0), Some("m3")));
    assert!(text.starts_with("choice  NOTHING FEASIBLE, m3 keeps running"), "{text}");
    assert!(text.contains("latency 60.0 > 1.00 ms"), "{text}");
    assert_eq!(exit, Exit::Infeasible);
}

#[test]
fn all_rejected_names_the_stage_and_the_reason_of_each() {
    let broken = Wish { rejected: Some("truncated file"), ..wish("m", 1.0, 0.5) };
    let wishes: Vec<Wish> =
        (0..30).map(|at| Wish { id: format!("m{at}"), ..broken.clone() }).collect();
    let (text, exit) = screen(selection(&wishes, Policy::default(), None));
    assert!(text.starts_with("choice  NOTHING FEASIBLE, and no model runs"), "{text}");
    assert!(text.contains("rejected at load: truncated file"), "{text}");
    assert!(text.contains("not usable): umbra rank"), "{text}");
    assert_eq!(exit, Exit::Infeasible);
}

#[test]
fn no_candidate_at_all_still_is_an_answer() {
    let (text, exit) = screen(selection(&[], Policy::default(), None));
    assert!(text.contains("0 candidates"), "{text}");
    assert_eq!(exit, Exit::Infeasible);
}

#[test]
fn the_document_has_the_promised_keys_and_null_for_what_was_not_obtained() {
    let mut wishes = vec![wish("a", 1.0, 0.9), wish("b", 2.0, 0.8)];
    wishes[1].rejected = Some("broken");
    let chosen = Chosen { selection: selection(&wishes, Policy::default(), None), dry_run: true };
    let json = chosen.json();
    let keys = |value: &serde_json::Value| -> BTreeSet<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    let promised = [
        "schema",
        "device",
        "task",
        "candidates",
        "decision",
        "deployment",
        "ranking",
        "elapsed_ms",
    ];
    assert_eq!(keys(&json), promised.iter().map(ToString::to_string).collect());
    let promised = "id config_id sha256 bytes params macs peak_activation_bytes quantization verdict stage reason engine \
        threads affinity latency_us load_us optimise_us first_us peak_rss_bytes private_bytes \
        energy_mj energy_net_mj energy_source energy_scope predicted accuracy accuracy_interval \
        relevance relevance_interval violations ranks copeland";
    for candidate in json["candidates"].as_array().unwrap() {
        let there = keys(candidate);
        for key in promised.split_whitespace() {
            assert!(there.contains(key), "{key} is missing");
        }
    }
    let [a, b] = [&json["candidates"][0], &json["candidates"][1]];
    let promised = "p50 interval p90 p90_upper p99 mean standard_error samples outliers";
    assert_eq!(keys(&a["latency_us"]), promised.split_whitespace().map(str::to_owned).collect());
    assert_eq!(keys(&a["latency_us"]["outliers"]).len(), 3);
    assert!(a["energy_mj"].is_null() && b["latency_us"].is_null() && b["peak_rss_bytes"].is_null());
    assert_eq!((b["verdict"].as_str(), b["stage"].as_str()), (Some("rejected"), Some("load")));
    let promised = "action model config_id reason margins pareto indistinguishable flip";
    assert_eq!(keys(&json["decision"]), promised.split_whitespace().map(str::to_owned).collect());
    let promised = "probe rank bench observe decide deploy total";
    assert_eq!(keys(&json["elapsed_ms"]), promised.split_whitespace().map(str::to_owned).collect());
}

#[test]
fn the_whole_ranking_and_the_reasons_stay_within_79_columns() {
    let mut wishes: Vec<Wish> = (0..40)
        .map(|at| {
            wish(
                &format!("{}-{at}", "long-name".repeat(9)),
                1.0 + at as f64,
                0.5 + at as f64 / 100.0,
            )
        })
        .collect();
    wishes[7].rejected = Some("because");
    let rejected = wishes[7].id.clone();
    let text = Ranked(selection(&wishes, limited(30.0), None)).text();
    assert!(text.lines().count() > 40 && text.lines().all(|line| line.len() <= 79), "{text}");
    let why = Why::of(selection(&wishes, limited(30.0), None), Some(&rejected)).unwrap().text();
    assert!(why.contains("out at load: because"), "{why}");
    assert!(why.lines().all(|line| line.len() <= 79), "{why}");
    let stopped = |node: &str| Unfused {
        op: "Sqrt".to_owned(),
        node: node.to_owned(),
        why: "makes real numbers of codes".to_owned(),
    };
    let look = |_: &umbra::model::Candidate| {
        Some(Convolutions { integer: 7, float: 2, unfused: vec![stopped("a"), stopped("b")] })
    };
    let why = Why::of(selection(&wishes, limited(30.0), None), Some(&rejected)).unwrap();
    let why = why.looking(&look);
    let text = why.text();
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("7 of 9 run on integers, 2 in floating point"), "{text}");
    assert!(words.contains("Sqrt keeps 2 in floating point, first a: it makes real"), "{text}");
    assert!(text.lines().all(|line| line.len() <= 79), "{text}");
    assert_eq!(why.json()["convolutions"]["other"]["unfused"][1]["node"], "b");
    let close = [wish("good", 2.0, 0.9), wish("fair", 2.0, 0.7)];
    let why = Why::of(selection(&close, limited(30.0), None), None).unwrap().text();
    let views =
        "ranks   good: LogME 1 (0.900), H-score silent (none), NCE silent (none); together 1,";
    assert!(why.replace("\n        ", " ").contains(views), "{why}");
    let unknown = Why::of(selection(&wishes, limited(30.0), None), Some("nobody")).unwrap_err();
    assert_eq!(unknown.exit, Exit::Input);
}

/// What `bench --json` would write of a candidate that was measured on a warmer day.
fn monday(wish: &Wish) -> String {
    let mut candidate = candidate(wish);
    candidate.config.affinity = Affinity::Cpus(vec![3]);
    let mut trial = trial(wish, &candidate);
    trial.conditions.before.temperature = Some(Celsius(61.0));
    trial.conditions.during.waited = Some(0.25);
    Benched { candidates: vec![candidate], trials: vec![trial] }.json().to_string()
}

#[test]
fn conditions_come_before_the_differences_of_two_trials_in_files() {
    let side = |text: &str| Recorded::parse("x.json", text.as_bytes()).unwrap().side(None);
    let plain = wish("a", 2.0, 0.9);
    let of_today = Benched {
        candidates: vec![candidate(&plain)],
        trials: vec![trial(&plain, &candidate(&plain))],
    };
    let (a, b) = (of_today.json().to_string(), monday(&wish("a", 3.0, 0.9)));
    let compared = Compared::of(side(&a).unwrap(), side(&b).unwrap());
    let wanted = "\
a  a (x.json)
b  a (x.json)
differs: configuration: a tract-cpu/t1/any, b tract-cpu/t1/cpu3
differs: temperature before: a unknown, b 61 C
differs: waited for a processor: a unknown, b 25 %
figure                  a     b         b - a b / a
p50, ms              2.00  3.00 1.00 +-0.0361  1.50
p90, ms              2.20  3.30          1.10  1.50
p99, ms              2.60  3.90          1.30  1.50
first inference, ms  4.00  6.00          2.00  1.50
load, ms             20.0  20.0             0  1.00
optimise, ms         9.00  9.00             0  1.00
peak resident, MB    40.0  40.0             0  1.00
private, MB          15.0  15.0             0  1.00
file, MB            0.100 0.100             0  1.00
";
    assert_eq!(compared.text(), wanted);
    let json = compared.json();
    assert_eq!(json["differing_conditions"][1]["b"], "61 C");
    assert_eq!(json["trials"][1]["conditions"]["during"]["waited"], 0.25);
    let same = Compared::of(side(&a).unwrap(), side(&a).unwrap()).text();
    assert!(same.contains("conditions: the same"), "{same}");
}

#[test]
fn a_file_with_several_trials_is_asked_by_name_and_what_is_no_such_file_is_refused() {
    let wishes = [wish("a", 1.0, 0.9), wish("b", 2.0, 0.9)];
    let candidates: Vec<Candidate> = wishes.iter().map(candidate).collect();
    let trials = wishes.iter().zip(&candidates).map(|(wish, it)| trial(wish, it)).collect();
    let text = Benched { candidates, trials }.json().to_string();
    let parse = |text: &str| Recorded::parse("x.json", text.as_bytes());
    let several = parse(&text).unwrap().side(None).unwrap_err();
    assert!(several.help.unwrap().contains("x.json:ID with ID one of a, b"));
    assert!(parse(&text).unwrap().side(Some("b")).is_ok());
    assert_eq!(parse(&text).unwrap().side(Some("c")).unwrap_err().exit, Exit::Input);
    for odd in ["", "{}", "[1]", "{\"schema\":2,\"trials\":[]}", "{\"schema\":1,\"trials\":3}"] {
        assert_eq!(parse(odd).unwrap_err().exit, Exit::Input, "{odd}");
    }
    // Keys of a stranger: nothing is known, nothing is claimed to be the same.
    let odd = r#"{"schema":1,"trials":[{"latency_us":{"p50":"fast","interval":[1]}}]}"#;
    let side = || parse(odd).unwrap().side(None).unwrap();
    let text = Compared::of(side(), side()).text();
    assert!(text.contains("conditions: not recorded for a and b"), "{text}");
}

#[test]
fn a_candidate_of_the_records_is_compared_with_a_file() {
    let wishes = [wish("a", 2.0, 0.9), wish("b", 4.0, 0.8)];
    let selection = selection(&wishes, Policy::default(), None);
    let text = monday(&wishes[0]);
    let then = Recorded::parse("x.json", text.as_bytes()).unwrap().side(None).unwrap();
    let compared = Compared::of(Side::of(&selection, "a").unwrap(), then).json();
    assert_eq!(compared["figures"][0]["b"], 2.0);
    assert!(Side::of(&selection, "nobody").is_err());
}

#[test]
fn a_bench_shows_three_memories_and_the_bound_of_the_activations() {
    let wish = wish("resnet8-digits-int8-qdq", 8.0, 0.95);
    let mut measured = candidate(&wish);
    measured.card = Some(card(1_500_000));
    let trials = vec![trial(&wish, &measured)];
    let benched = Benched { candidates: vec![measured], trials };
    let wanted = "\
model                   verdict p50 ms  p90  p99 first load optimise mJ
resnet8-digits-int8-qdq valid     8.00 8.80 10.4  16.0 20.0     9.00  -
memory, MB              peak private  file activations <=
resnet8-digits-int8-qdq 40.0    15.0 0.100           1.50
";
    assert_eq!(benched.text(), wanted);
    assert_eq!(benched.json()["trials"][0]["peak_activation_bytes"], 1_500_000);
}

#[test]
fn a_bench_says_which_samples_stand_apart_and_of_how_much_of_the_time() {
    let wish = wish("a", 8.0, 0.95);
    let measured = candidate(&wish);
    let mut odd = trial(&wish, &measured);
    let outliers = Outliers { above: Micros(24_000.0), count: 3, time_share: 0.125 };
    odd.latency.as_mut().unwrap().outliers = outliers;
    let benched = Benched { candidates: vec![measured], trials: vec![odd] };
    let line = "  a: 3 of 64 samples, 12.5 % of the time, over 24.0 ms\n";
    assert!(benched.text().ends_with(line), "{}", benched.text());
    let latency = &benched.json()["trials"][0]["latency_us"];
    assert_eq!(latency["outliers"]["count"], 3);
    assert_eq!(latency["standard_error"], 16.0);
}

#[test]
fn the_front_is_drawn_with_labels_that_do_not_cover_each_other() {
    let mut wishes: Vec<Wish> = (0..16)
        .map(|at| wish(&format!("model-{at}"), 1.0 + 0.05 * at as f64, 0.8 + 0.002 * at as f64))
        .collect();
    wishes.push(wish("a<b&c", 60.0, 0.7));
    let picture = umbra::ui::show::pareto::svg(&selection(&wishes, limited(30.0), None)).unwrap();
    assert!(picture.starts_with("<svg") && picture.ends_with("</svg>\n"));
    assert!(picture.contains("a&lt;b&amp;c") && !picture.contains("a<b"));
    assert!(picture.contains("prefers-color-scheme:dark"));
    let filled = picture.matches("class=\"ok\"").count();
    assert_eq!(filled, 17, "sixteen keep the limits, and one is in the legend");
    let number = |line: &str, key: &str| -> f64 {
        let rest = line.split(&format!(" {key}=\"")).nth(1).unwrap();
        rest.split('"').next().unwrap().parse().unwrap()
    };
    let labels: Vec<(f64, f64, f64)> = picture
        .lines()
        .filter(|line| line.contains("model-") || line.contains("a&lt;"))
        .map(|line| &line[line.find("<text").unwrap()..])
        .map(|line| (number(line, "x"), number(line, "y"), 9.0 * 6.4))
        .collect();
    assert_eq!(labels.len(), 17);
    for (at, a) in labels.iter().enumerate() {
        for b in &labels[at + 1..] {
            let apart = a.0 + a.2 <= b.0 || b.0 + b.2 <= a.0 || (a.1 - b.1).abs() >= 12.9;
            assert!(apart, "{a:?} {b:?}");
        }
    }
    let blind = selection(&[], limited(30.0), None);
    assert_eq!(umbra::ui::show::pareto::svg(&blind), None);
}
