//! The store under power cuts, full disks and two writers.
//!
//! The kill table runs every operation with a fault at every one of its changes, in every
//! mode, and looks at what is there after the restart: exactly one loadable model, the old
//! or the new one, never neither; and the new one where the operation had said "done". Two
//! more tests make the disk lie about syncing: the table must then find violations, or it
//! proves nothing.

use std::path::{Path, PathBuf};

use umbra::base::fs_fault::{Fault, FaultFs, Forgets, Lost};
use umbra::base::{Digest, Fs as _, RealFs};
use umbra::bench::{Conditions, Trial, TrialKey, Verdict};
use umbra::deploy::{Installed, Package, Store, StoreError, TRIES};
use umbra::model::{
    Affinity, Config, Golden, Head, Layout, Manifest, Outputs, Preprocess, SourceTask,
};
use umbra::task::{Estimate, Evidence, Scores};

use crate::rank::scored;

const ROOT: &str = "/var/lib/umbra";

pub(crate) fn package(id: &str, head_bias: Option<f32>) -> Package {
    let model = format!("onnx bytes of {id}, {}", "x".repeat(300)).into_bytes();
    let sha256 = Digest::of(&model);
    let labels: Vec<String> = ["zero", "one"].map(str::to_owned).to_vec();
    let preprocess = Preprocess {
        layout: Layout::Nchw,
        channels: 1,
        height: 32,
        width: 32,
        mean: vec![127.5],
        std: vec![0.1 + 0.2],
    };
    let manifest = Manifest {
        behaviour: None,
        schema: 1,
        prior: None,
        id: id.to_owned(),
        family: "resnet8".to_owned(),
        licence: "MIT".to_owned(),
        sha256,
        source: Some(SourceTask {
            task: "letters".to_owned(),
            labels: vec!["a".to_owned(), "b \"quoted\"".to_owned()],
            dataset: None,
            accuracy_float: Some(0.9),
            accuracy_int8: None,
            samples: Some(1000),
        }),
        preprocess: Some(preprocess.clone()),
        outputs: Some(Outputs { features: Some("feat".to_owned()), scores: None }),
        golden: vec![Golden { seed: 7, tolerance: 1e-4, logits: None, features: Some(vec![0.1]) }],
    };
    let head = head_bias.map(|bias| Head {
        labels: labels.clone(),
        features: 2,
        weights: vec![0.25, -1.5, 3.0, f32::MIN_POSITIVE],
        bias: vec![bias, 0.0],
    });
    let installed = Installed {
        id: id.to_owned(),
        sha256,
        config: Config {
            engine: "tract-cpu".to_owned(),
            threads: 1,
            affinity: Affinity::Cpus(vec![0, 2]),
        },
        task: "meter".to_owned(),
        labels,
        output: "feat".to_owned(),
        preprocess: Some(preprocess),
        manifest: Some(manifest),
        head,
        accuracy: Some(0.875),
    };
    Package { model, installed }
}

fn store(disk: &FaultFs) -> Store<'_> {
    Store::open(ROOT.into(), disk).unwrap()
}

/// What is active, as a whole package.
fn active(disk: &FaultFs) -> Result<Option<Package>, StoreError> {
    match store(disk).active_model() {
        Ok((installed, model)) => Ok(Some(Package { model, installed })),
        Err(StoreError::Nothing) => Ok(None),
        Err(error) => Err(error),
    }
}

