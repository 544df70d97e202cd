//! The pause before a measurement: a board that is still hot from the last one would
//! throttle in the next.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::{Celsius, Event, Sink, SysRoot};
use crate::board;
use crate::child::Context;

/// Kept from where a zone throttles, unless a temperature is named.
const MARGIN: f64 = 10.0;
/// Between two looks at the zones.
const STEP: Duration = Duration::from_millis(250);

/// How cool the board is to be before it is measured, and how long that may take.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cool {
    /// The hottest zone is to be below this; `None`: each zone ten degrees below where it
    /// throttles, as far as that is known.
    pub below: Option<Celsius>,
    /// Wait so long at most; zero does not wait.
    pub wait: Duration,
}

/// A pause that was made.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cooled {
    /// How long.
    pub seconds: f64,
    /// Temperature at its beginning, of the zone that is furthest over its bound.
    pub from: Celsius,
    /// At its end.
    pub to: Celsius,
    /// What was waited for.
    pub below: Celsius,
    /// Whether that came.
    pub reached: bool,
    /// Whether somebody had named the temperature.
    pub named: bool,
}

/// The zone that is furthest over its bound, or nearest to it.
fn hottest(sys: &SysRoot, below: Option<Celsius>) -> Option<(Celsius, Celsius)> {
    let zones = board::thermal(sys);
    let known = zones.iter().filter_map(|zone| {
        let margin = || zone.throttle_at.value().map(|at| Celsius(at.0 - MARGIN));
        Some((*zone.temperature.value()?, below.or_else(margin)?))
    });
    known.max_by(|a, b| (a.0.0 - a.1.0).total_cmp(&(b.0.0 - b.1.0)))
}

/// Waits until the board is cool enough; what came of it where there was anything to wait
/// for. Somebody who wants to stop ends it.
pub(super) fn wait(cool: &Cool, ctx: Context<'_>, sink: &mut dyn Sink) -> Option<Cooled> {
    let (from, below) = hottest(ctx.sys, cool.below).filter(|(now, below)| now >= below)?;
    let begun = ctx.clock.now();
    let (mut to, mut below, mut spent) = (from, below, Duration::ZERO);
    let mut told = None;
    while to >= below && spent < cool.wait && !ctx.stop.wanted() {
        let seconds = spent.as_secs();
        if told.replace(seconds) != Some(seconds) {
            let text = format!("cooling: {:.0} C, until below {:.0} C", to.0, below.0);
            sink.event(Event::Wait { text: &text, seconds, most: cool.wait.as_secs() });
        }
        ctx.clock.sleep(STEP.min(cool.wait.saturating_sub(spent)));
        sink.event(Event::Tick);
        spent = ctx.clock.now().saturating_sub(begun);
        (to, below) = hottest(ctx.sys, cool.below).unwrap_or((to, below));
    }
    let (seconds, named) = (spent.as_secs_f64(), cool.below.is_some());
    Some(Cooled { seconds, from, to, below, reached: to < below, named })
}
