//! The main job, end to end, on a scripted engine in workers that run in this process.

use std::collections::BTreeMap;

use umbra::agent::{AgentError, classify, deploy, infer, select};
use umbra::base::fs_fault::{Fault, Lost};
use umbra::base::{Digest, Event, FaultFs, RealFs, Sink};
use umbra::bench::Verdict;
use umbra::child::Ended;
use umbra::decide::Action;
use umbra::deploy::{Quarantined, Store, StoreError};
use umbra::model::{Rejection, Stage, Tensor};

use crate::world::{Board, image, task, tree};

/// A good and slow one, a bad one, and one that beats both in everything.
const ZOO: [(&str, u64, u64); 3] = [("slow", 9000, 80), ("bad", 600, 20), ("best", 400, 80)];

fn active(board: &Board) -> Option<String> {
    let store = Store::open(board.state(), &RealFs).unwrap();
    store.active().unwrap().map(|active| active.installed.id)
}

#[test]
fn the_best_model_is_measured_deployed_and_reads_images() {
    let mut board = Board::with(&ZOO);
    let request = board.request();
    let selection = select(&mut board.world, request, &mut ()).unwrap();
    let decision = &selection.decision;
    assert_eq!((decision.action, decision.model.as_deref()), (Action::Deploy, Some("best")));
    assert!(selection.trials.iter().all(|trial| trial.verdict == Verdict::Valid));
    assert_eq!(
        selection.trials.iter().map(|t| t.id.as_str()).collect::<Vec<_>>(),
        ["bad", "best", "slow"]
    );
    let p50 = selection.trials[1].latency.unwrap().p50.0;
    assert!((p50 - 400.0).abs() < 1.0, "what was timed is the model: {p50}");
    assert_eq!(selection.trials[1].key.outputs, "features+head3");
    assert_eq!(selection.deployment.unwrap().generation, 1);
    assert_eq!(active(&board).as_deref(), Some("best"));
    assert!(selection.elapsed.total >= selection.elapsed.bench);

    let images = [image(2, 0), image(0, 0), image(1, 0)];
    let said = classify(&board.world, &board.state(), &images).unwrap();
    assert_eq!(said.iter().map(|s| s.label.as_str()).collect::<Vec<_>>(), ["two", "zero", "one"]);
    assert!(said.iter().all(|s| s.score > 1.0 / 3.0 && s.score <= 1.0 && s.us.0 == 400.0));
    let jobs = board.jobs();
    let count = |kind: &str| jobs.iter().filter(|job| *job == kind).count();
    assert_eq!((count("bench"), count("observe"), count("classify")), (3, 3, 2));
}

#[test]
fn every_configuration_is_measured_and_the_task_is_shown_once_per_engine() {
    let mut board = Board::with(&ZOO);
    let plain = board.request();
    let zoo = umbra::model::configured(plain.zoo.clone(), &[], &[2, 1]);
    let request = umbra::agent::Request { zoo, ..plain.clone() };
    let selection = select(&mut board.world, request, &mut ()).unwrap();
    let jobs = board.jobs();
    let count = |kind: &str| jobs.iter().filter(|job| *job == kind).count();
    assert_eq!((count("bench"), count("observe")), (6, 3));
    assert_eq!(selection.evidence.len(), 6);
    assert_eq!(selection.decision.model.as_deref(), Some("best@t1"));
    // Alone, the same model in the same configuration is still the one that runs.
    let again = select(&mut board.world, plain, &mut ()).unwrap();
    assert_eq!((again.decision.action, again.reused), (Action::Keep, 3));
    assert_eq!(board.jobs(), Vec::<String>::new());
}

#[test]
fn what_the_records_know_is_not_measured_again_and_nothing_is_written() {
    let mut board = Board::with(&ZOO);
    for _ in 0..2 {
        let request = board.request();
        select(&mut board.world, request, &mut ()).unwrap();
    }
    board.jobs();
    let before = tree(&board.state());
    let request = board.request();
    let again = select(&mut board.world, request, &mut ()).unwrap();
    assert_eq!((again.decision.action, again.reused), (Action::Keep, 3));
    assert_eq!(board.jobs(), Vec::<String>::new(), "no worker is started");
    assert_eq!(tree(&board.state()), before);
    let request = umbra::agent::Request { fresh: true, ..board.request() };
    assert_eq!(select(&mut board.world, request, &mut ()).unwrap().reused, 0);
    assert_eq!(board.jobs().len(), 6, "fresh measures all again");
}

