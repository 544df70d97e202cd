//! Latency from the nodes of a model and the speeds that a board showed on probes.
//!
//! A node takes an overhead, and then as long as its operations or its bytes take, whichever
//! is longer (the roofline of Williams, Waterman and Patterson, 2009); a model takes the sum of
//! its nodes and the overhead of an inference. [`fit`] finds the speeds: by kind of work and
//! kind of number, from a probe of small nodes and one of large ones. Pure.

use serde::{Deserialize, Serialize};

use crate::base::Micros;
use crate::model::{Kind, Work};

/// What one kind of node costs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// Kind of work.
    pub kind: Kind,
    /// On eight bits.
    pub int8: bool,
    /// Of every node.
    pub overhead: Micros,
    /// Multiply-accumulates in a microsecond; bytes for [`Kind::Other`].
    pub per_micro: f64,
}

/// What a board does in one configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Of every inference.
    pub inference: Micros,
    /// Bytes in a microsecond: as many as any probe has moved.
    pub memory: f64,
    /// By kind, as far as probes have shown them.
    pub rates: Vec<Rate>,
}

/// What a node takes, in microseconds.
pub(super) struct Part {
    pub(super) overhead: f64,
    /// What its operations or its bytes take, whichever is longer,
    pub(super) longest: f64,
    /// and whether it is the bytes.
    pub(super) moves: bool,
}

/// A probe as it was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Probed {
    /// Which kind of work it is about, and whether on eight bits; the one that does next to
    /// nothing is about none.
    pub about: Option<(Kind, bool)>,
    /// Its nodes.
    pub work: Vec<Work>,
    /// Median latency.
    pub latency: Micros,
}

/// The order in which kinds are found: what moves memory is part of every probe.
const ORDER: [(Kind, bool); 18] = [
    (Kind::Other, false),
    (Kind::Other, true),
    (Kind::Pool, false),
    (Kind::Pool, true),
    (Kind::Planes, false),
    (Kind::Planes, true),
    (Kind::Pixels, false),
    (Kind::Pixels, true),
    (Kind::Stem, false),
    (Kind::Stem, true),
    (Kind::Convolution, false),
    (Kind::Convolution, true),
    (Kind::Depthwise, false),
    (Kind::Depthwise, true),
    (Kind::Pointwise, false),
    (Kind::Pointwise, true),
    (Kind::Product, false),
    (Kind::Product, true),
];
/// Kinds that stand in for one that no probe has shown, most alike first: of layers,
const LAYERS: [Kind; 6] =
    [Kind::Convolution, Kind::Pointwise, Kind::Product, Kind::Depthwise, Kind::Stem, Kind::Pool];
/// and of pictures.
const PICTURES: [Kind; 3] = [Kind::Planes, Kind::Pixels, Kind::Other];

/// Speeds from probes. A kind without a probe is left out; none at all without the one that is
/// about nothing and without probes of [`Kind::Other`].
#[must_use]
pub fn fit(probes: &[Probed]) -> Option<Rates> {
    let empty = probes.iter().find(|probe| probe.about.is_none())?;
    let bytes = |probe: &Probed| probe.work.iter().map(|work| work.bytes).sum::<u64>();
    let beside = |probe: &Probed| probe.latency.0 - empty.latency.0;
    let moved = |probe: &Probed| bytes(probe) as f64 / beside(probe);
    let moved = probes.iter().filter(|probe| beside(probe) > 0.0).map(moved);
    let memory = moved.fold(0.0, f64::max);
    let mut rates = Rates { inference: empty.latency, memory, rates: Vec::new() };
    for (kind, int8) in ORDER {
        let own: Vec<(f64, f64, f64)> = probes
            .iter()
            .filter(|probe| probe.about == Some((kind, int8)))
            .filter_map(|probe| rates.share(probe, kind, int8))
            .collect();
        if let Some((overhead, per_micro)) = line(&own) {
            rates.rates.push(Rate { kind, int8, overhead: Micros(overhead), per_micro });
        }
    }
    (rates.of(Kind::Other, false).is_some() && memory > 0.0).then_some(rates)
}

/// What a model takes here; none without nodes, or where a kind has neither speed nor likeness.
#[must_use]
pub fn latency(rates: &Rates, work: &[Work]) -> Option<Micros> {
    let nodes = work.iter().map(|work| rates.node(work)).sum::<Option<f64>>()?;
    (!work.is_empty()).then_some(Micros(rates.inference.0 + nodes))
}

impl Rates {
    /// The speed of a kind, as a probe has shown it.
    #[must_use]
    pub fn of(&self, kind: Kind, int8: bool) -> Option<&Rate> {
        self.rates.iter().find(|rate| (rate.kind, rate.int8) == (kind, int8))
    }

    /// The same, or the speed of what is most like it.
    pub(in crate::rank) fn nearest(&self, kind: Kind, int8: bool) -> Option<&Rate> {
        let any = |kind: &Kind| self.of(*kind, int8).or_else(|| self.of(*kind, !int8));
        let like: &[Kind] = match kind {
            Kind::Other => &[],
            Kind::Planes | Kind::Pixels => &PICTURES,
            _ => &LAYERS,
        };
        any(&kind).or_else(|| like.iter().find_map(any))
    }

    /// Microseconds of a node.
    fn node(&self, work: &Work) -> Option<f64> {
        self.part(work).map(|part| part.overhead + part.longest)
    }

    /// The same in its parts.
    pub(super) fn part(&self, work: &Work) -> Option<Part> {
        let rate = self.nearest(work.kind, work.int8)?;
        let (ops, bytes) = (work.ops as f64, work.bytes as f64);
        let (computed, moved) = match work.kind {
            // What only moves memory has shown its own speed.
            Kind::Other => (0.0, bytes / rate.per_micro),
            _ => (ops / rate.per_micro, bytes / self.memory),
        };
        let (longest, moves) = (computed.max(moved), moved > computed);
        Some(Part { overhead: rate.overhead.0, longest, moves })
    }

