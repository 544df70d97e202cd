//! The boot: the last good model first, ready only then, never without a model where one
//! exists.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use umbra::agent::{AgentError, Notify, Systemd, boot, select};
use umbra::base::RealFs;
use umbra::child::Ended;
use umbra::decide::Action;
use umbra::deploy::{Quarantined, Store, StoreError, TRIES};

use crate::world::Board;

const ZOO: [(&str, u64, u64); 2] = [("slow", 9000, 80), ("bad", 12_000, 20)];

/// Writes down what it is told.
#[derive(Default)]
struct Journal(Vec<String>);

impl Notify for Journal {
    fn ready(&mut self) {
        self.0.push("READY".to_owned());
    }
    fn status(&mut self, text: &str) {
        self.0.push(text.to_owned());
    }
    fn watchdog(&mut self) {
        self.0.push("WATCHDOG".to_owned());
    }
}

impl Journal {
    fn at(&self, text: &str) -> usize {
        let found = self.0.iter().position(|line| line.contains(text));
        found.unwrap_or_else(|| panic!("{text} is not in {:?}", self.0))
    }
}

fn store(board: &Board) -> Store<'static> {
    Store::open(board.state(), &RealFs).unwrap()
}

fn active(board: &Board) -> Option<String> {
    store(board).active().unwrap().map(|active| active.installed.id)
}

/// A board on which `slow` was chosen.
fn settled() -> Board {
    let mut board = Board::with(&ZOO);
    let request = board.request();
    select(&mut board.world, request, &mut ()).unwrap();
    assert_eq!(active(&board).as_deref(), Some("slow"));
    board
}

#[test]
fn the_model_is_active_before_the_board_is_ready_and_ready_before_anything_is_measured() {
    let mut board = settled();
    board.add("best", "Flatten", 400, 80);
    let mut journal = Journal::default();
    let request = board.request();
    let selection = boot(&mut board.world, request, &mut journal, &mut ()).unwrap();
    assert_eq!(selection.decision.model.as_deref(), Some("best"));
    assert!(journal.at("slow runs") < journal.at("READY"));
    assert!(journal.at("READY") < journal.at("bench 1 of 1: best"));
    assert_eq!(journal.0.iter().filter(|line| *line == "READY").count(), 1);
    assert_eq!(journal.0.last().unwrap(), &selection.decision.reason);
}

#[test]
fn a_board_without_a_model_is_ready_when_that_is_certain_and_then_gets_one() {
    let mut board = Board::with(&ZOO);
    let mut journal = Journal::default();
    let request = board.request();
    boot(&mut board.world, request, &mut journal, &mut ()).unwrap();
    assert!(journal.at("no model yet") < journal.at("READY"));
    assert_eq!(active(&board).as_deref(), Some("slow"));
}

#[test]
fn the_watchdog_is_petted_while_workers_run_and_not_ten_times_a_second() {
    let mut board = Board::with(&ZOO);
    let mut journal = Journal::default();
    let request = board.request();
    let begun = board.world.clock.now();
    boot(&mut board.world, request, &mut journal, &mut ()).unwrap();
    let seconds = (board.world.clock.now() - begun).as_secs();
    let pets = journal.0.iter().filter(|line| *line == "WATCHDOG").count() as u64;
    assert!(seconds >= 4, "the workers took {seconds} s");
    assert!(pets >= 2 && pets <= seconds / 2 + 1, "{pets} in {seconds} s");
}

#[test]
fn an_unconfirmed_model_that_works_is_confirmed() {
    let mut board = settled();
    assert!(!store(&board).status().unwrap().committed);
    let request = board.request();
    boot(&mut board.world, request, &mut Journal::default(), &mut ()).unwrap();
    assert!(store(&board).status().unwrap().committed);
    board.jobs();
    let request = board.request();
    boot(&mut board.world, request, &mut Journal::default(), &mut ()).unwrap();
    assert!(board.jobs().is_empty(), "a confirmed one is not tried again");
}

/// `slow` is confirmed, `best` was deployed over it and is not.
fn doubtful() -> Board {
    let mut board = settled();
    store(&board).commit().unwrap();
    board.add("best", "Flatten", 400, 80);
    let request = board.request();
    select(&mut board.world, request, &mut ()).unwrap();
    assert_eq!(active(&board).as_deref(), Some("best"));
    board
}

#[test]
fn an_unconfirmed_model_that_crashes_is_given_up_and_not_chosen_again() {
    let mut board = doubtful();
    board.fate(|nth, _| (nth == 0).then_some(Ended::OutOfMemory));
    let mut journal = Journal::default();
    let request = board.request();
    let selection = boot(&mut board.world, request, &mut journal, &mut ()).unwrap();
    assert!(journal.at("slow runs") < journal.at("READY"));
    assert_eq!(selection.decision.action, Action::Keep);
    assert_eq!(active(&board).as_deref(), Some("slow"));
    let held = store(&board).quarantined();
    assert_eq!(held[0].model, "best");
    assert!(held[0].reason.contains("out of memory"), "{}", held[0].reason);
}