#[test]
fn a_look_without_a_budget_measures_and_writes_nothing() {
    let mut board = Board::with(&ZOO);
    let budget = Some(std::time::Duration::ZERO);
    let request = umbra::agent::Request { budget, dry_run: true, ..board.request() };
    let mut heard = Heard::default();
    let selection = select(&mut board.world, request, &mut heard).unwrap();
    assert_eq!(selection.decision.action, Action::None);
    assert!(selection.trials.iter().all(|trial| trial.verdict == Verdict::Skipped));
    let reasons = selection.trials.iter().map(|trial| trial.reason.as_deref());
    assert!(reasons.into_iter().all(|reason| reason == Some("not measured")));
    assert_eq!(heard.0, Vec::<String>::new(), "nothing is measured, so no progress");
    assert!(board.jobs().is_empty());
    assert!(!board.state().exists());
}

/// The results that progress tells of.
#[derive(Default)]
struct Heard(Vec<String>);

impl Sink for Heard {
    fn event(&mut self, event: Event<'_>) {
        if let Event::Result { what, text } = event {
            self.0.push(format!("{what}: {text}"));
        }
    }
}

#[test]
fn progress_tells_of_every_measurement_and_every_look_at_the_samples() {
    let mut board = Board::with(&ZOO);
    let (request, mut heard) = (board.request(), Heard::default());
    select(&mut board.world, request, &mut heard).unwrap();
    let count = |word: &str| heard.0.iter().filter(|line| line.contains(word)).count();
    assert_eq!((heard.0.len(), count(" ms"), count(": accuracy ")), (6, 3, 3), "{:?}", heard.0);
}

#[test]
fn a_class_with_one_sample_is_the_reason_that_is_given() {
    let mut board = Board::with(&ZOO);
    let mut request = board.request();
    let mut seen = Vec::new();
    request.task.samples.retain(|sample| {
        let new = !seen.contains(&sample.label);
        seen.push(sample.label);
        new
    });
    request.task.digest = Digest::of(b"one of each");
    let selection = select(&mut board.world, request, &mut ()).unwrap();
    assert_eq!(selection.decision.action, Action::None);
    for trial in &selection.trials {
        assert_eq!((trial.verdict, trial.stage), (Verdict::Rejected, Some(Stage::Observe)));
        let reason = trial.reason.as_deref().unwrap();
        assert!(reason.contains("single sample"), "{reason}");
    }
}

#[test]
fn a_short_budget_judges_the_most_promising_rather_than_none() {
    // Were all of it spent on timing, nobody would have seen the samples at the end.
    for (seconds, judged) in [(2, 1), (4, 1), (8, 2), (60, 2)] {
        let mut board = Board::with(&ZOO);
        let budget = Some(std::time::Duration::from_secs(seconds));
        let request = umbra::agent::Request { budget, ..board.request() };
        let selection = select(&mut board.world, request, &mut ()).unwrap();
        assert_eq!(selection.decision.action, Action::Deploy, "{seconds} s");
        let of = |verdict| selection.trials.iter().filter(|t| t.verdict == verdict).count();
        assert_eq!((of(Verdict::Valid), of(Verdict::Skipped)), (judged, 3 - judged));
        let slow = selection.trials.iter().find(|trial| trial.id == "slow").unwrap();
        let reason = slow.reason.as_deref().unwrap();
        let expected = if seconds < 60 { "the budget was used up" } else { "behind best after 8" };
        assert!(reason.starts_with(expected), "{seconds} s: {reason}");
    }
}

