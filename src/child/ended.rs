//! How a worker ended, in words.

use super::{Ended, PANICKED};

/// Longest text taken over from standard error.
const LONGEST: usize = 160;

const REPORT: &str = "Run it again with -v, and report it with the model.";
const EXPORT: &str = "Export the model again (another opset or quantisation), or report it.";
const MEMORY: &str = "Choose a smaller model, free memory, or raise the limit.";
const TIME: &str = "Choose a smaller model, or give the worker more time.";
const LAUNCH: &str = "Set UMBRA_LAUNCHER where the program runs under an emulator.";
const ILLEGAL: &str = "The engine uses instructions that this processor lacks: install the \
                       build for this board.";

impl Ended {
    /// Whether its code panicked, which is the model's doing and not the kernel's or ours.
    #[must_use]
    pub fn has_panicked(&self) -> bool {
        matches!(self, Self::Failed { code: PANICKED, .. })
    }

    /// What happened to a worker that did not do its job, and one sentence of advice;
    /// `doing` is what it was about, such as `loading`.
    #[must_use]
    pub fn told(&self, doing: &str) -> (String, &'static str) {
        match self {
            Self::Finished => (format!("the worker ended while {doing}"), REPORT),
            Self::Failed { code: PANICKED, stderr } => {
                (format!("the engine panicked while {doing}: {}", last_line(stderr)), EXPORT)
            }
            Self::Failed { code, stderr } => {
                (format!("exit code {code} while {doing}: {}", last_line(stderr)), REPORT)
            }
            Self::Signal { signal, .. } => {
                let advice = if *signal == 4 { ILLEGAL } else { REPORT };
                (format!("{} while {doing}", name(*signal)), advice)
            }
            Self::OutOfMemory => (format!("out of memory while {doing}"), MEMORY),
            Self::TimedOut(wall) => {
                (format!("no end after {:.0} s while {doing}", wall.as_secs_f64()), TIME)
            }
            Self::Garbled(what) => (format!("garbled answer while {doing}: {what}"), REPORT),
            Self::NotStarted(why) => (format!("no worker: {why}"), LAUNCH),
            Self::Killed => (format!("killed while {doing}"), REPORT),
            Self::Stopped => (format!("stopped while {doing}"), REPORT),
        }
    }
}

fn name(signal: i32) -> String {
    match signal {
        4 => "SIGILL (illegal instruction)".to_owned(),
        6 => "SIGABRT (abort)".to_owned(),
        7 => "SIGBUS (bus error)".to_owned(),
        8 => "SIGFPE (arithmetic)".to_owned(),
        11 => "SIGSEGV (invalid memory, or stack overflow)".to_owned(),
        24 => "SIGXCPU (too much processor time)".to_owned(),
        other => format!("signal {other}"),
    }
}

fn last_line(stderr: &str) -> String {
    let line = stderr.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no word why");
    line.trim().chars().take(LONGEST).collect()
}
