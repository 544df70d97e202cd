//! Starting a worker.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::supervise::supervise;
use super::worker::Worker;
use super::{Ended, Job, Next, Spawn, Watch};
use crate::base::{Clock, Stop};

/// Starts workers as processes: `<launcher...> <program> <arguments...>`.
#[derive(Debug, Clone)]
pub struct Spawner {
    launcher: Vec<String>,
    program: PathBuf,
    arguments: Vec<String>,
    variables: Vec<(String, OsString)>,
}

impl Spawner {
    /// This program again, as `worker`, under a launcher (an emulator with its flags)
    /// unless that is empty.
    #[must_use]
    pub fn new(launcher: Vec<String>) -> Self {
        // A program that was replaced while it ran is still behind the link.
        let program = std::env::current_exe().ok().filter(|path| path.exists());
        let program = program.unwrap_or_else(|| PathBuf::from("/proc/self/exe"));
        Self { launcher, program, arguments: vec!["worker".to_owned()], variables: Vec::new() }
    }

    /// Another program with these arguments.
    #[must_use]
    pub fn with_program(mut self, program: impl Into<PathBuf>, arguments: &[&str]) -> Self {
        self.program = program.into();
        self.arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        self
    }

    /// One more variable in the worker's environment.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    fn command(&self) -> Command {
        let mut command = match self.launcher.split_first() {
            None => Command::new(&self.program),
            Some((emulator, flags)) => {
                let mut command = Command::new(emulator);
                command.args(flags).arg(&self.program);
                command
            }
        };
        command.args(&self.arguments);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Its own group: killed as one, and out of reach of the terminal's Ctrl-C.
        command.process_group(0).env("RUST_BACKTRACE", "0");
        command
    }

    /// Our number, where the worker will find it as its parent's.
    fn parent(&self) -> Option<u32> {
        self.launcher.is_empty().then(std::process::id)
    }

    /// What a failed start means, and what to do.
    fn explain(&self, error: &io::Error) -> String {
        const ENOEXEC: i32 = rustix::io::Errno::NOEXEC.raw_os_error();
        let first = self.launcher.first().map_or(self.program.as_path(), Path::new).display();
        if error.raw_os_error() == Some(ENOEXEC) {
            return format!(
                "the kernel cannot execute {first} ({error}); under an emulator set \
                 UMBRA_LAUNCHER to the emulator and its flags"
            );
        }
        if self.launcher.is_empty() {
            format!("{first} could not be started: {error}")
        } else {
            format!("the launcher {first} of UMBRA_LAUNCHER could not be started: {error}")
        }
    }
}

impl Spawn for Spawner {
    fn run(
        &self,
        job: &Job,
        clock: &dyn Clock,
        stop: &Stop,
        watch: &mut dyn FnMut(Watch<'_>) -> Next,
    ) -> Ended {
        if stop.wanted() {
            return Ended::Stopped;
        }
        match self.command().spawn().and_then(Worker::new) {
            Ok(worker) => supervise(worker, job, self.parent(), clock, stop, watch),
            Err(error) => Ended::NotStarted(self.explain(&error)),
        }
    }

    fn is_launched(&self) -> bool {
        !self.launcher.is_empty()
    }
}