#[test]
fn a_model_that_takes_the_board_down_at_every_start_is_given_up_after_its_tries() {
    let mut board = doubtful();
    for start in 0..TRIES {
        // The board goes down while the model is tried: all that is left is what was
        // written before.
        board.fate(|_, _| Some(Ended::Stopped));
        let request = board.request();
        let error = boot(&mut board.world, request, &mut Journal::default(), &mut ()).unwrap_err();
        assert!(matches!(error, AgentError::Stopped));
        assert_eq!(active(&board).as_deref(), Some("best"), "start {start}");
    }
    board.fate(|_, _| None);
    let request = board.request();
    boot(&mut board.world, request, &mut Journal::default(), &mut ()).unwrap();
    assert_eq!(active(&board).as_deref(), Some("slow"));
    assert!(board.jobs().is_empty(), "it is not tried a fourth time");
}

/// The power went between the two writes of giving up.
#[test]
fn a_giving_up_that_was_cut_off_is_finished_at_the_next_start() {
    let mut board = doubtful();
    let sha256 = store(&board).active().unwrap().unwrap().installed.sha256;
    let (model, reason) = ("best".to_owned(), "it hangs the board".to_owned());
    store(&board).quarantine(&Quarantined { sha256, model, reason, at: 1 }).unwrap();
    board.jobs();
    let mut journal = Journal::default();
    let request = board.request();
    boot(&mut board.world, request, &mut journal, &mut ()).unwrap();
    assert!(journal.at("slow runs") < journal.at("READY"));
    assert_eq!(active(&board).as_deref(), Some("slow"));
    assert!(board.jobs().is_empty(), "it is not tried again");
    let line = &store(&board).history(10)[1];
    assert_eq!((line.action.as_str(), line.reason.as_str()), ("rollback", "it hangs the board"));
}

#[test]
fn the_only_model_stays_although_it_fails() {
    let mut board = settled();
    let mut journal = Journal::default();
    let crash = Ended::Failed { code: 1, stderr: "no".to_owned() };
    board.fate(move |_, job| (job.kind == "classify").then(|| crash.clone()));
    let request = board.request();
    boot(&mut board.world, request, &mut journal, &mut ()).unwrap();
    assert!(journal.at("slow runs") < journal.at("READY"));
    assert_eq!(active(&board).as_deref(), Some("slow"));
}

#[test]
fn a_damaged_model_is_replaced_by_the_one_before_it() {
    let mut board = doubtful();
    let path = store(&board).active().unwrap().unwrap().path;
    std::fs::write(path.join("model.onnx"), b"rot").unwrap();
    let mut journal = Journal::default();
    let request = board.request();
    boot(&mut board.world, request, &mut journal, &mut ()).unwrap();
    assert!(journal.at("slow runs") < journal.at("READY"));
    assert_eq!(active(&board).as_deref(), Some("best"), "and select puts it back, whole");
}

#[test]
fn where_choosing_fails_the_last_good_model_stays_and_the_status_says_so() {
    let mut board = settled();
    let other = store(&board);
    let held = other.lock("umbra console").unwrap();
    let mut journal = Journal::default();
    let request = board.request();
    let error = boot(&mut board.world, request, &mut journal, &mut ()).unwrap_err();
    assert!(matches!(error, AgentError::Store(StoreError::Locked { .. })));
    assert!(journal.at("slow runs") < journal.at("READY"));
    assert!(journal.0.last().unwrap().starts_with("slow still runs; choosing failed: "));
    drop(held);
    assert_eq!(active(&board).as_deref(), Some("slow"));
}

#[test]
fn a_spent_budget_at_boot_keeps_what_runs() {
    let mut board = settled();
    board.add("best", "Flatten", 400, 80);
    let request = umbra::agent::Request { budget: Some(Duration::ZERO), ..board.request() };
    boot(&mut board.world, request, &mut Journal::default(), &mut ()).unwrap();
    assert_eq!(active(&board).as_deref(), Some("slow"));
}

/// Run by the next test in a process of its own, whose environment names a socket.
/// Without a socket all three are silent no-ops, which is what it shows when run by itself.
#[test]
fn talk_to_systemd() {
    let mut systemd = Systemd::default();
    systemd.status("two\nlines");
    systemd.ready();
    systemd.watchdog();
}

#[test]
fn systemd_hears_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut heard = Vec::new();
    let done = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "boot::talk_to_systemd"])
        .env("NOTIFY_SOCKET", &path)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    for _ in 0..3 {
        let mut text = [0; 200];
        let length = socket.recv(&mut text).unwrap();
        heard.push(String::from_utf8_lossy(&text[..length]).trim().to_owned());
    }
    assert_eq!(heard, ["STATUS=two lines", "READY=1", "WATCHDOG=1"]);
}
