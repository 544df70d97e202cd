//! Floor 9: time. The loop that joins the stages.
//!
//! [`select`] is the main job, [`boot`] the same under systemd: the last good model
//! first, then a choice within a budget. Both write only under the store's lock, and
//! stop at any moment with nothing half-done. [`classify`] and [`infer`] run a model in
//! a worker, [`work`] is the worker's side of every job.

mod advice;
mod behave;
mod boot;
mod classify;
mod config;
mod cores;
mod entry;
mod error;
mod evaluate;
mod infer;
mod install;
mod measure;
mod notify;
mod prospect;
mod request;
mod search;
mod select;
mod selection;
mod speed;
mod work;

pub use behave::behave;
pub use boot::boot;
pub use classify::{Classified, classify};
pub use config::{Config, ConfigError, Cooling, Preset};
pub use cores::{Cores, CoresError};
pub use error::AgentError;
pub use evaluate::{Evaluated, Evaluation, evaluate};
pub use infer::infer;
pub use install::deploy;
pub use notify::{Notify, Systemd};
pub use request::Request;
pub use select::{bench, select};
pub use selection::{Elapsed, Selection};
pub use speed::{Probes, speeds};
pub use work::work;

use crate::base::{Clock, Fs, Stop, SysRoot};
use crate::board::power::Meter;
use crate::child::{Context, Spawn};
use crate::engine::Engine;

/// Everything outside the program, built once in `main`; tests replace any field.
#[derive(Debug)]
pub struct World {
    /// Where the board's files are read.
    pub sys: SysRoot,
    /// The store's file system.
    pub fs: Box<dyn Fs>,
    /// Time.
    pub clock: Box<dyn Clock>,
    /// Power meters found.
    pub meters: Vec<Box<dyn Meter>>,
    /// Engines in this binary.
    pub engines: Vec<Box<dyn Engine>>,
    /// Starts workers.
    pub spawn: Box<dyn Spawn>,
    /// The wish to stop.
    pub stop: Stop,
}

impl World {
    /// What a room needs to run a job.
    #[must_use]
    pub fn context(&self) -> Context<'_> {
        Context { spawn: &*self.spawn, clock: &*self.clock, sys: &self.sys, stop: &self.stop }
    }

    /// The world taken apart, so that meters can be read while the rest is looked at.
    fn parts(&mut self) -> Parts<'_> {
        let Self { sys, fs, clock, meters, engines, spawn, stop } = self;
        let ctx = Context { spawn: &**spawn, clock: &**clock, sys, stop };
        Parts { ctx, fs: &**fs, engines, meters }
    }
}

/// The world taken apart.
#[derive(Debug)]
struct Parts<'w> {
    ctx: Context<'w>,
    fs: &'w dyn Fs,
    engines: &'w [Box<dyn Engine>],
    meters: &'w mut [Box<dyn Meter>],
}
