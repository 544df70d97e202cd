//! The parent's side of a job: from the first byte to how it ended.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use super::frame::excerpt;
use super::worker::{Outbox, Worker};
use super::{Ended, Job, Next, Watch};
use crate::base::{Clock, Stop};

/// How often the watcher sees a tick.
const TICK: Duration = Duration::from_millis(100);
const SIGKILL: i32 = 9;

/// How those who run out of address space say so: Rust, libc and threads, C++.
const NO_MEMORY: [&str; 4] =
    ["memory allocation of", "Cannot allocate memory", "os error 12", "bad_alloc"];

/// Runs a job in a worker to its end; `parent` is what the worker must find as its parent.
pub(super) fn supervise(
    mut worker: Worker,
    job: &Job,
    parent: Option<u32>,
    clock: &dyn Clock,
    stop: &Stop,
    watch: &mut dyn FnMut(Watch<'_>) -> Next,
) -> Ended {
    let Some(outbox) = Outbox::new(job, parent) else {
        return Ended::NotStarted(format!("a job of {} bytes is too long", job.payload.len()));
    };
    let ours = attend(&mut worker, outbox, job.limits.wall, clock, stop, watch);
    worker.kill();
    let ours = ours.or_else(|| {
        worker.drain();
        deliver(&mut worker, watch).filter(|ended| matches!(ended, Ended::Garbled(_)))
    });
    let status = worker.bury();
    ours.unwrap_or_else(|| ended_by_itself(&worker, status))
}

/// Until the worker ends (`None`) or we end it, which is then how it ended.
fn attend(
    worker: &mut Worker,
    mut outbox: Outbox<'_>,
    wall: Duration,
    clock: &dyn Clock,
    stop: &Stop,
    watch: &mut dyn FnMut(Watch<'_>) -> Next,
) -> Option<Ended> {
    let mut now = clock.now();
    let deadline = now.saturating_add(wall);
    let mut next_tick = now + TICK;
    loop {
        if stop.wanted() {
            return Some(Ended::Stopped);
        }
        if now >= deadline {
            return Some(Ended::TimedOut(wall));
        }
        if now >= next_tick {
            next_tick = now + TICK;
            if watch(Watch::Tick) == Next::Kill {
                return Some(Ended::Killed);
            }
        }
        if worker.has_ended() {
            return None;
        }
        worker.exchange(&mut outbox, next_tick.min(deadline).saturating_sub(now));
        if let Some(ended) = deliver(worker, watch) {
            return Some(ended);
        }
        now = clock.now();
    }
}

/// Shows the watcher every whole frame.
fn deliver(worker: &mut Worker, watch: &mut dyn FnMut(Watch<'_>) -> Next) -> Option<Ended> {
    loop {
        match worker.frames.next_frame() {
            Ok(None) => return None,
            Ok(Some(frame)) if watch(Watch::Frame(frame)) == Next::Kill => {
                return Some(Ended::Killed);
            }
            Ok(Some(_)) => {}
            Err(reason) => return Some(Ended::Garbled(reason)),
        }
    }
}

/// What its status means when nobody here killed it.
fn ended_by_itself(worker: &Worker, status: Option<ExitStatus>) -> Ended {
    let stderr = worker.last_words();
    let Some(status) = status else {
        return Ended::Failed {
            code: -1,
            stderr: "killed, but its exit status cannot be had".to_owned(),
        };
    };
    if status.success() {
        let rest = worker.frames.rest();
        return if rest.is_empty() {
            Ended::Finished
        } else {
            Ended::Garbled(format!("it ended in the middle of a frame: {}", excerpt(rest)))
        };
    }
    if NO_MEMORY.iter().any(|words| stderr.contains(words)) {
        return Ended::OutOfMemory;
    }
    match status.signal() {
        // Nobody else kills with it: the kernel's OOM killer does.
        Some(SIGKILL) => Ended::OutOfMemory,
        Some(signal) => Ended::Signal { signal, stderr },
        None => Ended::Failed { code: status.code().unwrap_or(-1), stderr },
    }
}
