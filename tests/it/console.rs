//! The console over a real pseudo-terminal: what a technician's terminal program sends and
//! gets, byte by byte.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Generous: nothing here is timed, this only ends a test that hangs.
const PATIENCE: Duration = Duration::from_secs(120);
const PROMPT: &str = "umbra> ";
/// A prompt that waits, rather than one that is drawn again while somebody types.
const END: &str = "\numbra> ";

/// A console on a pseudo-terminal.
struct Terminal {
    child: Child,
    line: File,
    bytes: Receiver<Vec<u8>>,
    screen: String,
    _state: tempfile::TempDir,
}

fn pty() -> (OwnedFd, PathBuf) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    (master, PathBuf::from(name))
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

impl Terminal {
    /// On a terminal that it is given, as getty does.
    fn given(term: &str) -> Self {
        Self::start(term, |command, slave| {
            let open = || File::options().read(true).write(true).open(slave).unwrap();
            command.stdin(open()).stdout(open());
        })
    }

    /// On a line that it opens itself, which then is its controlling terminal.
    fn own_line(term: &str) -> Self {
        Self::start(term, |command, slave| {
            command.arg("--tty").arg(slave).stdin(Stdio::null()).stdout(Stdio::null());
        })
    }

    fn start(term: &str, connect: impl FnOnce(&mut Command, &Path)) -> Self {
        let (master, slave) = pty();
        // Held until the child has it: a master without a slave reads as hung up.
        let held = File::options().read(true).write(true).open(&slave).unwrap();
        let state = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_umbra"));
        command.arg("--state").arg(state.path()).arg("--sysroot").arg(root("tests/boards/pi4"));
        command.arg("console").env("TERM", term).env_remove("COLUMNS").stderr(Stdio::null());
        connect(&mut command, &slave);
        let child = command.spawn().unwrap();
        let line = File::from(master);
        let bytes = listen(line.try_clone().unwrap());
        let mut terminal = Self { child, line, bytes, screen: String::new(), _state: state };
        terminal.until_prompt();
        drop(held);
        terminal
    }

    fn send(&mut self, bytes: &[u8]) {
        self.line.write_all(bytes).unwrap();
    }

