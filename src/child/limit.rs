//! What a worker does to itself before it looks at its job.

use rustix::io::Errno;
use rustix::process::{
    Pid, Resource, Rlimit, Signal, getppid, nice, set_parent_process_death_signal, setrlimit,
};
use rustix::thread::{CpuSet, sched_setaffinity};

use super::Limits;
use crate::base::Bytes;

/// The board's own work goes first.
const NICE: i32 = 5;

/// Applies what does not depend on the job: dies with its parent, leaves no core
/// file, is the first that the kernel's OOM killer takes, gives way to others.
pub(super) fn always() {
    // It comes when the *thread* that started us ends, and that one waits for our end.
    // An emulator may not know the call; the wall clock still holds.
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    // Best effort, all three: a worker without them is a worker all the same.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    let _ = nice(NICE);
}

/// Whether the process that sent the order is still our parent. One that died before the
/// death signal was asked for leaves no signal; its order may lie in the pipe all the same.
///
/// # Errors
/// When it is gone. `None` (a launcher stands between) cannot be told.
pub(super) fn is_wanted(parent: Option<u32>) -> Result<(), String> {
    let now = getppid().map(Pid::as_raw_nonzero).map(|pid| pid.get().unsigned_abs());
    if parent.is_some() && parent != now { Err("the parent is gone".to_owned()) } else { Ok(()) }
}

/// Applies the limits of the job.
///
/// # Errors
/// When the kernel refuses one.
pub(super) fn apply(limits: &Limits) -> Result<(), String> {
    if let Some(Bytes(bytes)) = limits.address_space {
        let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
        setrlimit(Resource::As, limit).map_err(|errno| refused("memory limit", errno))?;
    }
    // The parent keeps the wall clock; this holds where the parent is stopped.
    let seconds = limits.wall.as_secs().saturating_add(1).saturating_mul(processors());
    let _ = setrlimit(Resource::Cpu, Rlimit { current: Some(seconds), maximum: Some(seconds) });
    if !limits.cpus.is_empty() {
        let mut set = CpuSet::new();
        for cpu in limits.cpus.iter().map(|cpu| *cpu as usize) {
            if cpu < CpuSet::MAX_CPU {
                set.set(cpu);
            }
        }
        sched_setaffinity(None, &set).map_err(|errno| refused("choice of processors", errno))?;
    }
    Ok(())
}

/// How many seconds of processor time can pass in one second.
fn processors() -> u64 {
    std::thread::available_parallelism().map_or(1, |count| count.get() as u64)
}

fn refused(what: &str, errno: Errno) -> String {
    format!("the kernel refused the {what}: {errno}")
}
