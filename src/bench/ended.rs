//! How a worker ended, as the reason why its candidate fell out.

use std::time::Duration;

use super::collect::Heard;
use crate::child::Ended;
use crate::model::{Rejection, Stage};

const PANICKED: i32 = 101;
/// Longest text taken over from standard error.
const LONGEST: usize = 160;

/// Why a candidate fell out; `None` when its worker finished and said all.
pub(super) fn rejection_of(heard: &Heard<'_>, ended: &Ended, wall: Duration) -> Option<Rejection> {
    if let Some(failed) = &heard.failed {
        return Some(failed.clone());
    }
    let (doing, at) = heard.doing;
    let (stage, reason, help) = match ended {
        Ended::Finished if heard.memory.is_some() && !heard.samples.is_empty() => return None,
        Ended::Finished => (at, format!("the worker ended while {doing}"), REPORT),
        Ended::Failed { code: PANICKED, stderr } => {
            (at, format!("the engine panicked while {doing}: {}", last_line(stderr)), EXPORT)
        }
        Ended::Failed { code, stderr } => (
            Stage::Process,
            format!("exit code {code} while {doing}: {}", last_line(stderr)),
            REPORT,
        ),
        Ended::Signal { signal, .. } => {
            (Stage::Process, format!("{} while {doing}", name(*signal)), advice(*signal))
        }
        Ended::OutOfMemory => (Stage::Process, format!("out of memory while {doing}"), MEMORY),
        Ended::TimedOut(_) => (
            Stage::Process,
            format!("no end after {:.0} s while {doing}", wall.as_secs_f64()),
            TIME,
        ),
        Ended::Garbled(what) => (Stage::Process, format!("garbled answer: {what}"), REPORT),
        Ended::NotStarted(why) => (Stage::Process, format!("no worker: {why}"), LAUNCH),
        Ended::Killed | Ended::Stopped => (Stage::Process, format!("killed while {doing}"), REPORT),
    };
    Some(Rejection { stage, reason, help: Some(help.to_owned()) })
}

const REPORT: &str = "Run it again with -v, and report it with the model.";
const EXPORT: &str = "Export the model again (another opset or quantisation), or report it.";
const MEMORY: &str = "Choose a smaller model, free memory, or raise the limit.";
const TIME: &str = "Choose a smaller model, or give the worker more time.";
const LAUNCH: &str = "Set UMBRA_LAUNCHER where the program runs under an emulator.";
const ILLEGAL: &str = "The engine uses instructions that this processor lacks: install the \
                       build for this board.";

fn name(signal: i32) -> String {
    match signal {
        4 => "SIGILL (illegal instruction)".to_owned(),
        6 => "SIGABRT (abort)".to_owned(),
        7 => "SIGBUS (bus error)".to_owned(),
        8 => "SIGFPE (arithmetic)".to_owned(),
        11 => "SIGSEGV (invalid memory, or stack overflow)".to_owned(),
        other => format!("signal {other}"),
    }
}

fn advice(signal: i32) -> &'static str {
    if signal == 4 { ILLEGAL } else { REPORT }
}

fn last_line(stderr: &str) -> String {
    let line = stderr.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no word why");
    line.trim().chars().take(LONGEST).collect()
}
