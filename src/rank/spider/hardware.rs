//! What the ranker knows of the board and of what is wanted on it.

use crate::model::Kind;
use crate::rank::cost::roofline::Rates;
use crate::task::Targets;

const SPEEDS: usize = 2 * Kind::ALL.len();
const OVERHEADS: usize = SPEEDS + 1;
const WANTS: usize = 2 * 4;
/// Numbers of a board.
pub const HARDWARE: usize = SPEEDS + OVERHEADS + WANTS;
/// Where its groups lie, each of which is one token: how fast it computes and moves memory;
/// what a node and an inference cost beside that; the targets of latency, memory, energy and
/// storage.
pub const GROUPS: [std::ops::Range<usize>; 3] =
    [0..SPEEDS, SPEEDS..SPEEDS + OVERHEADS, SPEEDS + OVERHEADS..HARDWARE];

/// The numbers of one board, raw.
pub type Hardware = [f32; HARDWARE];

/// From the speeds that probes showed, and what is good enough: natural logarithms of speeds (work in
/// a microsecond), of one more than the overheads (microseconds), of the targets (in the
/// units of the criteria), each target followed by 1 where there is one. What is not known is 0.
#[must_use]
pub fn hardware(rates: &Rates, targets: &Targets) -> Hardware {
    let pairs = || Kind::ALL.into_iter().flat_map(|kind| [(kind, false), (kind, true)]);
    let speed = |(kind, int8)| rates.of(kind, int8).map_or(0.0, |rate| rate.per_micro.ln());
    let overhead = |(kind, int8)| rates.of(kind, int8).map_or(0.0, |rate| rate.overhead.0.ln_1p());
    let wanted = [
        targets.latency.map(|micros| micros.0),
        targets.memory.map(|bytes| bytes.0 as f64),
        targets.energy.map(|joules| joules.0),
        targets.storage.map(|bytes| bytes.0 as f64),
    ];
    let logarithm = |value: f64| value.max(f64::MIN_POSITIVE).ln();
    let wants = wanted.iter().flat_map(|target| match target {
        Some(target) => [logarithm(*target), 1.0],
        None => [0.0, 0.0],
    });
    let numbers = pairs()
        .map(speed)
        .chain(pairs().map(overhead))
        .chain([rates.inference.0.ln_1p()])
        .chain(wants);
    let mut found = [0.0; HARDWARE];
    for (place, number) in found.iter_mut().zip(numbers) {
        *place = number as f32;
    }
    found
}