    /// What a probe says of one kind: its nodes, their amount of work, and the microseconds that
    /// are left of it beside everything else; none if nothing is.
    fn share(&self, probe: &Probed, kind: Kind, int8: bool) -> Option<(f64, f64, f64)> {
        let is_own = |work: &&Work| (work.kind, work.int8) == (kind, int8);
        let own: Vec<&Work> = probe.work.iter().filter(is_own).collect();
        let others = probe.work.iter().filter(|work| !is_own(work));
        let rest = others.map(|work| self.node(work)).sum::<Option<f64>>()?;
        let amount = |work: &&Work| if kind == Kind::Other { work.bytes } else { work.ops };
        let amount = own.iter().map(amount).sum::<u64>() as f64;
        let left = probe.latency.0 - self.inference.0 - rest;
        (left > 0.0).then_some((own.len() as f64, amount, left))
    }
}

/// Overhead of a node and work in a microsecond through the smallest and the largest amount:
/// `nodes * overhead + amount / speed = time`.
fn line(shares: &[(f64, f64, f64)]) -> Option<(f64, f64)> {
    let small = shares.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
    let large = shares.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let alone = |overhead: f64| {
        let left = large.2 - large.0 * overhead;
        (left > 0.0 && large.1 > 0.0).then(|| (overhead, large.1 / left))
    };
    let determinant = small.0 * large.1 - large.0 * small.1;
    let overhead = (small.2 * large.1 - large.2 * small.1) / determinant;
    let sound = determinant > 0.0 && overhead.is_finite() && overhead >= 0.0;
    alone(if sound { overhead } else { 0.0 }).or_else(|| alone(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(kind: Kind, ops: u64, bytes: u64) -> Work {
        Work { kind, int8: false, ops, bytes }
    }

    /// An inference of 5, other nodes of 1 and 100 bytes in a microsecond, convolutions of 2
    /// and 1000 operations in a microsecond.
    fn probes() -> Vec<Probed> {
        let of = |about: Option<Kind>, work: Vec<Work>, latency| {
            let about = about.map(|kind| (kind, false));
            Probed { about, work, latency: Micros(latency) }
        };
        let (other, conv) = (Kind::Other, Kind::Convolution);
        let with = |ops| vec![work(other, 0, 100), work(conv, ops, 200)];
        vec![
            of(None, vec![work(other, 0, 0)], 5.0),
            of(Some(other), vec![work(other, 0, 100); 2], 5.0 + 2.0 * (1.0 + 1.0)),
            of(Some(other), vec![work(other, 0, 10_000); 2], 5.0 + 2.0 * (1.0 + 100.0)),
            of(Some(conv), with(1000), 5.0 + 2.0 + 2.0 + 1.0),
            of(Some(conv), with(100_000), 5.0 + 2.0 + 2.0 + 100.0),
        ]
    }

    #[test]
    fn speeds_come_out_of_probes_that_were_made_of_them() {
        let rates = fit(&probes()).unwrap();
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9 * b;
        let other = rates.of(Kind::Other, false).unwrap();
        assert!(rates.inference.0 == 5.0 && near(other.overhead.0, 1.0), "{rates:?}");
        assert!(near(other.per_micro, 100.0), "{rates:?}");
        let conv = rates.of(Kind::Convolution, false).unwrap();
        assert!(near(conv.overhead.0, 2.0) && near(conv.per_micro, 1000.0), "{rates:?}");
        assert_eq!(rates.rates.len(), 2, "nothing is made up");
    }

    #[test]
    fn a_node_takes_as_long_as_its_operations_or_its_bytes() {
        let rates = fit(&probes()).unwrap();
        let of = |work: &[Work]| latency(&rates, work).unwrap().0;
        let (conv, other) = (Kind::Convolution, Kind::Other);
        assert!((of(&[work(conv, 50_000, 100)]) - (5.0 + 2.0 + 50.0)).abs() < 1e-6);
        // The largest sum moves 20,000 bytes in 202 microseconds.
        let moved = 9000.0 * 202.0 / 20_000.0;
        assert!((of(&[work(conv, 50_000, 9000)]) - (5.0 + 2.0 + moved)).abs() < 1e-6);
        assert!((of(&[work(other, 0, 300); 3]) - (5.0 + 3.0 * 4.0)).abs() < 1e-6);
        assert_eq!(latency(&rates, &[]), None);
    }

    #[test]
    fn a_kind_without_a_probe_runs_like_another_and_nothing_runs_without_memory() {
        let rates = fit(&probes()).unwrap();
        let depthwise = [Work { int8: true, ..work(Kind::Depthwise, 50_000, 100) }];
        assert!((latency(&rates, &depthwise).unwrap().0 - 57.0).abs() < 1e-6);
        assert_eq!(fit(&probes()[3..]), None);
        assert_eq!(fit(&[]), None);
    }

    #[test]
    fn noise_makes_no_speed_below_zero() {
        let mut noisy = probes();
        noisy[3].latency = Micros(8.5);
        noisy[4].latency = Micros(1000.0);
        let rates = fit(&noisy).unwrap();
        let conv = rates.of(Kind::Convolution, false).unwrap();
        assert!(conv.overhead.0 >= 0.0 && conv.per_micro > 0.0, "{conv:?}");
        noisy[3].latency = Micros(1.0);
        noisy[4].latency = Micros(1.0);
        assert_eq!(fit(&noisy).unwrap().of(Kind::Convolution, false), None);
    }
}
