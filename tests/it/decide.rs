//! The decide room: choice, hysteresis, and explanations that hold.

use std::collections::BTreeMap;

use umbra::base::random::SplitMix64;
use umbra::base::{Digest, Micros};
use umbra::decide::{Action, Change, Incumbent, choose};
use umbra::rank::{Criterion, Measure, Ranking, Row, rerank};
use umbra::task::{Estimate, Policy};

fn row(id: &str, measures: &[(Criterion, f64, f64)]) -> Row {
    let measure = |value: f64, half_width: f64| Measure {
        value,
        low: value - half_width,
        high: value + half_width,
        predicted: false,
    };
    let measures: BTreeMap<Criterion, Measure> = measures
        .iter()
        .map(|(criterion, value, half_width)| (*criterion, measure(*value, *half_width)))
        .collect();
    let gate = |criterion: Criterion, per_unit: f64| measures[&criterion].value * per_unit;
    let gates = [
        ("latency", gate(Criterion::Latency, 1.2e-3)),
        ("memory", gate(Criterion::Memory, 1e-6)),
        ("storage", gate(Criterion::Storage, 1e-6)),
        ("accuracy", gate(Criterion::Relevance, 1.0)),
    ];
    let accuracy = measures[&Criterion::Relevance];
    Row {
        id: id.to_owned(),
        config_id: "tract-cpu/t1/any".to_owned(),
        sha256: Digest::of(id.as_bytes()),
        usable: true,
        violations: Vec::new(),
        gates: gates.map(|(name, value)| (name.to_owned(), value)).into(),
        accuracy: Some(Estimate { value: accuracy.value, low: accuracy.low, high: accuracy.high }),
        measures,
        predictions: BTreeMap::new(),
        standing: None,
        ranks: BTreeMap::new(),
        copeland: None,
        second_order: None,
        margin_sum: None,
    }
}

fn simple(id: &str, accuracy: f64, latency_us: f64, memory_mb: f64) -> Row {
    row(
        id,
        &[
            (Criterion::Relevance, accuracy, 0.01),
            (Criterion::Latency, latency_us, latency_us * 0.01),
            (Criterion::Memory, memory_mb * 1e6, 0.0),
            (Criterion::Storage, memory_mb * 1e5, 0.0),
        ],
    )
}

fn ranking(rows: Vec<Row>, policy: &Policy) -> Ranking {
    let empty = Ranking {
        method: umbra::rank::Method::default(),
        policy: policy.clone(),
        prior: None,
        unfitted: None,
        rows,
        order: Vec::new(),
        margins: Vec::new(),
        pareto: Vec::new(),
        indistinguishable: Vec::new(),
    };
    rerank(&empty, policy)
}

fn incumbent(id: &str) -> Incumbent {
    Incumbent {
        id: id.to_owned(),
        config_id: "tract-cpu/t1/any".to_owned(),
        sha256: Digest::of(id.as_bytes()),
    }
}

fn three() -> Vec<Row> {
    vec![
        simple("good", 0.95, 9000.0, 40.0),
        simple("middle", 0.85, 3000.0, 20.0),
        simple("small", 0.60, 500.0, 10.0),
    ]
}

fn generous() -> Policy {
    let mut policy = Policy::default();
    policy.targets.set("latency", Some(10.0));
    policy.targets.set("memory", Some(50.0));
    policy
}

#[test]
fn deploys_the_first_and_says_why_with_numbers() {
    let decision = choose(&generous(), &ranking(three(), &generous()), None);
    assert_eq!(decision.action, Action::Deploy);
    assert_eq!(decision.model.as_deref(), Some("good"));
    assert_eq!(
        decision.reason,
        "Best of 3 feasible; next is middle: accuracy 95.0 % against 85.0 %."
    );
    assert_eq!(decision.margins, BTreeMap::from([("middle".into(), 37.0), ("small".into(), 37.0)]));
}