#[test]
fn a_budget_goes_where_it_may_change_the_choice_and_the_winner_is_measured_whole() {
    let names: Vec<String> = (0..12).map(|k| format!("m{k:02}")).collect();
    let zoo: Vec<(&str, u64, u64)> = (0..12)
        .map(|k| (names[k].as_str(), 1000 + 1000 * k as u64, if k == 3 { 100 } else { 50 }))
        .collect();
    let mut board = Board::with(&zoo);
    let budget = Some(std::time::Duration::from_secs(120));
    let request = umbra::agent::Request { budget, ..board.request() };
    let selection = select(&mut board.world, request, &mut ()).unwrap();
    assert_eq!(selection.decision.model.as_deref(), Some("m03"));
    let trial = |id: &str| selection.trials.iter().find(|trial| trial.id == id).unwrap();
    assert_eq!(trial("m03").verdict, Verdict::Valid);
    assert!(trial("m03").latency.unwrap().samples >= 64);
    let passed: Vec<_> =
        selection.trials.iter().filter(|trial| trial.verdict == Verdict::Skipped).collect();
    assert!(!passed.is_empty(), "{:?}", selection.trials);
    for trial in passed {
        assert!(trial.latency.is_none_or(|latency| latency.samples < 64), "{trial:?}");
        assert!(trial.reason.as_deref().unwrap().contains("m03"), "{trial:?}");
        assert!(trial.stage.is_none() && trial.advice.is_some());
    }
    // What was only glanced at is no record: the next run may look again.
    let records = std::fs::read_dir(board.state().join("trials")).unwrap().count();
    let valid = selection.trials.iter().filter(|t| t.verdict == Verdict::Valid).count();
    assert_eq!(records, valid);
}

#[test]
fn what_breaks_the_limit_costs_a_few_samples_and_says_so() {
    let mut board = Board::with(&[("fast", 1000, 50), ("slow", 40_000, 100)]);
    let mut request = board.request();
    request.budget = Some(std::time::Duration::from_secs(60));
    request.task.policy.limits.latency = Some(umbra::base::Micros(20_000.0));
    let selection = select(&mut board.world, request, &mut ()).unwrap();
    assert_eq!(selection.decision.model.as_deref(), Some("fast"));
    let slow = selection.trials.iter().find(|trial| trial.id == "slow").unwrap();
    assert_eq!(slow.verdict, Verdict::Suspect);
    assert!(slow.latency.unwrap().samples <= 12);
    assert!(slow.reason.as_deref().unwrap().starts_with("over the limit of 20.000 ms after "));
    let row = selection.ranking.rows.iter().find(|row| row.id == "slow").unwrap();
    assert_eq!(row.violations.len(), 1, "and the ranking by how much");
}

#[test]
fn a_dry_run_measures_and_does_not_deploy() {
    let mut board = Board::with(&ZOO);
    let request = umbra::agent::Request { dry_run: true, ..board.request() };
    let selection = select(&mut board.world, request, &mut ()).unwrap();
    assert_eq!(selection.decision.action, Action::Deploy);
    assert!(selection.deployment.is_none());
    assert_eq!(active(&board), None);
}

#[test]
fn candidates_that_cannot_be_used_are_rejected_by_name_and_the_rest_goes_on() {
    let mut board = Board::with(&ZOO);
    board.add("foreign", "Elu", 1, 100);
    std::fs::write(board.dir.path().join("zoo/broken.onnx"), b"no model").unwrap();
    let store = Store::open(board.state(), &RealFs).unwrap();
    let request = board.request();
    let held = request.zoo.iter().find(|c| c.id == "best").unwrap();
    let reason = "it took the board down".to_owned();
    let entry = Quarantined { sha256: held.sha256, model: held.id.clone(), reason, at: 1 };
    store.quarantine(&entry).unwrap();
    board.fate(|_, job| {
        let hangs = job.kind == "bench" && job.payload.windows(5).any(|w| w == b"bad u");
        hangs.then_some(Ended::OutOfMemory)
    });
    let selection = select(&mut board.world, request, &mut ()).unwrap();
    assert_eq!(selection.decision.model.as_deref(), Some("slow"));
    let why = |id: &str| {
        let trial = selection.trials.iter().find(|trial| trial.id == id).unwrap();
        assert_eq!(trial.verdict, Verdict::Rejected, "{id}");
        (trial.stage.unwrap(), trial.reason.clone().unwrap())
    };
    assert_eq!(why("foreign"), (Stage::Operators, "Elu not run by tract-cpu".to_owned()));
    assert_eq!(why("best").1, "in quarantine: it took the board down");
    assert_eq!(why("bad").0, Stage::Process);
    why("broken");
}

