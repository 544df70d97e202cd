//! What a worker does to itself before it looks at its job.

use rustix::io::Errno;
use rustix::process::setrlimit;
use rustix::process::{Resource, Rlimit, Signal, getppid, nice, set_parent_process_death_signal};
use rustix::thread::{CpuSet, sched_setaffinity};

use super::Limits;
use crate::base::Bytes;

/// The board's own work goes first.
const NICE: i32 = 5;

/// Applies what does not depend on the job: dies with its parent, leaves no core
/// file, is the first that the kernel's OOM killer takes, gives way to others.
///
/// # Errors
/// When the parent is already gone.
pub(super) fn always() -> Result<(), String> {
    let parent = getppid();
    // It comes when the *thread* that started us ends. The agent has but one.
    // An emulator may not know the call; the wall clock still holds.
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    if getppid() != parent {
        return Err("the parent is gone".to_owned());
    }
    // Best effort, all three: a worker without them is a worker all the same.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    let _ = nice(NICE);
    Ok(())
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

fn refused(what: &str, errno: Errno) -> String {
    format!("the kernel refused the {what}: {errno}")
}