#[test]
fn keeps_what_runs_unless_it_is_beaten_beyond_the_noise() {
    let mut rows = three();
    rows.push(simple("twin", 0.951, 8800.0, 40.0));
    let ranking = ranking(rows, &generous());
    let first = &ranking.rows[ranking.order[0]].id;
    assert_eq!(first, "twin");
    let kept = choose(&generous(), &ranking, Some(&incumbent("good")));
    assert_eq!((kept.action, kept.model.as_deref()), (Action::Keep, Some("good")));
    assert_eq!(kept.reason, "twin leads, but does not beat the running good beyond the noise.");
    let switched = choose(&generous(), &ranking, Some(&incumbent("small")));
    assert_eq!((switched.action, switched.model.as_deref()), (Action::Deploy, Some("twin")));
    assert!(switched.reason.starts_with("Beats the running small: accuracy 95.1 % against 60.0 %"));
    let same = choose(&generous(), &ranking, Some(&incumbent("twin")));
    assert_eq!(same.action, Action::Keep);
}

#[test]
fn replaces_what_runs_where_it_breaks_a_limit_or_is_another_file() {
    let mut policy = generous();
    policy.limits.latency = Some(Micros(5000.0));
    let limited = ranking(three(), &policy);
    let decision = choose(&policy, &limited, Some(&incumbent("good")));
    assert_eq!((decision.action, decision.model.as_deref()), (Action::Deploy, Some("middle")));
    assert!(
        decision
            .reason
            .starts_with("The running good breaks the latency limit (10.8 against 5.00 ms)")
    );
    let other = Incumbent { sha256: Digest::of(b"older"), ..incumbent("good") };
    let decision = choose(&generous(), &ranking(three(), &generous()), Some(&other));
    assert_eq!((decision.action, decision.model.as_deref()), (Action::Deploy, Some("good")));
}

#[test]
fn where_nothing_is_feasible_what_runs_stays_and_the_flip_says_what_would_help() {
    let mut policy = generous();
    policy.limits.latency = Some(Micros(500.0));
    let ranking = ranking(three(), &policy);
    let none = choose(&policy, &ranking, None);
    assert_eq!((none.action, none.model.as_deref()), (Action::None, None));
    assert_eq!(
        none.reason,
        "None keeps the limits; nearest small breaks the latency limit (0.600 against 0.500 ms). Nothing is deployed."
    );
    let flip = none.flip.unwrap();
    assert_eq!(flip.text, "latency limit 0.5 -> 0.6 ms: small wins");
    let fallback = choose(&policy, &ranking, Some(&incumbent("gone")));
    assert_eq!((fallback.action, fallback.model.as_deref()), (Action::Fallback, Some("gone")));
    assert!(choose(&policy, &self::ranking(Vec::new(), &policy), None).flip.is_none());
}

#[test]
fn chooses_under_the_policy_it_is_given_not_the_one_it_was_ranked_by() {
    let ranked = ranking(three(), &generous());
    let mut policy = generous();
    policy.weights.set("relevance", 0.0);
    policy.targets = umbra::task::Targets::default();
    assert_eq!(choose(&policy, &ranked, None).model.as_deref(), Some("small"));
}

