//! A running worker: its process group and its three pipes.
//!
//! Dropping it kills and reaps; nothing that happens in the parent leaves one behind.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, ExitStatus};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, pidfd_open,
    pidfd_send_signal, test_kill_process_group, waitid,
};

use super::frame::FrameBuffer;
use super::serve::{Order, VERSION};
use super::{Job, frame};

const CHUNK: usize = 64 << 10;
/// Standard error kept for people.
const TAIL: usize = 2048;
/// Chunks read from a pipe whose writers are dead, or escaped from the group.
const LAST_CHUNKS: usize = 64;
const SHORT: Duration = Duration::from_millis(5);
/// Times [`SHORT`] that a killed process may take to go (one blocked in the kernel cannot).
const PATIENCE: usize = 600;
/// Times [`SHORT`] for orphans of the group to be reaped by whoever inherits them.
const ORPHANS: usize = 60;

/// What is still to be written on a worker's standard input.
pub(super) struct Outbox<'a> {
    order: Vec<u8>,
    payload: &'a [u8],
    sent: usize,
}

impl<'a> Outbox<'a> {
    /// The frames of a job; `None` if it is longer than a frame can be.
    pub(super) fn new(job: &'a Job, parent: Option<u32>) -> Option<Self> {
        if job.payload.len() > frame::LONGEST_JOB {
            return None;
        }
        let (kind, limits) = (job.kind.clone(), job.limits.clone());
        let version = VERSION.to_owned();
        let order = frame::encode_payload(&Order { version, kind, limits, parent });
        let mut start = frame::header(&order)?.to_vec();
        start.extend(order);
        start.extend(frame::header(&job.payload)?);
        Some(Self { order: start, payload: &job.payload, sent: 0 })
    }

    fn rest(&self) -> &'a [u8] {
        self.payload.get(self.sent.saturating_sub(self.order.len())..).unwrap_or_default()
    }

    /// Writes what the pipe takes; true when all is written.
    fn write_to(&mut self, pipe: &mut ChildStdin) -> io::Result<bool> {
        let written = match self.order.get(self.sent..) {
            Some(order) if !order.is_empty() => pipe.write(order)?,
            _ => pipe.write(self.rest())?,
        };
        self.sent += written;
        Ok(self.sent >= self.order.len() + self.payload.len())
    }
}

/// A worker, from its start to its end.
pub(super) struct Worker {
    child: Child,
    group: Option<Pid>,
    /// The leader as a descriptor, which is readable once it has ended; Linux 5.3.
    leader: Option<OwnedFd>,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    /// What it sent.
    pub(super) frames: FrameBuffer,
    tail: Vec<u8>,
}

impl Worker {
    /// Takes over a process that leads its own group.
    pub(super) fn new(mut child: Child) -> io::Result<Self> {
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let group = Some(Pid::from_child(&child));
        let frames = FrameBuffer::default();
        let leader = group.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        let worker = Self { child, group, leader, stdin, stdout, stderr, frames, tail: Vec::new() };
        unblock(worker.stdin.as_ref())?;
        unblock(worker.stdout.as_ref())?;
        unblock(worker.stderr.as_ref())?;
        Ok(worker)
    }

    /// Whether its leader has ended. It is not reaped yet, so that its number, which is
    /// the group's, cannot be given to another.
    pub(super) fn has_ended(&self) -> bool {
        let how = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        self.group.is_none_or(|pid| !matches!(waitid(WaitId::Pid(pid), how), Ok(None)))
    }

