//! The parent's ear: what a worker has said so far, and what the meter said meanwhile.

use std::time::Duration;

use super::energy::{Gauge, NoEnergy, Total};
use super::worker::Report;
use crate::base::{Bytes, Clock, Micros};
use crate::child::{Confinement, Next, Watch, decode_frame};
use crate::model::{Rejection, Stage};

/// What a worker has said.
#[derive(Debug)]
pub(super) struct Heard<'a> {
    clock: &'a dyn Clock,
    pub(super) gauge: Option<Gauge<'a>>,
    /// What it is doing, and where it falls out if it falls out now.
    pub(super) doing: (&'static str, Stage),
    pub(super) load: Option<Micros>,
    pub(super) optimise: Option<Micros>,
    pub(super) convolutions: Option<(u64, u64)>,
    pub(super) first: Option<Micros>,
    pub(super) samples: Vec<u64>,
    pub(super) total: Result<Total, NoEnergy>,
    pub(super) memory: Option<(Option<Bytes>, Option<Bytes>)>,
    pub(super) failed: Option<Rejection>,
    pub(super) confinement: Option<Confinement>,
    pub(super) waited: Option<f64>,
    running: bool,
}

impl<'a> Heard<'a> {
    /// Nothing yet.
    pub(super) fn new(clock: &'a dyn Clock, gauge: Option<Gauge<'a>>) -> Self {
        let total = Err(if gauge.is_some() { NoEnergy::Lost } else { NoEnergy::NoMeter });
        Self {
            clock,
            gauge,
            doing: ("loading", Stage::Load),
            load: None,
            optimise: None,
            convolutions: None,
            first: None,
            samples: Vec::new(),
            total,
            memory: None,
            failed: None,
            confinement: None,
            waited: None,
            running: false,
        }
    }

    /// Listens, and looks at the meter while the steady part runs.
    pub(super) fn hear(&mut self, watch: Watch<'_>) -> Next {
        let at = self.clock.now();
        let Watch::Frame(frame) = watch else {
            self.look(at);
            return Next::Continue;
        };
        match decode_frame(frame) {
            Some(report) => self.note(report, at),
            None => {
                self.failed = Some(nonsense());
                return Next::Kill;
            }
        }
        Next::Continue
    }

    /// Whether the steady part runs.
    pub(super) fn is_running(&self) -> bool {
        self.running
    }

    fn look(&mut self, at: Duration) {
        if let Some(gauge) = self.gauge.as_mut().filter(|_| self.running) {
            gauge.look(at);
        }
    }

    fn note(&mut self, report: Report, at: Duration) {
        match report {
            Report::Began(confinement) => self.confinement = Some(confinement),
            Report::Waited(share) => self.waited = share,
            Report::Loaded { nanos } => {
                (self.load, self.doing) = (Some(micros(nanos)), ("optimising", Stage::Optimise));
            }
            Report::Optimised { nanos, convolutions } => {
                (self.optimise, self.convolutions) = (Some(micros(nanos)), Some(convolutions));
                self.doing = ("running for the first time", Stage::First);
            }
            Report::First { nanos } => {
                (self.first, self.doing) = (Some(micros(nanos)), ("checking", Stage::Golden));
            }
            Report::Golden { .. } => self.doing = ("warming up", Stage::Run),
            Report::Warm { .. } => self.doing = ("running", Stage::Run),
            Report::SteadyBegin => self.begin(at),
            Report::Block(nanos) => self.samples.extend(nanos),
            Report::SteadyEnd => self.end(at),
            Report::Memory { peak, private } => self.memory = Some((peak, private)),
            Report::Failed(rejection) => self.failed = Some(rejection),
        }
    }

    fn begin(&mut self, at: Duration) {
        self.running = true;
        if let Some(gauge) = &mut self.gauge {
            gauge.begin(at);
        }
    }

    fn end(&mut self, at: Duration) {
        self.running = false;
        if let Some(gauge) = &mut self.gauge {
            self.total = gauge.end(at);
        }
    }
}

fn micros(nanos: u64) -> Micros {
    Micros(nanos as f64 / 1000.0)
}

fn nonsense() -> Rejection {
    let reason = "the worker sent a report that is none".to_owned();
    let help = "Agent and worker must be the same program: install it again.".to_owned();
    Rejection { stage: Stage::Process, reason, help: Some(help) }
}
