//! The rank room against its vectors, and ranking from whole records.

use std::collections::BTreeMap;

use serde_json::Value;
use umbra::base::random::SplitMix64;
use umbra::base::{Bytes, Celsius, Digest, Joules, Micros, Reading};
use umbra::bench::{Condition, Conditions, Energy, Latency, Outliers, Trial, TrialKey, Verdict};
use umbra::board::power::Scope;
use umbra::board::{Clocks, Cpu, Facts, Identity, Memory, Storage, ThermalZone};
use umbra::model::{
    Affinity, Candidate, Card, Config, Kind, Manifest, Quantization, Rejection, Source, SourceTask,
    Stage, Work,
};
use umbra::rank::copeland::{competition_ranks, copeland, pareto};
use umbra::rank::cost::roofline::{Rate, Rates};
use umbra::rank::evaluate::weighted_tau;
use umbra::rank::relevance::{
    Matrix, Prior, View, logme, logme_compat, logme_compat_regression, logme_per_class,
    logme_regression, logme_with_interval,
};
use umbra::rank::{Corrections, Criterion, Method, Ranking, rank, rank_at, rank_corrected, rerank};
use umbra::task::{Estimate, Evidence, Policy, Scored, Scores};

pub(crate) fn vectors(name: &str) -> Value {
    let path = format!("{}/tests/vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect()
}

fn options(value: &Value) -> Vec<Option<f64>> {
    value.as_array().unwrap().iter().map(Value::as_f64).collect()
}

pub(crate) fn matrix(value: &Value) -> Matrix {
    let rows: Vec<Vec<f64>> = value.as_array().unwrap().iter().map(numbers).collect();
    Matrix::from_fn(rows.len(), rows[0].len(), |i, j| rows[i][j])
}

pub(crate) fn labels(value: &Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as u32).collect()
}

pub(crate) fn assert_close(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!((found - expected).abs() <= tolerance, "{what}: {found} instead of {expected}");
}

#[test]
fn logme_agrees_with_every_vector() {
    let file = vectors("logme");
    let tight = file["abs_tolerance"]["expected_logme"].as_f64().unwrap();
    let loose =
        file["abs_tolerance"]["expected_logme_if_lambda_range_or_residual_floor_differ"].as_f64();
    for case in file["cases"].as_array().unwrap() {
        let id = case["id"].as_str().unwrap();
        let features = matrix(&case["features"]);
        if let Some(targets) = case.get("targets") {
            let found = logme_regression(&features, &numbers(targets)).unwrap();
            assert_close(found.evidence, case["expected_logme"].as_f64().unwrap(), tight, id);
            let alpha = case["alpha"].as_f64().unwrap();
            assert_close(found.alpha / alpha, 1.0, 1e-3, "alpha");
            let compat = logme_compat_regression(&features, &numbers(targets)).unwrap();
            assert_close(compat, case["compat_fast_impl_score"].as_f64().unwrap(), 1e-9, id);
            continue;
        }
        let labels = labels(&case["labels"]);
        if let Some(status) = case.get("expected_status") {
            let refused = logme(&features, &labels).unwrap_err().to_string();
            let expected = status.as_str().unwrap().split_once(": ").unwrap().1;
            assert!(refused.starts_with(expected), "{id}: {refused}");
            assert_eq!(logme_compat(&features, &labels).unwrap_err().to_string(), refused);
            continue;
        }
        let tolerance = if id == "perfect_linear_fit" { loose.unwrap() } else { tight };
        let found = logme(&features, &labels).unwrap();
        assert_close(found, case["expected_logme"].as_f64().unwrap(), tolerance, id);
        if let Some(compat) = case.get("compat_fast_impl_score").and_then(Value::as_f64) {
            assert_close(logme_compat(&features, &labels).unwrap(), compat, 1e-9, id);
        }
        let per_class = logme_per_class(&features, &labels).unwrap();
        for (expected, (class, found)) in
            case["per_class"].as_array().into_iter().flatten().zip(&per_class)
        {
            assert_eq!(expected["class"].as_u64().unwrap() as u32, *class, "{id}");
            let evidence = expected["log_evidence_per_sample"].as_f64().unwrap();
            assert_close(found.evidence, evidence, tolerance.max(1e-6), id);
        }
    }
}

