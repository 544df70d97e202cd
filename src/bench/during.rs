//! The board while the steady part runs, as the parent sees it ten times a second.

use serde::{Deserialize, Serialize};

use crate::base::{Hertz, SysRoot};
use crate::board::Watch;

/// What was seen while the steady part ran; `None` where it cannot be read.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct During {
    /// Median clock of the fastest processor in use.
    pub clock: Option<Hertz>,
    /// The lowest clock seen.
    pub clock_lowest: Option<Hertz>,
    /// The clock that a busy processor should have reached.
    pub clock_bound: Option<Hertz>,
    /// Throttle flags that were in force at any look, or came and went between two.
    pub throttled: Option<Vec<String>>,
    /// Share of its time that the worker waited while others had the processor.
    pub waited: Option<f64>,
}

/// Collects looks.
#[derive(Debug)]
pub(super) struct Looks {
    watch: Watch,
    clocks: Vec<Hertz>,
    /// Flags since boot, before it began.
    known: Option<Vec<String>>,
    seen: Vec<String>,
}

impl Looks {
    /// Over the processors of this list, or over all; notes what happened before.
    pub(super) fn over(sys: &SysRoot, cpus: &[u32]) -> Self {
        let watch = Watch::over(sys, cpus);
        let known = watch.throttled(sys).map(|(_, since_boot)| since_boot);
        Self { watch, clocks: Vec::new(), known, seen: Vec::new() }
    }

    /// One look while it runs.
    pub(super) fn look(&mut self, sys: &SysRoot) {
        self.clocks.extend(self.watch.clock(sys));
        self.note(self.watch.throttled(sys).map(|(now, _)| now));
    }

    /// What was seen, with a last look at what happened since boot.
    pub(super) fn end(mut self, sys: &SysRoot, waited: Option<f64>) -> During {
        if let (Some((_, happened)), Some(known)) = (self.watch.throttled(sys), self.known.take()) {
            self.note(Some(happened.into_iter().filter(|flag| !known.contains(flag)).collect()));
            self.known = Some(known);
        }
        self.clocks.sort_unstable();
        During {
            clock: self.clocks.get(self.clocks.len() / 2).copied(),
            clock_lowest: self.clocks.first().copied(),
            clock_bound: self.watch.bound(),
            throttled: self.known.is_some().then_some(self.seen),
            waited,
        }
    }

    fn note(&mut self, flags: Option<Vec<String>>) {
        for flag in flags.unwrap_or_default() {
            if !self.seen.contains(&flag) {
                self.seen.push(flag);
            }
        }
    }
}