#[test]
fn one_that_was_refused_on_the_task_is_rejected_there_and_cheapness_does_not_help() {
    let mut board = Board::with(&ZOO);
    let crash = || Ended::Signal { signal: 11, stderr: String::new() };
    board.fate(move |_, job| {
        let fails = job.kind == "observe" && job.payload.windows(6).any(|w| w == b"best u");
        fails.then(crash)
    });
    let request = board.request();
    let selection = select(&mut board.world, request, &mut ()).unwrap();
    assert_ne!(selection.decision.model.as_deref(), Some("best"));
    let fallen = selection.trials.iter().find(|trial| trial.id == "best").unwrap();
    assert_eq!((fallen.verdict, fallen.stage), (Verdict::Rejected, Some(Stage::Observe)));
    assert!(fallen.reason.as_deref().unwrap().contains("SIGSEGV"), "{fallen:?}");
    assert!(fallen.advice.is_some());

    let mut nothing = Board::with(&ZOO);
    nothing.fate(move |_, job| (job.kind == "observe").then(crash));
    for _ in 0..2 {
        // The second time the trials come from the records.
        let request = nothing.request();
        let selection = select(&mut nothing.world, request, &mut ()).unwrap();
        assert_eq!(selection.decision.action, Action::None);
        assert!(selection.ranking.order.is_empty());
        let observed = |trial: &umbra::bench::Trial| trial.stage == Some(Stage::Observe);
        assert!(selection.trials.iter().all(observed), "{:?}", selection.trials);
        assert_eq!(active(&nothing), None);
    }
}

#[test]
fn a_limit_that_nobody_meets_keeps_the_running_model() {
    let mut board = Board::with(&ZOO);
    let request = board.request();
    select(&mut board.world, request, &mut ()).unwrap();
    let mut request = board.request();
    request.task.policy.limits.accuracy = Some(0.999);
    let selection = select(&mut board.world, request, &mut ()).unwrap();
    assert_eq!(selection.decision.action, Action::Fallback);
    assert_eq!(active(&board).as_deref(), Some("best"));
    let mut nothing = Board::with(&ZOO);
    let mut request = nothing.request();
    request.task.policy.limits.accuracy = Some(0.999);
    let selection = select(&mut nothing.world, request, &mut ()).unwrap();
    assert_eq!(selection.decision.action, Action::None);
    assert_eq!(active(&nothing), None);
}

#[test]
fn stopping_at_any_job_leaves_what_ran_before() {
    for before in [None, Some("slow")] {
        for nth in 0..7 {
            let mut board = Board::with(&ZOO[..1]);
            if before.is_some() {
                let request = board.request();
                select(&mut board.world, request, &mut ()).unwrap();
            }
            for (name, us, skill) in &ZOO[1..] {
                board.add(name, "Flatten", *us, *skill);
            }
            let request = umbra::agent::Request { fresh: true, ..board.request() };
            board.fate(move |job, _| (job == nth).then_some(Ended::Stopped));
            let stopped = select(&mut board.world, request, &mut ()).unwrap_err();
            assert!(matches!(stopped, AgentError::Stopped), "{nth}: {stopped}");
            assert_eq!(board.jobs().len(), nth + 1, "nothing is started after the stop");
            assert_eq!(active(&board).as_deref(), before);
            board.fate(|_, _| None);
            let request = board.request();
            select(&mut board.world, request, &mut ()).unwrap();
            assert_eq!(active(&board).as_deref(), Some("best"));
        }
    }
}

