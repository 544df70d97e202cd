//! Floor 9: time. The loop that joins the stages: select, boot, history.

mod selection;

pub use selection::{Elapsed, Selection};

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
}