    /// Reads until a prompt stands on a line of its own; returns what came since the last
    /// time, as a person reads it.
    fn until_prompt(&mut self) -> String {
        let deadline = Instant::now() + PATIENCE;
        while !plain(&self.screen).ends_with(END) {
            match self.bytes.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.screen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(RecvTimeoutError::Timeout) => panic!("no prompt in {:?}", self.screen),
                Err(RecvTimeoutError::Disconnected) => panic!("hung up after {:?}", self.screen),
            }
        }
        // Private modes are beyond what a serial terminal knows.
        assert!(!self.screen.contains("\x1b[?"), "{:?}", self.screen);
        plain(&std::mem::take(&mut self.screen))
    }

    /// Reads until `part` is on the screen, and leaves it there.
    fn see(&mut self, part: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.screen.contains(part) {
            let left = deadline.saturating_duration_since(Instant::now());
            let bytes = self.bytes.recv_timeout(left);
            let bytes = bytes.unwrap_or_else(|_| panic!("no {part:?} in {:?}", self.screen));
            self.screen.push_str(&String::from_utf8_lossy(&bytes));
        }
    }

    /// Types a line and returns the answer without the echo and the next prompt.
    fn ask(&mut self, line: &[u8]) -> String {
        self.send(line);
        self.send(b"\r");
        let answer = self.until_prompt();
        answer.trim_end_matches(PROMPT).to_owned()
    }

    fn exit_code(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the console does not leave");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Without carriage returns and the escape sequences of an editing line.
fn plain(screen: &str) -> String {
    let mut plain = String::new();
    let mut rest = screen.chars();
    while let Some(c) = rest.next() {
        match c {
            '\r' => {}
            // `ESC [ ... letter`
            '\x1b' => {
                let _ = rest.by_ref().skip(1).find(char::is_ascii_alphabetic);
            }
            c => plain.push(c),
        }
    }
    plain
}

/// Reads in a thread, so that a silent console cannot hang a test.
fn listen(mut line: File) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0u8; 4096];
        while let Ok(count) = line.read(&mut buffer) {
            if count == 0 || sender.send(buffer[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}

fn last_line(answer: &str) -> &str {
    answer.lines().last().unwrap_or_default()
}

/// The text is the pattern, where `...` stands for anything in a line and a line of
/// nothing but `...` for any number of lines.
pub(crate) fn assert_matches(text: &str, pattern: &str) {
    let (lines, wanted): (Vec<&str>, Vec<&str>) =
        (text.lines().collect(), pattern.lines().collect());
    assert!(all_match(&lines, &wanted), "got:\n{text}\nwanted:\n{pattern}");
}

fn all_match(lines: &[&str], wanted: &[&str]) -> bool {
    match (lines, wanted) {
        ([], []) => true,
        (_, ["...", rest @ ..]) => (0..=lines.len()).any(|skip| all_match(&lines[skip..], rest)),
        ([line, lines @ ..], [pattern, rest @ ..]) => {
            one_matches(line, pattern) && all_match(lines, rest)
        }
        _ => false,
    }
}

fn one_matches(line: &str, pattern: &str) -> bool {
    match pattern.split_once("...") {
        None => line == pattern,
        Some((before, after)) => line.strip_prefix(before).is_some_and(|rest| {
            (0..=rest.len()).any(|at| rest.get(at..).is_some_and(|rest| one_matches(rest, after)))
        }),
    }
}

/// Every transcript of tests/transcripts, replayed on a dumb terminal.
#[test]
fn transcripts_read_as_they_are_written() {
    let mut transcripts: Vec<PathBuf> = std::fs::read_dir(root("tests/transcripts"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    transcripts.sort();
    assert!(transcripts.len() >= 3);
    for path in transcripts {
        let wanted = std::fs::read_to_string(&path).unwrap();
        let mut terminal = Terminal::given("dumb");
        let mut screen = String::new();
        for line in wanted.lines().filter_map(|line| line.strip_prefix(PROMPT)) {
            screen.push_str(PROMPT);
            screen.push_str(&terminal.ask(line.as_bytes()));
        }
        assert_matches(&screen, &wanted);
        assert!(screen.lines().all(|line| line.len() <= 79 && line.is_ascii()), "{screen}");
        let guide = std::fs::read_to_string(root("docs/console.md")).unwrap();
        assert!(guide.contains(&wanted), "docs/console.md does not quote {}", path.display());
    }
}

#[test]
fn every_answer_is_closed_whatever_comes_down_the_line() {
    let mut terminal = Terminal::given("dumb");
    assert_eq!(last_line(&terminal.ask(b"stat")), "ok");
    assert!(last_line(&terminal.ask(b"stat\xff\xfe\x80us")).starts_with("err 2 noise"));
    assert!(last_line(&terminal.ask(b"\x1b[200~\x01\x02")).starts_with("err 2 noise"));
    assert!(last_line(&terminal.ask(&[b'x'; 6000])).starts_with("err 2 the line is too long"));
    assert!(last_line(&terminal.ask(b"nonsense")).starts_with("err 2 no verb"));
    assert!(last_line(&terminal.ask(b"rollback")).starts_with("err 5 "));
    assert_eq!(last_line(&terminal.ask(b"")), "ok");
    terminal.send(b"\x04");
    assert_eq!(terminal.exit_code(), Some(0));
}

#[test]
fn one_byte_at_a_time_is_as_good_as_a_line() {
    for term in ["dumb", "vt100"] {
        let mut terminal = Terminal::given(term);
        for byte in b"help pin\r" {
            terminal.send(&[*byte]);
            std::thread::yield_now();
        }
        let answer = terminal.until_prompt();
        assert!(answer.contains("Usage: umbra pin") && answer.contains("\nok\n"), "{answer}");
    }
}

#[test]
fn a_capable_terminal_gets_editing_completion_and_history() {
    let mut terminal = Terminal::given("vt100");
    // The backspace takes the x away, Tab completes what is left.
    terminal.send(b"stax\x7f\t\r");
    let answer = terminal.until_prompt();
    assert!(answer.contains("active  none") && answer.contains("\nok\n"), "{answer:?}");
    terminal.send(b"\x1b[A\r");
    let again = terminal.until_prompt();
    assert!(again.contains("active  none"), "{again:?}");
    // Ctrl-C drops the line, and only that.
    terminal.send(b"rollb\x03");
    terminal.until_prompt();
    assert!(terminal.ask(b"").contains("Raspberry Pi 4"));
    terminal.send(b"exit\r");
    assert_eq!(terminal.exit_code(), Some(0));
}

#[test]
fn control_c_ends_the_running_verb_and_not_the_console() {
    let mut terminal = Terminal::own_line("dumb");
    let zoo = root("onnx/zoo");
    let task = root("onnx/task/meter");
    let line = format!("select --zoo {} --task {}\r", zoo.display(), task.display());
    terminal.send(line.as_bytes());
    terminal.see("[1/");
    terminal.send(b"\x03");
    let answer = terminal.until_prompt();
    assert!(answer.contains("\nerr 1 stopped before it was done\n"), "{answer}");
    assert_eq!(last_line(&terminal.ask(b"status")), "ok");
    // At the prompt it drops the line.
    terminal.send(b"rollb\x03");
    terminal.until_prompt();
    assert_eq!(last_line(&terminal.ask(b"history")), "ok");
}

#[test]
fn termination_ends_an_idle_console() {
    let mut terminal = Terminal::given("dumb");
    let pid = rustix::process::Pid::from_child(&terminal.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(terminal.exit_code(), None);
}

#[test]
fn a_script_gets_answers_without_prompt_or_banner() {
    let state = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_umbra"))
        .arg("--state")
        .arg(state.path())
        .arg("console")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let script = b"umbra status --json\nfoo --json\nexit\nnever read\n";
    child.stdin.take().unwrap().write_all(script).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let [status, first, help, second, bye] = lines.as_slice() else { panic!("{text}") };
    let status: serde_json::Value = serde_json::from_str(status).unwrap();
    assert!(status["schema"] == 1 && status["current"].is_null());
    assert_eq!((*first, *bye), ("ok", "ok"));
    assert!(help.starts_with("help: ") && second.starts_with("err 2 "), "{text}");
    assert!(output.status.success());
}