#[test]
fn a_model_that_fails_its_last_check_is_not_deployed() {
    let mut board = Board::with(&ZOO);
    let crash = Ended::Signal { signal: 4, stderr: String::new() };
    board.fate(move |_, job| (job.kind == "classify").then(|| crash.clone()));
    let request = board.request();
    let error = select(&mut board.world, request, &mut ()).unwrap_err();
    let AgentError::Model { model, rejection: Rejection { reason, .. } } = &error else {
        panic!("{error}");
    };
    assert_eq!(model, "best");
    assert!(reason.contains("SIGILL"), "{reason}");
    assert_eq!(active(&board), None);
}

#[test]
fn new_samples_refit_the_head_of_the_model_that_stays() {
    let mut board = Board::with(&ZOO);
    let request = board.request();
    select(&mut board.world, request, &mut ()).unwrap();
    let store = Store::open(board.state(), &RealFs).unwrap();
    let first = store.active().unwrap().unwrap();
    let request = umbra::agent::Request { task: task(10), ..board.request() };
    let again = select(&mut board.world, request, &mut ()).unwrap();
    let decision = &again.decision;
    assert_eq!((decision.action, again.reused), (Action::Keep, 3), "{}", decision.reason);
    let second = store.active().unwrap().unwrap();
    assert_eq!(second.installed.id, "best");
    // The manifest holds the accuracy on these samples, so the address differs.
    let measured = |index: usize| again.evidence[index].accuracy().unwrap().value;
    assert_eq!(second.installed.accuracy, Some(measured(1)));
    assert!(again.deployment.is_some() && first.address != second.address);
}

#[test]
fn two_agents_at_once_the_second_says_who_is_the_first() {
    let mut board = Board::with(&ZOO);
    let store = Store::open(board.state(), &RealFs).unwrap();
    let _held = store.lock("umbra select").unwrap();
    let request = board.request();
    let error = select(&mut board.world, request, &mut ()).unwrap_err();
    assert!(error.to_string().contains("(umbra select)"), "{error}");
    assert!(matches!(error, AgentError::Store(StoreError::Locked { .. })));
    assert!(board.jobs().is_empty(), "nothing is measured beside another agent");
}

/// A board whose store is on this kind of disk and holds `slow`, before `best` comes.
fn on_a_disk() -> (Board, FaultFs) {
    let mut board = Board::with(&ZOO[..1]);
    let disk = FaultFs::default();
    board.world.fs = Box::new(disk.clone());
    let request = board.request();
    select(&mut board.world, request, &mut ()).unwrap();
    board.add("best", "Flatten", 400, 80);
    (board, disk)
}

fn active_on(board: &Board, disk: &FaultFs) -> String {
    let store = Store::open(board.state(), disk).unwrap();
    store.active().unwrap().unwrap().installed.id
}

#[test]
fn a_full_disk_while_deploying_loses_nothing() {
    let (mut board, disk) = on_a_disk();
    disk.set_free(100_000);
    let request = board.request();
    let error = select(&mut board.world, request, &mut ()).unwrap_err();
    assert!(matches!(error, AgentError::Store(StoreError::Full { .. })), "{error}");
    assert_eq!(active_on(&board, &disk), "slow");
    disk.set_free(1 << 20);
    let request = board.request();
    select(&mut board.world, request, &mut ()).unwrap();
    assert_eq!(active_on(&board, &disk), "best");
}

#[test]
fn whichever_change_fails_or_is_cut_the_old_or_the_new_model_runs() {
    let (mut board, before) = on_a_disk();
    let counted = before.copy(Fault::None);
    board.world.fs = Box::new(counted.clone());
    let request = board.request();
    select(&mut board.world, request, &mut ()).unwrap();
    assert!(counted.changes() > 15, "{}", counted.changes());
    for at in 0..counted.changes() {
        for fault in [Fault::Full(at), Fault::Cut(at)] {
            let disk = before.copy(fault);
            board.world.fs = Box::new(disk.clone());
            let request = board.request();
            let done = select(&mut board.world, request, &mut ());
            disk.power_cycle(Lost::Everything);
            let now = active_on(&board, &disk);
            let deployed = done.is_ok_and(|selection| selection.deployment.is_some());
            assert!(now == "best" || (now == "slow" && !deployed), "{fault:?}: {now}");
        }
    }
}