/// A random problem: accuracy and cost pull apart, as they do.
fn problem(seed: u64) -> (Vec<Row>, Policy, Option<Incumbent>) {
    let mut random = SplitMix64::new(seed);
    let count = 2 + random.below(5);
    let rows: Vec<Row> = (0..count)
        .map(|at| {
            let size = random.unit();
            let accuracy = 0.5 + 0.35 * size + 0.15 * random.unit();
            let latency = 200.0 * (50.0f64).powf(0.7 * size + 0.3 * random.unit());
            let memory = 5.0 * 10.0f64.powf(0.7 * size + 0.3 * random.unit());
            row(
                &format!("model-{at}"),
                &[
                    (Criterion::Relevance, accuracy, 0.005 + 0.03 * random.unit()),
                    (Criterion::Latency, latency, latency * 0.05 * random.unit()),
                    (Criterion::Memory, memory * 1e6, 0.0),
                    (Criterion::Storage, memory * 1e5 * random.unit(), 0.0),
                ],
            )
        })
        .collect();
    let mut policy = Policy::default();
    let mut maybe = |value: f64| (random.unit() < 0.4).then_some((value * 100.0).round() / 100.0);
    policy.limits.set("latency", maybe(8.0));
    policy.limits.set("memory", maybe(35.0));
    policy.limits.set("accuracy", maybe(0.6));
    policy.targets.set("latency", maybe(2.0));
    policy.targets.set("memory", maybe(15.0));
    let runs = (random.unit() < 0.3).then(|| incumbent("model-0"));
    (rows, policy, runs)
}

/// The policy with a change applied, and with half of it.
fn changed(policy: &Policy, change: &Change, start: f64) -> (Policy, Policy) {
    let apply = |value: f64| {
        let mut policy = policy.clone();
        match change {
            Change::Limit { name, .. } => policy.limits.set(name, Some(value)),
            Change::Target { name, .. } => policy.targets.set(name, Some(value)),
            Change::Weight { name, .. } => policy.weights.set(name, value),
        }
        policy
    };
    let to = match change {
        Change::Limit { to, .. } | Change::Target { to, .. } | Change::Weight { to, .. } => *to,
    };
    (apply(to), apply(f64::midpoint(start, to)))
}

/// Where a number that is not set begins to matter (docs/ranking.md).
fn start(ranking: &Ranking, change: &Change) -> f64 {
    let feasible = ranking.order.iter().map(|at| &ranking.rows[*at]);
    match change {
        Change::Weight { from, .. } => *from,
        Change::Limit { from: Some(from), .. } | Change::Target { from: Some(from), .. } => *from,
        Change::Limit { name, .. } => {
            let gates = feasible.map(|row| row.gates[name]);
            if name == "accuracy" {
                gates.fold(f64::MAX, f64::min)
            } else {
                gates.fold(0.0, f64::max)
            }
        }
        Change::Target { name, .. } => {
            let criterion = Criterion::ALL.into_iter().find(|c| c.name() == name).unwrap();
            let per_unit = if criterion == Criterion::Latency { 1e-3 } else { 1e-6 };
            feasible.map(|row| row.measures[&criterion].value * per_unit).fold(f64::MAX, f64::min)
        }
    }
}

#[test]
fn the_printed_change_turns_the_choice_and_half_of_it_does_not() {
    let (mut flips, mut nothing, mut kinds) = (0, 0, BTreeMap::<String, u32>::new());
    for seed in 0..200 {
        let (rows, policy, runs) = problem(seed);
        let ranking = ranking(rows, &policy);
        let decision = choose(&policy, &ranking, runs.as_ref());
        let Some(flip) = &decision.flip else { continue };
        flips += 1;
        *kinds.entry(flip.text.split(' ').take(2).collect::<Vec<_>>().join(" ")).or_default() += 1;
        let (whole, half) = changed(&policy, &flip.change, start(&ranking, &flip.change));
        let after = choose(&whole, &rerank(&ranking, &whole), runs.as_ref());
        let halfway = choose(&half, &rerank(&ranking, &half), runs.as_ref());
        let feasible = |model: &umbra::decide::Decision| match model.action {
            Action::Deploy | Action::Keep => model.model.clone(),
            Action::Fallback | Action::None => None,
        };
        assert_ne!(feasible(&after), feasible(&decision), "seed {seed}: {}", flip.text);
        assert_eq!(feasible(&after), flip.to, "seed {seed}: {}", flip.text);
        assert_eq!(feasible(&halfway), feasible(&decision), "seed {seed}: {}", flip.text);
        let (Change::Limit { to, .. } | Change::Target { to, .. } | Change::Weight { to, .. }) =
            &flip.change;
        assert!(flip.text.contains(&format!("-> {to}")), "seed {seed}: {}", flip.text);
        let digits = to.to_string().replace('.', "");
        assert!(digits.trim_matches('0').len() <= 3, "seed {seed}: nobody types {}", flip.text);
        if let Change::Weight { from, to, .. } = &flip.change {
            assert!((to - from).abs() >= 0.01 * from, "seed {seed}: a hair: {}", flip.text);
        }
        nothing += u32::from(flip.to.is_none());
    }
    assert!(nothing <= 8, "{nothing} of {flips} flips lead to no model");
    assert!(flips >= 160, "only {flips} of 200 problems have a flip");
    assert!(kinds.len() >= 6, "flips of few kinds: {kinds:?}");
}