/// Clusters around class centres, as far apart as `signal` says.
pub(crate) fn blobs(
    seed: u64,
    samples: usize,
    size: usize,
    classes: u32,
    signal: f64,
) -> (Matrix, Vec<u32>) {
    let mut random = SplitMix64::new(seed);
    let mut normal = move || (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
    let centres = Matrix::from_fn(classes as usize, size, |_, _| signal * normal());
    let labels: Vec<u32> = (0..samples).map(|at| at as u32 % classes).collect();
    let features =
        Matrix::from_fn(samples, size, |at, f| centres[(labels[at] as usize, f)] + normal());
    (features, labels)
}

#[test]
fn logme_ignores_scale_order_of_samples_and_names_of_classes() {
    for (samples, size) in [(60, 8), (24, 40)] {
        let (features, labels) = blobs(7, samples, size, 4, 0.7);
        let plain = logme(&features, &labels).unwrap();
        for scale in [1e-150, 1e-4, 3.7, 1e4, 1e150] {
            let scaled = logme(&(&features * scale), &labels).unwrap();
            assert_close(scaled, plain, 1e-8, "scaled");
        }
        let mut order: Vec<usize> = (0..samples).collect();
        SplitMix64::new(3).shuffle(&mut order);
        let shuffled: Vec<u32> = order.iter().map(|at| labels[*at]).collect();
        assert_close(logme(&features.select_rows(&order), &shuffled).unwrap(), plain, 1e-8, "rows");
        let renamed: Vec<u32> = labels.iter().map(|label| 100 - 7 * label).collect();
        assert_close(logme(&features, &renamed).unwrap(), plain, 1e-9, "classes");
    }
}

#[test]
fn logme_prefers_informative_features_and_its_interval_covers_the_score() {
    let (weak, labels) = blobs(1, 100, 16, 5, 0.1);
    let (strong, _) = blobs(1, 100, 16, 5, 1.0);
    let (weak, strong) = (
        logme_with_interval(&weak, &labels).unwrap(),
        logme_with_interval(&strong, &labels).unwrap(),
    );
    assert!(strong.low > weak.high, "{strong:?} {weak:?}");
    for estimate in [weak, strong] {
        assert!(estimate.low < estimate.value && estimate.value < estimate.high);
    }
    assert_eq!(logme_with_interval(&blobs(1, 100, 16, 5, 1.0).0, &labels).unwrap(), strong);
}

#[test]
fn copeland_agrees_with_every_vector() {
    let file = vectors("copeland_and_friends");
    for case in file["cases"].as_array().unwrap() {
        let id = case["id"].as_str().unwrap();
        let scores: Vec<Vec<Option<f64>>> =
            case["scores_higher_better"].as_array().unwrap().iter().map(options).collect();
        let weights = case["weights"].as_array().map(|_| numbers(&case["weights"]));
        let found = copeland(&scores, &weights.unwrap_or_default(), &[]);
        for (name, found) in [
            ("copeland_1_half_0", &found.copeland),
            ("second_order", &found.second_order),
            ("margin_sum", &found.margin_sum),
        ] {
            let expected = numbers(&case[name]);
            assert_eq!(found.len(), expected.len(), "{id} {name}");
            for (found, expected) in found.iter().zip(expected) {
                assert_close(*found, expected, 1e-9, &format!("{id} {name}"));
            }
        }
        for (row, expected) in found.margins.iter().zip(case["margin_matrix"].as_array().unwrap()) {
            for (found, expected) in row.iter().zip(numbers(expected)) {
                assert_close(*found, expected, 1e-9, id);
            }
        }
        let order: Vec<usize> =
            labels(&case["order_best_first"]).iter().map(|i| *i as usize).collect();
        assert_eq!(found.order, order, "{id}");
        if case.get("pareto_front").is_some() {
            let front: Vec<usize> =
                labels(&case["pareto_front"]).iter().map(|i| *i as usize).collect();
            assert_eq!(pareto(&scores), front, "{id}");
        }
    }
}

#[test]
fn copeland_abstains_within_indifference_and_sums_weights_exactly() {
    let scores = [vec![Some(1.0), Some(1.04)], vec![Some(2.0), Some(1.0)]];
    assert_eq!(copeland(&scores, &[9.0, 1.0], &[0.05]).order, [0, 1]);
    assert_eq!(copeland(&scores, &[9.0, 1.0], &[]).order, [1, 0]);
    // 0.1 + 0.2 is not 0.3 in binary; the duel is level all the same.
    let scores =
        [vec![Some(1.0), Some(0.0)], vec![Some(1.0), Some(0.0)], vec![Some(0.0), Some(1.0)]];
    let level = copeland(&scores, &[0.1, 0.2, 0.3], &[]);
    assert_eq!(level.copeland, [0.5, 0.5]);
    assert_eq!(copeland(&[], &[], &[]).order, Vec::<usize>::new());
    assert_eq!(
        competition_ranks(&[Some(1.0), Some(3.0), None, Some(3.0)]),
        [Some(3), Some(1), None, Some(1)]
    );
}

#[test]
fn weighted_tau_agrees_with_every_vector() {
    for case in vectors("weighted_tau")["cases"].as_array().unwrap() {
        let id = case["id"].as_str().unwrap();
        let found = weighted_tau(&numbers(&case["truth"]), &numbers(&case["score"]));
        match case["tau_truth_ranked"].as_f64() {
            None => assert!(found.is_err(), "{id}"),
            Some(expected) => {
                let found = found.unwrap();
                assert_close(found.truth_ranked, expected, 1e-10, id);
                assert_close(found.symmetric, case["tau_symmetric"].as_f64().unwrap(), 1e-10, id);
            }
        }
    }
    assert!(weighted_tau(&[1.0, f64::NAN], &[1.0, 2.0]).is_err());
}

pub(crate) fn facts(throttle_at: Option<f64>) -> Facts {
    let zone = |at| ThermalZone {
        zone: "cpu-thermal".into(),
        temperature: Reading::Absent,
        throttle_at: Reading::of(Celsius(at), "trip_point_0_temp"),
    };
    Facts {
        board: Identity {
            model: Reading::Absent,
            soc: Reading::Absent,
            profile: "generic".into(),
            hostname: Reading::Absent,
            kernel: Reading::Absent,
            os: Reading::Absent,
            arch: "aarch64".into(),
        },
        cpu: Cpu {
            logical: Reading::Absent,
            clusters: Vec::new(),
            features: Reading::Absent,
            caches: Vec::new(),
            load: Reading::Absent,
        },
        memory: Memory {
            total: Reading::Absent,
            available: Reading::Absent,
            cgroup_limit: Reading::Absent,
        },
        storage: Storage { path: "/".into(), free: Reading::Absent, total: Reading::Absent },
        thermal: throttle_at.map(zone).into_iter().collect(),
        clocks: Clocks {
            governor: Reading::Absent,
            power_mode: Reading::Absent,
            throttled: Reading::Absent,
        },
        gpu: Vec::new(),
        power: Vec::new(),
        fingerprint: Digest::of(b"board"),
    }
}

fn candidate(id: &str, bytes: u64) -> Candidate {
    Candidate {
        id: id.into(),
        source: Source::Memory(Vec::new().into()),
        sha256: Digest::of(id.as_bytes()),
        bytes,
        config: Config { engine: "tract-cpu".into(), threads: 1, affinity: Affinity::Any },
        manifest: None,
        card: Some(Card {
            opset: 13,
            inputs: Vec::new(),
            outputs: Vec::new(),
            ops: BTreeMap::new(),
            params: bytes,
            macs: Some(bytes * 50),
            work: Vec::new(),
            weight_bytes: BTreeMap::from([("int8".to_owned(), bytes)]),
            peak_activation_bytes: Some(20_000),
            quantization: Quantization::Int8Qdq,
            feature_tap: None,
            feature_size: None,
        }),
        rejection: None,
    }
}

fn trial(candidate: &Candidate, p50: f64, rss: u64) -> Trial {
    Trial {
        id: candidate.id.clone(),
        key: TrialKey {
            sha256: candidate.sha256,
            config_id: candidate.config.id(),
            engine: String::new(),
            fingerprint: Digest::of(b"board"),
            kernel: String::new(),
            power: String::new(),
            outputs: String::new(),
        },
        verdict: Verdict::Valid,
        stage: None,
        reason: None,
        advice: None,
        latency: Some(Latency {
            p50: Micros(p50),
            p90: Micros(p50 * 1.1),
            p90_upper: Some(Micros(p50 * 1.2)),
            p99: Micros(p50 * 1.3),
            mean: Micros(p50),
            standard_error: Some(Micros(p50 * 0.002)),
            samples: 100,
            spread: 0.05,
            p50_half_width: Micros(p50 * 0.01),
            outliers: Outliers { above: Micros(p50 * 3.0), count: 0, time_share: 0.0 },
        }),
        load: None,
        optimise: None,
        first: None,
        peak_rss: Some(Bytes(rss)),
        private: None,
        energy: None,
        convolutions: None,
        conditions: Conditions::default(),
        at: 0,
    }
}

/// A score whose interval is about 2.8 times as wide as its halves differ from it.
pub(crate) fn scored(value: f64, apart: f32) -> Scored {
    Scored { value, halves: vec![value as f32 - apart, value as f32 + apart] }
}

fn evidence(candidate: &Candidate, logme: f64, head: f64, own: Option<f64>) -> Evidence {
    let around = |value: f64, by: f64| Estimate { value, low: value - by, high: value + by };
    Evidence {
        id: candidate.id.clone(),
        sha256: candidate.sha256,
        task: Digest::of(b"task"),
        own_accuracy: own.map(|own| around(own, 0.02)),
        head_accuracy: Some(around(head, 0.02)),
        fit: None,
        head: None,
        scores: Scores { logme: Ok(scored(logme, 0.03)), ..Scores::none("none") },
        preprocess: None,
        undefined: None,
        forward: None,
    }
}

/// Three candidates: small and weak, middle, large and good.
fn zoo() -> (Vec<Candidate>, Vec<Trial>, Vec<Evidence>) {
    let candidates: Vec<Candidate> = [("large", 900_000), ("middle", 300_000), ("small", 50_000)]
        .map(|(id, bytes)| candidate(id, bytes))
        .into();
    let trials = vec![
        trial(&candidates[0], 9000.0, 40_000_000),
        trial(&candidates[1], 3000.0, 20_000_000),
        trial(&candidates[2], 500.0, 10_000_000),
    ];
    let evidence = vec![
        evidence(&candidates[0], 1.3, 0.95, None),
        evidence(&candidates[1], 0.9, 0.85, None),
        evidence(&candidates[2], 0.2, 0.60, None),
    ];
    (candidates, trials, evidence)
}

fn ids(ranking: &umbra::rank::Ranking) -> Vec<&str> {
    ranking.order.iter().map(|at| ranking.rows[*at].id.as_str()).collect()
}

#[test]
fn ranks_without_trials_and_without_evidence_by_predictions_that_say_so() {
    let (candidates, ..) = zoo();
    let ranking = rank(&facts(None), &Policy::default(), &candidates, &[], &[]);
    assert_eq!(ids(&ranking), ["small", "middle", "large"]);
    let measures = &ranking.rows[0].measures;
    assert!(measures[&Criterion::Latency].predicted && measures[&Criterion::Memory].predicted);
    assert!(!measures[&Criterion::Storage].predicted);
    assert!(ranking.rows[0].gates.keys().eq(["storage"]));
}

#[test]
fn without_targets_size_decides_and_with_targets_the_best_that_meets_them() {
    let (candidates, trials, evidence) = zoo();
    let mut policy = Policy::default();
    // Latency, memory and storage weigh 37 together: more than relevance here.
    policy.weights.relevance = 30.0;
    let ranking = rank(&facts(None), &policy, &candidates, &trials, &evidence);
    assert_eq!(ids(&ranking)[0], "small");
    policy.targets.latency = Some(Micros(10_000.0));
    policy.targets.memory = Some(Bytes(50_000_000));
    let ranking = rerank(&ranking, &policy);
    assert_eq!(ids(&ranking), ["large", "middle", "small"]);
    assert_eq!(ranking.margins[0], [0.0, 25.0, 25.0]);
    assert_eq!(ranking.rows[0].copeland, Some(2.0));
    assert_eq!(ranking, rank(&facts(None), &policy, &candidates, &trials, &evidence));
}

#[test]
fn a_limit_throws_out_with_a_reason_and_is_gated_by_the_bound() {
    let (candidates, mut trials, evidence) = zoo();
    trials[1].latency.as_mut().unwrap().p90_upper = None;
    let mut policy = Policy::default();
    policy.limits.latency = Some(Micros(3500.0));
    policy.limits.accuracy = Some(0.7);
    let ranking = rank(&facts(None), &policy, &candidates, &trials, &evidence);
    assert_eq!(ids(&ranking), ["middle"]);
    let broken = &ranking.rows[0].violations[0];
    assert_eq!((broken.limit.as_str(), broken.value, broken.bound), ("latency", 10.8, 3.5));
    assert_eq!(ranking.rows[2].violations[0].limit, "accuracy");
    assert!((ranking.rows[1].gates["latency"] - 3.3).abs() < 1e-9);
    assert!(ranking.rows[2].copeland.is_none() && ranking.rows[2].ranks.is_empty());
}

#[test]
fn what_was_rejected_skipped_or_showed_nothing_is_not_usable() {
    let (mut candidates, mut trials, mut evidence) = zoo();
    candidates.push(candidate("fourth", 10));
    candidates[0].rejection =
        Some(Rejection { stage: Stage::Validate, reason: "cycle".into(), help: None });
    trials[1].verdict = Verdict::Skipped;
    evidence.remove(2);
    let ranking = rank(&facts(None), &Policy::default(), &candidates, &trials, &evidence);
    let usable: Vec<bool> = ranking.rows.iter().map(|row| row.usable).collect();
    assert_eq!(usable, [false, false, false, true]);
    // A trial of another configuration or another file says nothing.
    trials[0].key.config_id = "other".into();
    candidates[0].rejection = None;
    let ranking = rank(&facts(None), &Policy::default(), &candidates, &trials, &[]);
    assert!(ranking.rows[0].usable && ranking.rows[0].measures[&Criterion::Latency].predicted);
}

#[test]
fn relevance_is_accuracy_only_where_every_usable_candidate_has_its_own() {
    let (candidates, mut trials, mut shown) = zoo();
    shown[0] = evidence(&candidates[0], 1.3, 0.95, Some(0.97));
    shown[1] = evidence(&candidates[1], 0.9, 0.85, Some(0.5));
    let relevance = |trials: &[Trial], shown: &[Evidence]| {
        let ranking = rank(&facts(None), &Policy::default(), &candidates, trials, shown);
        [0, 1].map(|at| ranking.rows[at].measures[&Criterion::Relevance].value)
    };
    assert_eq!(relevance(&trials, &shown), [1.3, 0.9]);
    trials[2].verdict = Verdict::Rejected;
    assert_eq!(relevance(&trials, &shown), [0.97, 0.85]);
}

/// A sidecar that names the labels of its source.
fn sidecar(candidate: &Candidate, label: &str, prior: Option<f64>) -> Manifest {
    Manifest {
        behaviour: None,
        schema: 1,
        id: candidate.id.clone(),
        family: String::new(),
        licence: String::new(),
        sha256: candidate.sha256,
        source: Some(SourceTask {
            task: "source".into(),
            labels: vec![label.into(), "other".into()],
            dataset: None,
            accuracy_float: Some(0.5),
            accuracy_int8: None,
            samples: None,
        }),
        prior,
        preprocess: None,
        outputs: None,
        golden: Vec::new(),
    }
}

#[test]
fn a_prior_has_a_seat_among_models_of_one_source_and_decides_where_sidecars_state_it() {
    let (mut candidates, trials, shown) = zoo();
    let ranked = |candidates: &[Candidate], shown: &[Evidence]| {
        rank(&facts(None), &Policy::default(), candidates, &trials, shown)
    };
    let relevance = |ranking: &Ranking| -> Vec<f64> {
        ranking.rows.iter().map(|row| row.measures[&Criterion::Relevance].value).collect()
    };
    let bare = ranked(&candidates, &shown);
    assert_eq!((bare.prior, relevance(&bare)), (None, vec![1.3, 0.9, 0.2]));
    assert_eq!(bare.rows[0].standing.as_ref().unwrap().share.value, 1.0);
    for candidate in &mut candidates {
        candidate.manifest = Some(sidecar(candidate, "same", None));
    }
    let alike = ranked(&candidates, &shown);
    assert_eq!((alike.prior, relevance(&alike)), (Some(Prior::Macs), vec![1.3, 0.9, 0.2]));
    assert_eq!(alike.rows[1].standing.as_ref().unwrap().views[&View::Prior], 2.0);
    candidates[1].card.as_mut().unwrap().macs = None;
    assert_eq!(ranked(&candidates, &shown).prior, Some(Prior::Source));
    candidates[1].manifest = Some(sidecar(&candidates[1], "another", None));
    assert_eq!(ranked(&candidates, &shown).prior, None);
    // Against the samples: the smallest is stated to be the best.
    for (candidate, prior) in candidates.iter_mut().zip([1.0, 2.0, 3.0]) {
        candidate.manifest = Some(sidecar(candidate, &candidate.id, Some(prior)));
    }
    let stated = ranked(&candidates, &shown);
    assert_eq!((stated.prior, relevance(&stated)), (Some(Prior::Stated), vec![0.5; 3]));
    let why = stated.unfitted.as_deref();
    assert_eq!(why, Some("not every candidate has scores of its features"));
    // Accuracies measured on own labels leave no room for a prior.
    let own: Vec<Evidence> =
        candidates.iter().map(|candidate| evidence(candidate, 0.1, 0.5, Some(0.9))).collect();
    assert_eq!(relevance(&ranked(&candidates, &own)), [0.9; 3]);
}

#[test]
fn a_stated_prior_and_scores_of_features_are_merged_by_the_fitted_weights() {
    let (mut candidates, trials, mut shown) = zoo();
    let ranked = |candidates: &[Candidate], shown: &[Evidence]| {
        rank(&facts(None), &Policy::default(), candidates, &trials, shown)
    };
    for (candidate, prior) in candidates.iter_mut().zip([1.0, 2.0, 3.0]) {
        candidate.manifest = Some(sidecar(candidate, &candidate.id, Some(prior)));
    }
    for shown in &mut shown {
        shown.scores.hscore = shown.scores.logme.clone();
    }
    let found = ranked(&candidates, &shown);
    assert_eq!(found.unfitted, None);
    for row in &found.rows {
        let standing = row.standing.as_ref().unwrap();
        let fitted = standing.fitted.unwrap();
        assert_eq!(row.measures[&Criterion::Relevance].value, fitted.value);
        assert!(fitted.low <= fitted.value && fitted.value <= fitted.high);
        assert_eq!(standing.rank_interval[0].min(standing.rank), standing.rank_interval[0]);
    }
    let value = |at: usize| found.rows[at].standing.as_ref().unwrap().fitted.unwrap().value;
    // All are of one source, the mean of which is 0, and NCE is silent: prior against two scores.
    assert!(value(2) > value(0), "the prior outweighs them");
    let agreed = [3.0, 2.0, 1.0];
    for (candidate, prior) in candidates.iter_mut().zip(agreed) {
        candidate.manifest = Some(sidecar(candidate, &candidate.id, Some(prior)));
    }
    let found = ranked(&candidates, &shown);
    let value = |at: usize| found.rows[at].standing.as_ref().unwrap().fitted.unwrap().value;
    assert!(value(0) > value(1) && value(1) > value(2));
    // The same ranking keeps its reason under another policy.
    let again = umbra::rank::rerank(&ranked(&candidates, &shown[..2]), &Policy::default());
    assert_eq!(again.unfitted, None);
    candidates[2].manifest = Some(sidecar(&candidates[2], "c", None));
    let without = ranked(&candidates, &shown);
    assert_eq!(without.unfitted.as_deref(), Some("not every sidecar states a prior"));
    assert!(without.rows.iter().all(|row| row.standing.as_ref().unwrap().fitted.is_none()));
}

#[test]
fn a_model_in_two_configurations_stands_once() {
    let (mut candidates, mut trials, mut shown) = zoo();
    let mut twin = candidates[0].clone();
    twin.config.threads = 2;
    let mut second = trials[0].clone();
    second.key.config_id = twin.config.id();
    candidates.push(twin);
    trials.push(second);
    shown.push(shown[0].clone());
    let ranking = rank(&facts(None), &Policy::default(), &candidates, &trials, &shown);
    let ranks: Vec<f64> =
        ranking.rows.iter().map(|row| row.standing.as_ref().unwrap().rank).collect();
    assert_eq!(ranks, [1.0, 2.0, 3.0, 1.0]);
}

#[test]
fn heat_counts_only_near_the_throttle_point_and_estimated_energy_is_predicted() {
    let (candidates, mut trials, shown) = zoo();
    for (trial, temperature) in trials.iter_mut().zip([83.0, 60.0, 81.0]) {
        trial.conditions.after =
            Condition { temperature: Some(Celsius(temperature)), ..Condition::default() };
        trial.energy = Some(Energy {
            gross: Joules(0.002),
            net: None,
            source: "estimate".into(),
            scope: Scope::Estimate,
        });
    }
    let ranking = rank(&facts(Some(85.0)), &Policy::default(), &candidates, &trials, &shown);
    let heat: Vec<f64> =
        ranking.rows.iter().map(|row| row.measures[&Criterion::Thermal].value).collect();
    assert_eq!(heat, [3.0, 0.0, 1.0]);
    assert!(ranking.rows[0].measures[&Criterion::Energy].predicted);
    let without = rank(&facts(None), &Policy::default(), &candidates, &trials, &shown);
    assert!(!without.rows[0].measures.contains_key(&Criterion::Thermal));
}

#[test]
fn twins_are_indistinguishable_and_both_on_the_front() {
    let candidates = [candidate("a", 1000), candidate("b", 1000), candidate("c", 5000)];
    let trials: Vec<Trial> = candidates.iter().map(|c| trial(c, 1000.0, 1_000_000)).collect();
    let shown: Vec<Evidence> = candidates.iter().map(|c| evidence(c, 1.0, 0.9, None)).collect();
    let ranking = rank(&facts(None), &Policy::default(), &candidates, &trials, &shown);
    assert_eq!(ids(&ranking), ["a", "b", "c"]);
    assert_eq!(ranking.indistinguishable, ["b"]);
    assert_eq!(ranking.pareto, ["a", "b"]);
    assert_eq!(ranking.rows[1].ranks[&Criterion::Storage], 1);
    assert_eq!(ranking.rows[2].ranks[&Criterion::Storage], 3);
}

/// A board that does a thousand operations in a microsecond, and nothing else of note.
fn speeds(config_id: &str) -> umbra::rank::Speeds {
    let rate = |kind| Rate { kind, int8: true, overhead: Micros(0.0), per_micro: 1000.0 };
    let rates = vec![rate(Kind::Convolution), rate(Kind::Other)];
    let rates = Rates { inference: Micros(10.0), memory: 1e9, rates };
    [(config_id.to_owned(), rates)].into()
}

/// The same candidates with one convolution each, of as many operations as the card says.
fn with_nodes(candidates: &mut [Candidate]) {
    for card in candidates.iter_mut().filter_map(|candidate| candidate.card.as_mut()) {
        let ops = card.macs.unwrap();
        card.work = vec![Work { kind: Kind::Convolution, int8: true, ops, bytes: 1 }];
    }
}

#[test]
fn speeds_make_a_latency_of_the_nodes_and_measured_models_correct_it() {
    let (mut candidates, trials, _) = zoo();
    with_nodes(&mut candidates);
    let (policy, speeds) = (Policy::default(), speeds("tract-cpu/t1/any"));
    let latency = |trials: &[Trial], at: usize| {
        let ranking = rank_at(&speeds, &facts(None), &policy, &candidates, trials, &[]);
        ranking.rows[at].predictions[&Criterion::Latency]
    };
    // 900,000 bytes are 45 million operations: 45,000 microseconds and the inference.
    let blind = latency(&[], 0);
    assert!((blind.value - 45_010.0).abs() < 1e-6 && blind.predicted, "{blind:?}");
    assert!(blind.low < 0.8 * blind.value && blind.high > 1.2 * blind.value, "{blind:?}");
    let half = |at: usize| trial(&candidates[at], 0.5 * latency(&[], at).value, 1);
    let told = latency(&[half(1), half(2)], 0);
    assert!((told.value / 22_500.0 - 1.0).abs() < 0.2, "{told:?}");
    // A measured one is predicted as if it had not been.
    let own = latency(&[trial(&candidates[0], 1.0, 1), half(1), half(2)], 0);
    assert!((own.value / told.value - 1.0).abs() < 1e-9, "{own:?}");
    let ranking = rank_at(&speeds, &facts(None), &policy, &candidates, &trials, &[]);
    let [measured, predicted] = [&ranking.rows[0].measures, &ranking.rows[0].predictions];
    assert!(!measured[&Criterion::Latency].predicted && predicted[&Criterion::Latency].predicted);
}

#[test]
fn a_correction_moves_what_is_predicted_of_its_model_and_nothing_else() {
    let (mut candidates, trials, _) = zoo();
    with_nodes(&mut candidates);
    let (policy, speeds) = (Policy::default(), speeds("tract-cpu/t1/any"));
    let predicted =
        |ranking: &Ranking, at: usize| ranking.rows[at].predictions[&Criterion::Latency].value;
    let plain = rank_at(&speeds, &facts(None), &policy, &candidates, &[], &[]);
    let own = ("tract-cpu/t1/any".to_owned(), candidates[0].sha256);
    let corrections = Corrections::from([(own, 0.5)]);
    let means = (&speeds, &corrections);
    let found = rank_corrected(means, &facts(None), &policy, &candidates, &[], &[]);
    assert_eq!(found.method, Method::Corrected);
    assert!((predicted(&found, 0) / predicted(&plain, 0) - 0.5_f64.exp()).abs() < 1e-9);
    assert_eq!(predicted(&found, 1), predicted(&plain, 1));
    let found = rank_corrected(means, &facts(None), &policy, &candidates, &trials, &[]);
    assert!(!found.rows[0].measures[&Criterion::Latency].predicted, "what was measured stands");
}

#[test]
fn what_a_meter_saw_of_others_makes_the_energy_of_one_that_was_not_measured() {
    let (mut candidates, mut trials, _) = zoo();
    with_nodes(&mut candidates);
    let speeds = speeds("tract-cpu/t1/any");
    let energy = |trials: &[Trial]| {
        let ranking = rank_at(&speeds, &facts(None), &Policy::default(), &candidates, trials, &[]);
        let row = &ranking.rows[0];
        let [latency, energy] = [Criterion::Latency, Criterion::Energy]
            .map(|criterion| row.predictions.get(&criterion).map(|found| found.value));
        energy.zip(latency).map(|(joules, micros)| joules / (micros * 1e-6))
    };
    trials.remove(0);
    assert_eq!(energy(&trials), None, "nobody watched");
    for trial in &mut trials {
        let joules = 3.0 * trial.latency.unwrap().p50.0 * 1e-6;
        let source = "meter".to_owned();
        trial.energy =
            Some(Energy { gross: Joules(joules), net: None, source, scope: Scope::Board });
    }
    assert!((energy(&trials).unwrap() - 3.0).abs() < 1e-9, "three watts");
}