    /// Waits for a pipe, at most so long, and moves what can be moved.
    pub(super) fn exchange(&mut self, outbox: &mut Outbox<'_>, patience: Duration) {
        // Where nothing tells of the end, standard output does by closing: look again soon.
        let told = self.leader.is_some() || self.stdout.is_some();
        let patience = if told { patience } else { patience.min(SHORT) };
        let mut pipes: Vec<PollFd<'_>> = Vec::with_capacity(4);
        pipes.extend(self.leader.as_ref().map(|leader| PollFd::new(leader, PollFlags::IN)));
        pipes.extend(self.stdin.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::OUT)));
        pipes.extend(self.stdout.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        pipes.extend(self.stderr.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        wait(&mut pipes, patience);
        if self.stdin.as_mut().is_some_and(|pipe| closes(outbox.write_to(pipe))) {
            self.stdin = None;
        }
        self.listen();
    }

    /// Reads one chunk of each output; true if there was anything.
    fn listen(&mut self) -> bool {
        let mut chunk = [0; CHUNK];
        let output = read_some(&mut self.stdout, &mut chunk);
        self.frames.push(output);
        let heard = !output.is_empty();
        let errors = read_some(&mut self.stderr, &mut chunk);
        self.tail.extend_from_slice(errors);
        self.tail.drain(..self.tail.len().saturating_sub(TAIL));
        heard || !errors.is_empty()
    }

    /// Kills the leader, wherever it has moved to, and the whole group.
    pub(super) fn kill(&self) {
        let Some(group) = self.group else { return };
        // No such process or group: nothing to kill. The leader is not reaped yet, so its
        // number is still its own.
        let _ = match &self.leader {
            Some(leader) => pidfd_send_signal(leader, Signal::KILL),
            None => kill_process(group, Signal::KILL),
        };
        let _ = kill_process_group(group, Signal::KILL);
    }

    /// Reads what the dead left in the pipes.
    pub(super) fn drain(&mut self) {
        for _ in 0..LAST_CHUNKS {
            if !self.listen() {
                return;
            }
        }
    }

    /// Kills, reaps, and waits until the group is empty. `None`: its status cannot be had.
    pub(super) fn bury(&mut self) -> Option<ExitStatus> {
        self.kill();
        let group = self.group.take()?;
        for _ in 0..PATIENCE {
            match self.child.try_wait() {
                Ok(None) => self.await_leader(),
                Ok(status) => {
                    await_orphans(group);
                    return status;
                }
                // Somebody else has reaped it.
                Err(_) => return None,
            }
        }
        None
    }

    fn await_leader(&self) {
        let leader = self.leader.as_ref().map(|leader| PollFd::new(leader, PollFlags::IN));
        wait(&mut leader.into_iter().collect::<Vec<_>>(), SHORT);
    }

    /// The last lines of its standard error.
    pub(super) fn last_words(&self) -> String {
        String::from_utf8_lossy(&self.tail).trim().to_owned()
    }
}

/// Killed members are gone when whoever inherited them has reaped them.
fn await_orphans(group: Pid) {
    for _ in 0..ORPHANS {
        if test_kill_process_group(group).is_err() {
            return;
        }
        wait(&mut [], SHORT);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.bury();
    }
}

fn unblock(pipe: Option<&impl AsFd>) -> io::Result<()> {
    pipe.map_or(Ok(()), |pipe| Ok(rustix::io::ioctl_fionbio(pipe, true)?))
}

/// A signal or an impossible duration ends the wait early, which does no harm.
fn wait(pipes: &mut [PollFd<'_>], patience: Duration) {
    let patience = Timespec::try_from(patience).ok();
    let _ = poll(pipes, patience.as_ref());
}

fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// Whether a pipe is to be closed: all is written, or nobody reads it any more.
fn closes(written: io::Result<bool>) -> bool {
    written.unwrap_or_else(|error| !is_later(&error))
}

/// One read; closes a pipe that has come to its end.
fn read_some<'a, P: Read>(pipe: &mut Option<P>, chunk: &'a mut [u8]) -> &'a [u8] {
    let Some(open) = pipe.as_mut() else { return &[] };
    match open.read(chunk) {
        Ok(length) if length > 0 => chunk.get(..length).unwrap_or_default(),
        Err(error) if is_later(&error) => &[],
        _ => {
            *pipe = None;
            &[]
        }
    }
}