#[test]
fn a_flip_to_another_model_goes_before_one_that_leaves_none() {
    // To shut everything out would be a smaller change than to turn to the other model.
    let rows = vec![simple("good", 0.95, 9000.0, 40.0), simple("small", 0.60, 9000.0, 38.0)];
    let mut policy = generous();
    policy.limits.set("latency", Some(10.9));
    let flip = choose(&policy, &ranking(rows, &policy), None).flip.unwrap();
    assert_eq!(flip.to.as_deref(), Some("small"), "{}", flip.text);
    let alone = vec![simple("good", 0.95, 9000.0, 40.0)];
    let flip = choose(&policy, &ranking(alone.clone(), &policy), None).flip.unwrap();
    assert_eq!(flip.text, "latency limit 10.9 -> 10.7 ms: nothing is feasible");
    // Nobody wants to hear of a limit that was not there and shuts out the only one.
    assert_eq!(choose(&generous(), &ranking(alone, &generous()), None).flip, None);
}

#[test]
fn small_figures_keep_their_digits_in_the_reason() {
    let mut policy = generous();
    policy.limits.latency = Some(Micros(4.25));
    let rows = vec![simple("tiny", 0.9, 5.125, 0.01)];
    let reason = choose(&policy, &ranking(rows, &policy), None).reason;
    assert!(reason.contains("(0.00615 against 0.00425 ms)"), "{reason}");
}

#[test]
fn no_smaller_change_of_any_one_number_turns_the_choice() {
    for seed in 0..20 {
        let (rows, policy, runs) = problem(seed);
        let ranking = ranking(rows, &policy);
        let decision = choose(&policy, &ranking, runs.as_ref());
        let Some(Change::Weight { name, from, to }) = decision.flip.map(|flip| flip.change) else {
            continue;
        };
        let scale = from.max(policy.weights.sum() / 6.0);
        let distance = (to - from).abs() / scale;
        for other in umbra::task::Weights::NAMES {
            let now = policy.weights.get(other).unwrap();
            let reach = distance * now.max(policy.weights.sum() / 6.0);
            // Weights count in thousandths: of the least change, only half is surely smaller.
            let most = if (to - from).abs() > 0.02 { 0.85 } else { 0.5 };
            for part in [-most, -0.4, -0.2, 0.2, 0.4, most] {
                let mut policy = policy.clone();
                policy.weights.set(other, (now + part * reach).max(0.0));
                let again = choose(&policy, &ranking, runs.as_ref());
                assert_eq!(
                    again.model,
                    decision.model,
                    "seed {seed}: {name} {from} -> {to} but {other} by {}",
                    part * reach
                );
            }
        }
    }
}

#[test]
fn a_reason_fits_on_two_lines_whatever_the_names() {
    let long = "x".repeat(300);
    let mut rows = three();
    rows.push(simple(&long, 0.99, 9000.0, 40.0));
    for runs in [None, Some(incumbent("small")), Some(incumbent(&long))] {
        let decision = choose(&generous(), &ranking(rows.clone(), &generous()), runs.as_ref());
        assert!(decision.reason.chars().count() <= 150, "{}", decision.reason);
        assert!(!decision.reason.is_empty());
    }
}
