//! A line on standard error for what takes longer than two seconds.

use std::io::Write;
use std::time::{Duration, Instant};

/// Counts steps.
#[derive(Debug)]
pub(crate) struct Progress {
    name: &'static str,
    all: usize,
    done: usize,
    shown: Instant,
}

impl Progress {
    pub(crate) fn new(name: &'static str, all: usize) -> Self {
        Self { name, all, done: 0, shown: Instant::now() }
    }

    /// One more is done.
    pub(crate) fn step(&mut self) {
        self.done += 1;
        if self.shown.elapsed() >= Duration::from_secs(2) {
            self.shown = Instant::now();
            note(&format!("{}: {} of {}", self.name, self.done, self.all));
        }
    }
}

/// A line on standard error; that nobody can read it is no reason to stop.
pub(crate) fn note(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