#[test]
fn a_model_can_be_deployed_by_hand() {
    let mut board = Board::with(&ZOO);
    let request = board.request();
    assert_eq!(deploy(&mut board.world, request, "bad", &mut ()).unwrap().model, "bad");
    assert_eq!(active(&board).as_deref(), Some("bad"));
    let request = board.request();
    let unknown = deploy(&mut board.world, request, "nobody", &mut ()).unwrap_err();
    assert!(matches!(unknown, AgentError::Unknown(name) if name == "nobody"));
}

#[test]
fn a_model_of_another_task_has_no_claim_to_stay() {
    let mut board = Board::with(&ZOO);
    let request = board.request();
    deploy(&mut board.world, request, "slow", &mut ()).unwrap();
    let mut request = board.request();
    request.task.labels[0] = "nought".to_owned();
    request.task.digest = Digest::of(b"other labels");
    let selection = select(&mut board.world, request, &mut ()).unwrap();
    assert_eq!(selection.incumbent, None);
    assert_eq!(selection.decision.action, Action::Deploy);
}

#[test]
fn infer_runs_in_a_worker_and_in_process_only_where_none_can_be_started() {
    let mut board = Board::with(&ZOO);
    let model = board.request().zoo[0].read().unwrap();
    let inputs = BTreeMap::from([("x".to_owned(), Tensor::from_f32(vec![1, 1, 4, 4], &[0.0; 16]))]);
    let outputs = infer(&board.world, "bad", &model, &inputs).unwrap();
    assert_eq!(board.jobs(), ["infer"]);
    assert_eq!(outputs["features"].shape, [1, 16]);
    board.fate(|_, _| Some(Ended::NotStarted("exec format error".to_owned())));
    assert_eq!(infer(&board.world, "bad", &model, &inputs).unwrap(), outputs);
    board.fate(|_, _| Some(Ended::OutOfMemory));
    let error = infer(&board.world, "bad", &model, &inputs).unwrap_err();
    assert!(matches!(error, AgentError::Model { .. }), "{error}");
    board.world.engines.clear();
    assert!(matches!(infer(&board.world, "bad", &model, &inputs), Err(AgentError::NoEngine)));
}

#[test]
fn speeds_are_measured_once_and_only_where_something_is_to_be_measured() {
    let mut board = Board::with(&ZOO);
    let gauging = |board: &Board| umbra::agent::Request {
        probes: umbra::model::probes,
        dry_run: true,
        ..board.request()
    };
    let bench = |board: &Board| board.jobs().iter().filter(|job| *job == "bench").count();
    // Nothing may be measured, so nothing is gauged.
    let budget = Some(std::time::Duration::ZERO);
    let look = umbra::agent::Request { budget, ..gauging(&board) };
    let blind = select(&mut board.world, look.clone(), &mut ()).unwrap();
    assert!(blind.speeds.is_empty() && bench(&board) == 0);
    // This clock lets few probes into three seconds; those that the rest needs come first.
    let request = gauging(&board);
    let first = select(&mut board.world, request, &mut ()).unwrap();
    assert_eq!(first.speeds.len(), 1);
    assert!(bench(&board) > 3 + 2, "three candidates, and probes");
    let told = select(&mut board.world, look, &mut ()).unwrap();
    assert_eq!(told.speeds, first.speeds, "from the record");
    assert!(bench(&board) == 0);
    let again = umbra::agent::Request { fresh: true, ..gauging(&board) };
    select(&mut board.world, again, &mut ()).unwrap();
    assert!(bench(&board) > 3 + 2, "fresh gauges again");
    // A budget too short for probes is spent on the candidates.
    let mut short = Board::with(&ZOO);
    let budget = Some(std::time::Duration::from_secs(3));
    let request = umbra::agent::Request { budget, ..gauging(&short) };
    assert!(select(&mut short.world, request, &mut ()).unwrap().speeds.is_empty());
}