type Operation = fn(&Store<'_>) -> Result<(), StoreError>;

/// One row of the table: a disk before, an operation, and what is active after it.
struct Case {
    name: &'static str,
    before: FaultFs,
    operation: Operation,
    after: Option<Package>,
}

fn disk_with(packages: &[Package]) -> FaultFs {
    let disk = FaultFs::default();
    for package in packages {
        store(&disk).apply(package, "a test", 1).unwrap();
    }
    disk
}

fn cases() -> Vec<Case> {
    let (old, new) = (package("old", Some(0.5)), package("new", None));
    let refit = package("old", Some(0.75));
    let both = || disk_with(&[old.clone(), new.clone()]);
    let damaged = both();
    let address = store(&damaged).active().unwrap().unwrap().path;
    damaged.write_synced(&address.join("model.onnx"), b"rot").unwrap();
    let row = |name, before, operation: Operation, after: &Package| Case {
        name,
        before,
        operation,
        after: Some(after.clone()),
    };
    vec![
        row("first deployment", FaultFs::default(), |s| deploy(s, "new", None), &new),
        row(
            "second deployment",
            disk_with(std::slice::from_ref(&old)),
            |s| deploy(s, "new", None),
            &new,
        ),
        row(
            "third deployment collects",
            both(),
            |s| deploy(s, "third", None),
            &package("third", None),
        ),
        row(
            "another head",
            disk_with(std::slice::from_ref(&old)),
            |s| deploy(s, "old", Some(0.75)),
            &refit,
        ),
        row(
            "the same again",
            disk_with(std::slice::from_ref(&old)),
            |s| deploy(s, "old", Some(0.5)),
            &old,
        ),
        row("rollback", both(), |s| s.rollback(2).map(drop), &old),
        row("giving up", both(), |s| s.give_up("it hangs", 2).map(drop), &old),
        row("commit", both(), |s| s.commit(), &new),
        row("keep", both(), |s| s.keep("still best", 2), &new),
        row("counting a try", both(), |s| s.count_try().map(drop), &new),
        row("pin", both(), |s| s.pin(true), &new),
        row("repair of a damaged model", damaged, |s| s.repair(2).map(drop), &old),
        row("a record", both(), |s| s.save_trial(&trial("new")), &new),
    ]
}

fn deploy(store: &Store<'_>, id: &str, head: Option<f32>) -> Result<(), StoreError> {
    store.apply(&package(id, head), "a test", 2).map(drop)
}

const LOSSES: [Lost; 6] =
    [Lost::Everything, Lost::Nothing, Lost::Some(1), Lost::Some(2), Lost::Some(3), Lost::Some(4)];

/// What is remembered beside the model: confirmed, tries, previous, actions of the history.
fn memory(disk: &FaultFs) -> Option<(bool, u32, Option<String>, Vec<String>)> {
    let status = store(disk).status().ok()?;
    let actions = store(disk).history(100).into_iter().map(|line| line.action).collect();
    Some((status.committed, status.tries_left, status.previous, actions))
}

/// Runs one case with one fault; every broken promise as one line.
fn suffer(case: &Case, fault: Fault, lost: Lost) -> Vec<String> {
    let mut broken = Vec::new();
    let old = active(&case.before).unwrap_or(None);
    let whole = case.before.copy(Fault::None);
    (case.operation)(&store(&whole)).unwrap();
    let disk = case.before.copy(fault);
    let done = Store::open(ROOT.into(), &disk).and_then(|store| (case.operation)(&store));
    if !matches!(fault, Fault::Cut(_)) {
        match active(&disk) {
            Ok(found) if found == old || found == case.after => {}
            // Damage that was there before may still be there where the repair failed.
            Err(_) if active(&case.before).is_err() && done.is_err() => {}
            found => broken.push(format!("without a restart: {:?}", id(found))),
        }
    }
    disk.power_cycle(lost);
    let repaired = Store::open(ROOT.into(), &disk).and_then(|store| store.repair(3));
    let found = active(&disk);
    match (&repaired, &found) {
        (Err(error), _) => broken.push(format!("the start fails: {error}")),
        (Ok(_), Ok(found)) if done.is_ok() && *found != case.after => {
            broken.push(format!("done is undone: {:?}", id(Ok(found.clone()))));
        }
        (Ok(_), Ok(_)) if done.is_ok() && memory(&disk) != memory(&whole) => {
            broken.push(format!("done is forgotten: {:?}", memory(&disk)));
        }
        (Ok(_), Ok(_)) if ![memory(&case.before), memory(&whole)].contains(&memory(&disk)) => {
            broken.push(format!("half is remembered: {:?}", memory(&disk)));
        }
        (Ok(_), Ok(found)) if *found == old || *found == case.after => {}
        (Ok(_), found) => broken.push(format!("neither: {:?}", found.as_ref().map(|_| ()))),
    }
    // Whoever was left for harm is in quarantine, whenever the power went.
    let left = case.name == "giving up" && found.as_ref().is_ok_and(|found| *found == case.after);
    if left && store(&disk).quarantined().is_empty() {
        broken.push("given up and not in quarantine".to_owned());
    }
    let again = (case.operation)(&store(&disk));
    let settled = active(&disk);
    let undone = matches!(case.name, "rollback" | "giving up") && again.is_err();
    let toggled = case.name == "rollback" && settled.as_ref().is_ok_and(Option::is_some);
    if !undone && !toggled && (again.is_err() || settled.ok() != Some(case.after.clone())) {
        broken.push(format!("trying again fails: {again:?}"));
    }
    broken.into_iter().map(|what| format!("{}, {fault:?}, {lost:?}: {what}", case.name)).collect()
}

fn id(found: Result<Option<Package>, StoreError>) -> String {
    match found {
        Ok(found) => found.map_or("nothing".to_owned(), |package| package.installed.id),
        Err(error) => error.to_string(),
    }
}

/// Every case, every change, every mode; the number of runs and what broke.
fn kill_table(forgets: Option<Forgets>) -> (usize, Vec<String>) {
    let (mut runs, mut broken) = (0, Vec::new());
    for case in cases() {
        if let Some(which) = forgets {
            case.before.forget_syncs(which);
        }
        let counting = case.before.copy(Fault::None);
        (case.operation)(&store(&counting)).unwrap();
        let changes = counting.changes();
        assert!(changes > 0, "{} changes nothing", case.name);
        for at in 0..=changes {
            for fault in [Fault::Once(at), Fault::Full(at), Fault::Cut(at)] {
                for lost in LOSSES {
                    broken.extend(suffer(&case, fault, lost));
                    runs += 1;
                }
            }
        }
    }
    (runs, broken)
}

#[test]
fn a_cut_or_a_full_disk_at_any_change_leaves_the_old_or_the_new_model() {
    let (runs, broken) = kill_table(None);
    assert!(broken.is_empty(), "{} of {runs}:\n{}", broken.len(), broken.join("\n"));
    assert!(runs > 1000, "the table has only {runs} runs");
}

#[test]
fn the_table_notices_a_disk_that_does_not_sync_files() {
    assert!(kill_table(Some(Forgets::Files)).1.len() > 10);
}

#[test]
fn the_table_notices_a_disk_that_does_not_sync_folders() {
    assert!(kill_table(Some(Forgets::Folders)).1.len() > 10);
}

#[test]
fn the_first_deployment_ever_fails_into_nothing_deployed() {
    let disk = FaultFs::default().copy(Fault::Full(4));
    store(&disk).apply(&package("new", None), "a test", 1).unwrap_err();
    assert_eq!(store(&disk).repair(2).unwrap(), None);
    let status = store(&disk).status().unwrap();
    assert_eq!((status.current, status.previous), (None, None));
    assert!(store(&disk).history(10).is_empty());
    assert!(matches!(store(&disk).rollback(3), Err(StoreError::Nothing)));
}

#[test]
fn no_byte_is_written_where_there_is_not_enough_space() {
    let disk = disk_with(&[package("old", None)]).copy(Fault::None);
    disk.set_free(1000);
    let full = store(&disk).apply(&package("new", None), "a test", 2).unwrap_err();
    assert!(matches!(full, StoreError::Full { free: 1000, .. }), "{full}");
    assert_eq!(disk.changes(), 0);
    assert_eq!(id(active(&disk)), "old");
}

#[test]
fn what_was_put_in_comes_out_and_can_be_read_by_people() {
    let disk = disk_with(&[package("old", Some(0.5))]);
    assert_eq!(active(&disk).unwrap(), Some(package("old", Some(0.5))));
    let found = store(&disk).active().unwrap().unwrap();
    assert_eq!((found.generation, found.committed, found.tries_left), (1, false, TRIES));
    let text = String::from_utf8(disk.read(&found.path.join("manifest.toml")).unwrap()).unwrap();
    for line in ["schema = 1", "id = \"old\"", "task = \"meter\"", "accuracy = 0.875"] {
        assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
    }
    let link = disk.read_link(&Path::new(ROOT).join("current")).unwrap();
    assert_eq!(Path::new(ROOT).join(link), found.path);
}

#[test]
fn history_says_what_happened_newest_first_and_does_not_repeat_itself() {
    let disk = disk_with(&[package("old", None), package("new", None)]);
    let store = store(&disk);
    store.keep("still best", 3).unwrap();
    let changes = disk.changes();
    store.keep("still best", 4).unwrap();
    assert_eq!(disk.changes(), changes, "the same note is not written again");
    store.rollback(5).unwrap();
    let lines: Vec<String> = store
        .history(10)
        .into_iter()
        .map(|line| format!("{} {} {} {}", line.generation, line.at, line.action, line.model))
        .collect();
    assert_eq!(lines, ["4 5 rollback old", "3 3 keep new", "2 1 deploy new", "1 1 deploy old"]);
    assert_eq!(store.history(1).len(), 1);
    for at in 0..150 {
        store.keep(&format!("for the {at}th time"), at).unwrap();
    }
    assert_eq!(store.history(1000).len(), 100);
}

#[test]
fn rollback_goes_back_and_returns_and_refuses_a_broken_target() {
    let disk = disk_with(&[package("old", None)]);
    assert!(matches!(store(&disk).rollback(2), Err(StoreError::NoPrevious)));
    let disk = disk_with(&[package("old", None), package("new", None)]);
    assert_eq!(store(&disk).rollback(2).unwrap().model, "old");
    assert_eq!(store(&disk).status().unwrap().previous.as_deref(), Some("new"));
    assert_eq!(store(&disk).rollback(3).unwrap().model, "new");
    let target = store(&disk).address(&package("old", None)).unwrap();
    let target = Path::new(ROOT).join("models").join(target.hex()).join("model.onnx");
    disk.write_synced(&target, b"rot").unwrap();
    assert!(matches!(store(&disk).rollback(4), Err(StoreError::Damaged { .. })));
    assert_eq!(id(active(&disk)), "new");
}

#[test]
fn a_model_that_was_given_up_is_quarantined_and_not_returned_to() {
    let disk = disk_with(&[package("old", None), package("new", None)]);
    let store = store(&disk);
    assert_eq!(store.give_up("it hangs the board", 9).unwrap().model, "old");
    let held = store.quarantined();
    assert_eq!(held.len(), 1);
    assert_eq!((held[0].model.as_str(), held[0].reason.as_str()), ("new", "it hangs the board"));
    assert!(matches!(store.rollback(10), Err(StoreError::NoPrevious)));
    assert!(store.active().unwrap().unwrap().committed);
    assert!(store.unquarantine(held[0].sha256).unwrap());
    assert!(!store.unquarantine(held[0].sha256).unwrap());
    assert!(store.quarantined().is_empty());
}

#[test]
fn tries_are_counted_down_and_a_commit_ends_the_counting() {
    let disk = disk_with(&[package("old", None)]);
    let store = store(&disk);
    assert_eq!(store.count_try().unwrap(), TRIES - 1);
    assert_eq!(store.count_try().unwrap(), TRIES - 2);
    store.commit().unwrap();
    let status = store.status().unwrap();
    assert_eq!((status.committed, status.tries_left), (true, 0));
}

#[test]
fn only_current_previous_pinned_and_leased_models_stay_in_the_store() {
    let disk = disk_with(&[package("a", None)]);
    let store = store(&disk);
    assert!(!store.status().unwrap().pinned);
    store.pin(true).unwrap();
    assert!(store.status().unwrap().pinned);
    store.apply(&package("b", None), "a test", 2).unwrap();
    let lease = store.address(&package("b", None)).unwrap().hex();
    disk.create_dir_all(&Path::new(ROOT).join("leases")).unwrap();
    disk.write_synced(&Path::new(ROOT).join("leases").join(format!("77-{lease}")), b"").unwrap();
    for id in ["c", "d", "e"] {
        store.apply(&package(id, None), "a test", 3).unwrap();
    }
    let mut wanted: Vec<PathBuf> = ["a", "b", "d", "e"]
        .map(|id| store.address(&package(id, None)).unwrap().hex())
        .map(|name| Path::new(ROOT).join("models").join(name))
        .to_vec();
    wanted.sort();
    assert_eq!(disk.list(&Path::new(ROOT).join("models")).unwrap(), wanted);
}

#[test]
fn leftovers_and_nonsense_in_the_store_are_swept_or_ignored() {
    let disk = disk_with(&[package("old", None)]);
    let root = Path::new(ROOT);
    disk.create_dir_all(&root.join("models/.deadbeef.tmp/sub")).unwrap();
    disk.write_synced(&root.join(".state.a.tmp"), b"half").unwrap();
    disk.write_synced(&root.join("state.a"), b"nonsense").unwrap();
    disk.write_synced(&root.join("state.b"), b"").unwrap();
    let found = store(&disk).repair(5).unwrap().unwrap();
    assert_eq!(found.installed.id, "old");
    assert!(!disk.exists(&root.join(".state.a.tmp")));
    assert!(!disk.exists(&root.join("models/.deadbeef.tmp")));
    store(&disk).apply(&package("new", None), "a test", 6).unwrap();
    assert_eq!(store(&disk).rollback(7).unwrap().model, "old");
}

#[test]
fn a_link_to_nowhere_with_no_other_model_is_nothing_deployed() {
    let disk = disk_with(&[package("old", None)]);
    disk.remove_dir_all(&Path::new(ROOT).join("models")).unwrap();
    assert!(matches!(store(&disk).active(), Err(StoreError::Damaged { .. })));
    assert_eq!(store(&disk).repair(5).unwrap(), None);
    assert_eq!(store(&disk).active().unwrap(), None);
}

#[test]
fn only_valid_records_of_the_same_key_are_found_again() {
    let disk = FaultFs::default();
    let store = store(&disk);
    store.save_trial(&trial("a")).unwrap();
    assert_eq!(store.trial(&trial("a").key), Some(trial("a")));
    assert_eq!(store.trial(&TrialKey { kernel: "6.6".to_owned(), ..trial("a").key }), None);
    let suspect = Trial { verdict: Verdict::Suspect, ..trial("b") };
    store.save_trial(&suspect).unwrap();
    assert_eq!(store.trial(&suspect.key), None);
    let evidence = evidence("a");
    let (sha, task) = (evidence.sha256, evidence.task);
    let (one, other) = (Digest::of(b"one"), Digest::of(b"other"));
    store.save_evidence(&evidence, one).unwrap();
    assert_eq!(store.evidence(sha, task, one), Some(evidence));
    assert_eq!(store.evidence(sha, task, other), None);
    assert_eq!(store.evidence(task, sha, one), None);
    let record = Path::new(ROOT).join("trials").join(trial("a").key.digest().hex());
    disk.write_synced(&record, b"rot").unwrap();
    assert_eq!(store.trial(&trial("a").key), None);
}

#[test]
fn the_second_writer_learns_who_is_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("state");
    let first = Store::open(root.clone(), &RealFs).unwrap();
    let held = first.lock("umbra select").unwrap();
    let refused = Store::open(root, &RealFs).unwrap().lock("umbra rollback").unwrap_err();
    let holder = format!("process {} (umbra select)", std::process::id());
    assert!(matches!(&refused, StoreError::Locked { holder: h } if *h == holder), "{refused}");
    drop(held);
    first.lock("umbra rollback").unwrap();
}

