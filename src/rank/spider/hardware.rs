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
/// units of the criteria), each target followed by 1 where there is one. A kind of work that no probe
/// has shown counts as the one that a prediction would take for it; a target that is not there is 0.
#[must_use]
pub fn hardware(rates: &Rates, targets: &Targets) -> Hardware {
    let pairs = || Kind::ALL.into_iter().flat_map(|kind| [(kind, false), (kind, true)]);
    let speed = |(kind, int8)| rates.nearest(kind, int8).map_or(0.0, |rate| rate.per_micro.ln());
    let overhead =
        |(kind, int8)| rates.nearest(kind, int8).map_or(0.0, |rate| rate.overhead.0.ln_1p());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Micros;
    use crate::rank::cost::roofline::Rate;

    #[test]
    fn a_kind_that_no_probe_has_shown_counts_as_its_nearest() {
        let rate = |kind, per_micro| Rate { kind, int8: true, overhead: Micros(1.0), per_micro };
        let of = |rates: &[Rate]| {
            let rates = Rates { inference: Micros(1.0), memory: 100.0, rates: rates.to_vec() };
            hardware(&rates, &Targets::default())
        };
        let shown = [rate(Kind::Other, 100.0), rate(Kind::Convolution, 900.0)];
        let pointwise = |found: &Hardware| {
            let place = Kind::ALL.iter().position(|kind| *kind == Kind::Pointwise).unwrap();
            found[2 * place + 1]
        };
        assert_eq!(pointwise(&of(&shown)), 900.0_f32.ln());
        let all = of(&[shown[0], shown[1], rate(Kind::Pointwise, 300.0)]);
        assert_eq!(pointwise(&all), 300.0_f32.ln());
        assert!(of(&shown)[..OVERHEADS + SPEEDS].iter().all(|number| *number != 0.0));
    }
}
