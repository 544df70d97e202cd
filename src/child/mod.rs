//! Floor 4: a job in a fresh, limited process.
//!
//! The agent never loads a candidate itself. It starts its own program again as a
//! worker (`umbra worker`, hidden), hands it a [`Job`] on standard input, reads
//! frames from its standard output, watches the clock, and says how it [`Ended`].
//! Out of memory, a signal, a hang, nonsense on standard output: all are ways to
//! end, none is an error of the agent. The worker limits itself before it looks at
//! the job (`rlimit`, `oom_score_adj`, affinity, parent-death signal, Landlock).

#[cfg_attr(not(feature = "landlock"), path = "confine_absent.rs")]
mod confine;
mod ended;
mod frame;
mod limit;
mod serve;
mod spawn;
mod supervise;
mod worker;

pub use frame::{FrameBuffer, Frames, decode_frame, decode_payload, encode_payload};
pub use serve::{serve, take_stdout};
pub use spawn::Spawner;

use std::fmt::Debug;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::{Bytes, Clock, Stop, SysRoot};
use crate::board;
use crate::model::Affinity;

/// What a worker is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Which room's job it is: `bench`, `observe`, `infer`, ...
    pub kind: String,
    /// That room's job, postcard.
    pub payload: Vec<u8>,
    /// What the worker limits itself to before it starts.
    pub limits: Limits,
}

/// Exit code of a worker that panicked.
const PANICKED: i32 = 101;

/// Limits of a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Address space (`RLIMIT_AS`); emulators ignore it.
    pub address_space: Option<Bytes>,
    /// Wall clock, from start to end.
    pub wall: Duration,
    /// Logical processors; empty means any.
    pub cpus: Vec<u32>,
}

/// Mappings that take address space and no memory: the program, stacks, arenas.
const UNTOUCHED: u64 = 512 << 20;

impl Limits {
    /// Of a worker that runs a model: the address space that the kernel expects to be able
    /// to give out, with room for what is mapped and never touched.
    #[must_use]
    pub fn of(affinity: &Affinity, wall: Duration, sys: &SysRoot) -> Self {
        let usable = Some(board::memory(sys)).filter(|_| sys.is_live());
        let usable = usable.and_then(|memory| memory.usable());
        let address_space = usable.map(|bytes| Bytes(bytes.0.saturating_add(UNTOUCHED)));
        let cpus = match affinity {
            Affinity::Any => Vec::new(),
            Affinity::Cpus(cpus) => cpus.clone(),
        };
        Self { address_space, wall, cpus }
    }
}

/// What a worker's engines need beside the kernel's files and the system's libraries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    /// Files and folders to read.
    pub libraries: Vec<PathBuf>,
    /// Devices to use.
    pub devices: Vec<PathBuf>,
}

/// How far the kernel keeps a worker from files, programs and other processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confinement {
    /// Not at all: a kernel (before 5.13) or a build without Landlock, or an emulator.
    #[default]
    None,
    /// As far as this kernel's Landlock goes.
    Partial,
    /// From everything that Umbra asks for.
    Full,
}

impl Confinement {
    /// Lower-case name, as in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Partial => "partial",
            Self::Full => "full",
        }
    }
}

/// The model in a job's payload. The parent sends bytes that it has validated and joined;
/// a worker decodes them as `ModelRef<&[u8]>`, without a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(serialize = "B: AsRef<[u8]>"))]
pub enum ModelRef<B = Vec<u8>> {
    /// A file that the worker reads.
    File(PathBuf),
    /// The whole model.
    Bytes(#[serde(serialize_with = "as_bytes")] B),
}

/// In one piece; byte by byte otherwise, which reads back as the same.
pub(crate) fn as_bytes<B: AsRef<[u8]>, S: serde::Serializer>(
    bytes: &B,
    to: S,
) -> Result<S::Ok, S::Error> {
    to.serialize_bytes(bytes.as_ref())
}

/// What the parent sees while a worker runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch<'a> {
    /// A frame from the worker, as it was sent.
    Frame(&'a [u8]),
    /// Nothing new for a tenth of a second or so: sample meters, pet watchdogs.
    Tick,
}

/// What the parent wants after it has seen something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Go on.
    Continue,
    /// Kill the worker: enough is known.
    Kill,
}

/// How a worker ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ended {
    /// By itself, all well.
    Finished,
    /// By itself, with an exit code other than 0; the last lines it wrote on standard error.
    Failed {
        /// Exit code.
        code: i32,
        /// Last lines of standard error.
        stderr: String,
    },
    /// By a signal it did not get from us.
    Signal {
        /// Number.
        signal: i32,
        /// Last lines of standard error.
        stderr: String,
    },
    /// It hit its memory limit, or the kernel's OOM killer took it.
    OutOfMemory,
    /// It exceeded its wall-clock limit and was killed.
    TimedOut(Duration),
    /// It wrote something that is no frame on standard output and was killed.
    Garbled(String),
    /// The watcher asked for the kill.
    Killed,
    /// Somebody asked the agent to stop; the worker was killed.
    Stopped,
    /// It could not be started (a foreign binary without a launcher, no memory, ...).
    NotStarted(String),
}

/// Starts workers. Tests give one that plays a script.
///
/// The thread that calls [`run`](Self::run) stays until the worker is gone: the worker dies
/// with the thread that started it.
pub trait Spawn: Debug + Send + Sync {
    /// Runs a job to its end. `watch` sees every frame and every tick. On return no
    /// process of the worker's group is left.
    fn run(
        &self,
        job: &Job,
        clock: &dyn Clock,
        stop: &Stop,
        watch: &mut dyn FnMut(Watch<'_>) -> Next,
    ) -> Ended;
    /// Whether workers run under a launcher prefix (an emulator): their memory figures
    /// are then the emulator's, hence unsupported.
    fn is_launched(&self) -> bool;
}

/// What rooms need to run a job.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Starts workers.
    pub spawn: &'a dyn Spawn,
    /// Time.
    pub clock: &'a dyn Clock,
    /// Board files.
    pub sys: &'a SysRoot,
    /// The wish to stop.
    pub stop: &'a Stop,
}