#[test]
fn the_real_file_system_keeps_the_same_promises() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("not/there/yet");
    let store = Store::open(root.clone(), &RealFs).unwrap();
    assert_eq!(store.active().unwrap(), None);
    assert!(!root.exists(), "opening writes nothing");
    store.apply(&package("old", Some(0.5)), "a test", 1).unwrap();
    store.apply(&package("new", None), "a test", 2).unwrap();
    store.rollback(3).unwrap();
    let (installed, model) = store.active_model().unwrap();
    assert_eq!(Package { model, installed }, package("old", Some(0.5)));
    assert!(std::fs::canonicalize(root.join("current")).unwrap().join("model.onnx").is_file());
    assert!(store.status().unwrap().free_bytes.is_some());
    assert!(Store::open(root.join("state.a"), &RealFs).is_err(), "a file is no store");
}

pub(crate) fn trial(id: &str) -> Trial {
    let key = TrialKey {
        sha256: Digest::of(id.as_bytes()),
        config_id: "tract-cpu/t1/any".to_owned(),
        engine: "0.23 avx2".to_owned(),
        fingerprint: Digest::of(b"board"),
        kernel: "6.12".to_owned(),
        power: "performance".to_owned(),
        outputs: "feat+head2".to_owned(),
    };
    Trial {
        id: id.to_owned(),
        key,
        verdict: Verdict::Valid,
        stage: None,
        reason: None,
        advice: None,
        latency: None,
        load: None,
        optimise: None,
        first: None,
        peak_rss: None,
        private: None,
        energy: None,
        convolutions: Some((3, 1)),
        conditions: Conditions::default(),
        at: 1,
    }
}

pub(crate) fn evidence(id: &str) -> Evidence {
    let estimate = Estimate { value: 0.8, low: 0.7, high: 0.9 };
    Evidence {
        id: id.to_owned(),
        sha256: Digest::of(id.as_bytes()),
        task: Digest::of(b"task"),
        own_accuracy: None,
        head_accuracy: Some(estimate),
        fit: None,
        head: package(id, Some(0.5)).installed.head,
        scores: Scores { logme: Ok(scored(0.8, 0.1)), ..Scores::none("none") },
        preprocess: None,
        undefined: None,
        forward: None,
    }
}

#[test]
fn the_folder_of_a_new_store_outlives_a_power_cut() {
    // The lock itself is on the real disk, so the store must be at a real place too.
    let dir = tempfile::tempdir().unwrap();
    let (disk, root) = (FaultFs::default(), dir.path().join("var/umbra"));
    drop(Store::open(root.clone(), &disk).unwrap().lock("test").unwrap());
    disk.power_cycle(Lost::Everything);
    assert!(disk.exists(&root));
}
