//! A meter made of rails whose files the kernel offers.

use std::path::PathBuf;

use super::{Meter, Rail, Sample, Scope};
use crate::base::{Reading, SysRoot, Watts};
use crate::board::profile::{Profile, Role};

/// How a rail's power is read.
#[derive(Debug)]
pub(super) enum Gauge {
    /// Millivolts times milliamperes.
    VoltsTimesAmps(PathBuf, PathBuf),
    /// A file that holds power; so many of its units make a watt.
    Power(PathBuf, f64),
}

/// One rail as found when the meter was opened.
#[derive(Debug)]
pub(super) struct Channel {
    /// The kernel's label.
    pub(super) label: String,
    /// Where its power is.
    pub(super) gauge: Gauge,
}

/// The rails of one or more chips that belong together.
#[derive(Debug)]
pub(super) struct RailMeter {
    sys: SysRoot,
    source: String,
    scope: Scope,
    channels: Vec<(Channel, bool)>,
}

impl RailMeter {
    /// The first rail that the profile calls the total is the total and covers the
    /// board; without one the counted rails are added and cover themselves.
    pub(super) fn new(
        sys: &SysRoot,
        source: String,
        channels: Vec<Channel>,
        profile: &Profile,
    ) -> Option<Self> {
        let totals = profile.rail.iter().filter(|rail| rail.role == Role::Total);
        let total = totals
            .filter_map(|rail| channels.iter().position(|channel| channel.label == rail.label))
            .next();
        let counted = |at: usize, label: &str| match total {
            Some(total) => at == total,
            None => profile.role(label) == Role::Counted,
        };
        let channels: Vec<(Channel, bool)> = channels
            .into_iter()
            .enumerate()
            .map(|(at, channel)| {
                let counts = counted(at, &channel.label);
                (channel, counts)
            })
            .collect();
        let scope = if total.is_some() { Scope::Board } else { Scope::Rail };
        let any = channels.iter().any(|(_, counts)| *counts);
        any.then(|| Self { sys: sys.clone(), source, scope, channels })
    }

    fn power(&self, channel: &Channel) -> Reading<Watts> {
        match &channel.gauge {
            Gauge::Power(path, units) => {
                self.sys.number::<i64>(path).map(|value| Watts(value as f64 / units))
            }
            Gauge::VoltsTimesAmps(volts, amps) => {
                let millivolts = self.sys.number::<i64>(volts);
                let milliamps = self.sys.number::<i64>(amps);
                both(millivolts, milliamps).map(|(v, i)| Watts(v as f64 * i as f64 * 1e-6))
            }
        }
    }
}

/// Both values, or the reason why one is missing.
fn both<A, B>(a: Reading<A>, b: Reading<B>) -> Reading<(A, B)> {
    match (a, b) {
        (Reading::Value { value, source }, Reading::Value { value: other, .. }) => {
            Reading::of((value, other), source)
        }
        (Reading::Value { .. }, missing) => missing.and_then(|_| None),
        (missing, _) => missing.and_then(|_| None),
    }
}

impl Meter for RailMeter {
    fn source(&self) -> &str {
        &self.source
    }

    fn scope(&self) -> Scope {
        self.scope
    }

    fn rails(&mut self) -> Vec<Rail> {
        let rails = self.channels.iter().map(|(channel, counted)| Rail {
            label: channel.label.clone(),
            power: self.power(channel),
            counted: *counted,
        });
        rails.collect()
    }

    /// A rail that does not answer makes the total unknown, not smaller.
    fn sample(&mut self) -> Reading<Sample> {
        let counted = self.channels.iter().filter(|(_, counted)| *counted);
        let mut total = Reading::of(Watts(0.0), self.source.clone());
        for (channel, _) in counted {
            total = both(total, self.power(channel)).map(|(sum, next)| Watts(sum.0 + next.0));
        }
        total.map(Sample::Power)
    }
}
