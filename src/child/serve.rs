//! The worker's side of a job.

use std::fs::File;
use std::io::{self, Read, Write};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Confinement, Frames, Job, Limits, PANICKED, Reach, confine, frame, limit};

/// First frame of a job; the payload is the second, so that it need not be copied.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    /// Version of the program that asks; another one is refused.
    pub(super) version: String,
    /// Kind of the job.
    pub(super) kind: String,
    /// Limits of the job.
    pub(super) limits: Limits,
    /// The process that asks, where it is our parent: no launcher stands between.
    pub(super) parent: Option<u32>,
}

/// The version that both sides must have.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

const LONGEST_ORDER: usize = 64 << 10;
const FAILED: i32 = 1;
const BAD_ORDER: i32 = 2;

/// Does one job: limits itself, reads the job from `input`, hands it to `handler`,
/// whose frames go to `output`. Beside the kernel's files and the system's libraries it
/// reaches `reach` and nothing more, where the kernel can see to that. Returns the exit code of the worker: 0; 1 when the
/// handler failed; 2 when there was no job; 101 when it panicked. From here on every panic
/// of this process, caught or not, is one line on standard error.
///
/// `output` must not be what others may print on: see [`take_stdout`].
pub fn serve(
    mut input: impl Read,
    output: impl Write + Send + 'static,
    reach: &Reach,
    handler: &dyn Fn(&Job, &mut Frames) -> Result<(), String>,
) -> i32 {
    panic::set_hook(Box::new(|panic| {
        say(&line(panic), PANICKED);
    }));
    let (job, confinement) = match receive(&mut input, reach) {
        Ok(received) => received,
        Err(reason) => return say(&reason, BAD_ORDER),
    };
    let mut frames = Frames::new(output).confined(confinement);
    match catch_unwind(AssertUnwindSafe(|| handler(&job, &mut frames))) {
        Ok(Ok(())) => 0,
        Ok(Err(reason)) => say(&reason, FAILED),
        Err(_) => PANICKED,
    }
}

/// The limits hold before the payload, which is as large as a model, is read.
fn receive(input: &mut dyn Read, reach: &Reach) -> Result<(Job, Confinement), String> {
    limit::always();
    let no_job = |error: io::Error| format!("no job on standard input: {error}");
    let order = frame::read(input, LONGEST_ORDER).map_err(no_job)?;
    let order: Order = frame::decode_frame(&order).ok_or("an order that is none")?;
    if order.version != VERSION {
        return Err(format!("umbra {} asked a worker of umbra {VERSION}", order.version));
    }
    limit::is_wanted(order.parent)?;
    limit::apply(&order.limits)?;
    let confinement = confine::confine(reach);
    let payload = frame::read(input, frame::LONGEST_JOB).map_err(no_job)?;
    Ok((Job { kind: order.kind, payload, limits: order.limits }, confinement))
}

/// Takes standard output for frames alone: from now on whatever prints there, prints
/// on standard error.
///
/// # Errors
/// When the descriptors cannot be duplicated.
pub fn take_stdout() -> io::Result<File> {
    let frames = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?;
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    Ok(File::from(frames))
}

/// The last words go to standard error, whose tail the parent keeps.
fn say(reason: &str, code: i32) -> i32 {
    // Nobody may be listening any more.
    let _ = writeln!(io::stderr(), "{reason}");
    code
}

/// What happened and where, such as `panic: no such axis (slice.rs:120)`. Rust's own hook says
/// it over three lines, the last of which asks for a backtrace.
fn line(panic: &PanicHookInfo<'_>) -> String {
    let text = panic.payload_as_str().unwrap_or("of unknown cause");
    let words: Vec<&str> = text.split_whitespace().collect();
    let place = panic.location().map_or_else(String::new, |at| {
        let file = Path::new(at.file()).file_name().unwrap_or_default();
        format!(" ({}:{})", file.to_string_lossy(), at.line())
    });
    format!("panic: {}{place}", words.join(" "))
}
