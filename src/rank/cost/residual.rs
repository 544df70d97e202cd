//! What adding up nodes leaves: a learned correction of a cost that [`roofline`] predicts.
//!
//! The network (`onnx/ranker/shadow.onnx`) reads what a model is made of and what its parts take
//! ([`model`]) beside what the board is like ([`board`]). No number depends on how fast the board
//! is or in what unit it counts: a board twice as fast in all gets the same correction. How it was
//! trained and how good it is say docs/ranker.md and docs/evaluation-hardware.md.

use super::roofline::{self, Rates};
use crate::engine::{self, Engine, EngineError, LoadOptions, Session};
use crate::model::{Kind, Stage, Tensor, Work};

const KINDS: usize = Kind::ALL.len();
/// Numbers of a model that do not depend on the board; they come first.
pub const CARD: usize = 4 + 2 * KINDS;
/// Numbers of a model.
pub const MODEL: usize = CARD + KINDS + 3;
/// Numbers of a board.
pub const BOARD: usize = 2 * 2 * KINDS + 4;
/// Deviation of the logarithm of a cost that rates from probes predict: what fitted rates come to
/// on the tables once half of a board's models were measured.
pub const BY_PROBES: f64 = 0.15;
/// Measured models that probes count as: about as many as there are probes, or models in half of a
/// board's rows.
pub const PROBES: usize = 37;

/// Names of the inputs and the output of the file.
pub mod names {
    /// Models x [`MODEL`](super::MODEL).
    pub const MODELS: &str = "models";
    /// 1 x [`BOARD`](super::BOARD).
    pub const BOARD: &str = "board";
    /// Models x 2: the correction in deviations that were expected, and the logarithm of the ratio
    /// of its deviation to the expected one.
    pub const CORRECTIONS: &str = "corrections";
}

/// What is predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// Time of an inference.
    Latency,
    /// Energy of an inference.
    Energy,
}

/// The correction of the logarithm of a cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Correction {
    /// What is to be added.
    pub mean: f64,
    /// Its deviation.
    pub deviation: f64,
}

/// The numbers of one model under the rates of a board: natural logarithms of one more than its
/// nodes, operations and bytes; the share of bytes in nodes on eight bits; shares of operations,
/// of bytes and of the predicted cost by kind of work; the shares of the cost that are overhead
/// and waiting for memory; the logarithm of the deviation that is expected of the prediction. None
/// where the roofline has none.
#[must_use]
pub fn model(rates: &Rates, work: &[Work], expected: f64) -> Option<[f32; MODEL]> {
    let parts = work.iter().map(|work| rates.part(work)).collect::<Option<Vec<_>>>()?;
    let total = roofline::latency(rates, work)?.0;
    let sum = |of: &dyn Fn(&Work) -> u64| work.iter().map(|work| of(work) as f64).sum::<f64>();
    let (ops, bytes) = (sum(&|work| work.ops), sum(&|work| work.bytes));
    let on_codes = sum(&|work| if work.int8 { work.bytes } else { 0 });
    let share = |part: f64, all: f64| if all > 0.0 { part / all } else { 0.0 };
    let by_kind = |of: &dyn Fn(&Work, f64) -> f64, all: f64| -> Vec<f64> {
        let own = |kind: Kind| {
            let pairs = work.iter().zip(&parts).filter(|(work, _)| work.kind == kind);
            pairs.map(|(work, part)| of(work, part.overhead + part.longest)).sum::<f64>()
        };
        Kind::ALL.into_iter().map(|kind| share(own(kind), all)).collect()
    };
    let overhead = rates.inference.0 + parts.iter().map(|part| part.overhead).sum::<f64>();
    let waits = parts.iter().filter(|part| part.moves).map(|part| part.longest).sum::<f64>();
    let sizes = [(work.len() as f64).ln_1p(), ops.ln_1p(), bytes.ln_1p(), share(on_codes, bytes)];
    let numbers = sizes
        .into_iter()
        .chain(by_kind(&|work, _| work.ops as f64, ops))
        .chain(by_kind(&|work, _| work.bytes as f64, bytes))
        .chain(by_kind(&|_, time| time, total))
        .chain([share(overhead, total), share(waits, total), expected.ln()]);
    Some(filled(numbers))
}

/// The numbers of one board: by kind of work and number, the logarithm of its speed beside that
/// of pointwise convolutions, and that of one more than the work that is lost in an overhead; the same of the
/// speed of memory and of the overhead of an inference; the logarithm of one more than the
/// models or probes measured; 1 for energy. What is not known is 0.
#[must_use]
pub fn board(rates: &Rates, measured: usize, cost: Cost) -> [f32; BOARD] {
    let mean = usual(rates);
    let pairs = || Kind::ALL.into_iter().flat_map(|kind| [(kind, false), (kind, true)]);
    let speed = |(kind, int8)| rates.of(kind, int8).map_or(0.0, |rate| rate.per_micro.ln() - mean);
    let lost = |overhead: f64| (overhead * mean.exp()).ln_1p();
    let overhead = |(kind, int8)| rates.of(kind, int8).map_or(0.0, |rate| lost(rate.overhead.0));
    let ends = [
        rates.memory.ln() - mean,
        lost(rates.inference.0),
        (measured as f64).ln_1p(),
        f64::from(u8::from(cost == Cost::Energy)),
    ];
    filled(pairs().map(speed).chain(pairs().map(overhead)).chain(ends))
}

/// Mean logarithm of the speeds of pointwise convolutions; of all where they have none.
fn usual(rates: &Rates) -> f64 {
    let mean = |of: &dyn Fn(Kind) -> bool| {
        let own: Vec<f64> = rates
            .rates
            .iter()
            .filter(|rate| of(rate.kind))
            .map(|rate| rate.per_micro.ln())
            .collect();
        (!own.is_empty()).then(|| own.iter().sum::<f64>() / own.len() as f64)
    };
    mean(&|kind| kind == Kind::Pointwise).or_else(|| mean(&|_| true)).unwrap_or(0.0)
}

fn filled<const N: usize>(numbers: impl Iterator<Item = f64>) -> [f32; N] {
    let mut found = [0.0; N];
    for (place, number) in found.iter_mut().zip(numbers) {
        *place = number as f32;
    }
    found
}

/// The file at work, for so many models.
#[derive(Debug)]
pub struct Residual {
    session: Box<dyn Session>,
    models: usize,
}

impl Residual {
    /// Loads a validated file on the first engine of the house that runs it.
    ///
    /// # Errors
    /// [`EngineError`]: there is nothing to correct, or no engine runs the file.
    pub fn new(
        file: &[u8],
        engines: &[Box<dyn Engine>],
        models: usize,
    ) -> Result<Self, EngineError> {
        if models == 0 {
            return Err(EngineError::new(Stage::Load, "a correction needs models"));
        }
        let sizes = [(names::MODELS, [models, MODEL]), (names::BOARD, [1, BOARD])];
        let options = LoadOptions {
            outputs: Some(vec![names::CORRECTIONS.to_owned()]),
            input_shapes: sizes.map(|(name, size)| (name.to_owned(), size.to_vec())).to_vec(),
            threads: 1,
        };
        let session = engine::choose(engines, file)?.load(file, &options)?.optimise()?;
        Ok(Self { session, models })
    }

    /// A correction for each model, whose prediction is expected to be off by so much.
    ///
    /// # Errors
    /// [`EngineError`]: there are more or fewer models, or the file failed on them.
    pub fn corrections(
        &mut self,
        models: &[[f32; MODEL]],
        board: &[f32; BOARD],
        expected: f64,
    ) -> Result<Vec<Correction>, EngineError> {
        let wrong = |why: &str| EngineError::new(Stage::Run, why);
        if models.len() != self.models {
            return Err(wrong("another number of models"));
        }
        let inputs: Vec<Tensor> = self
            .session
            .inputs()
            .iter()
            .map(|wanted| match wanted.name.as_str() {
                names::BOARD => Tensor::from_f32(vec![1, BOARD], board),
                _ => Tensor::from_f32(vec![models.len(), MODEL], models.as_flattened()),
            })
            .collect();
        let outputs = self.session.run(&inputs)?;
        let found = outputs.first().and_then(Tensor::to_f32).unwrap_or_default();
        if found.len() != 2 * self.models || found.iter().any(|number| !number.is_finite()) {
            return Err(wrong("the file gave no correction for some model"));
        }
        let pairs = found.as_chunks::<2>().0.iter();
        Ok(pairs.map(|pair| Correction::of(*pair, expected)).collect())
    }
}

impl Correction {
    /// From what the network says, for an expected deviation.
    #[must_use]
    pub fn of([mean, ratio]: [f32; 2], expected: f64) -> Self {
        Self { mean: expected * f64::from(mean), deviation: expected * f64::from(ratio).exp() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Micros;
    use crate::rank::cost::roofline::Rate;

    fn rates(faster: f64) -> Rates {
        let rate = |kind, int8, overhead: f64, per_micro: f64| Rate {
            kind,
            int8,
            overhead: Micros(overhead / faster),
            per_micro: per_micro * faster,
        };
        Rates {
            inference: Micros(5.0 / faster),
            memory: 900.0 * faster,
            rates: vec![
                rate(Kind::Other, false, 1.0, 500.0),
                rate(Kind::Convolution, true, 2.0, 4000.0),
            ],
        }
    }

    fn work() -> [Work; 3] {
        let conv = Work { kind: Kind::Convolution, int8: true, ops: 400_000, bytes: 2000 };
        let wide = Work { ops: 4000, bytes: 90_000, ..conv };
        [conv, wide, Work { kind: Kind::Other, int8: false, ops: 0, bytes: 5000 }]
    }

    #[test]
    fn a_board_twice_as_fast_in_all_looks_the_same() {
        let near = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
        let of = |faster| (model(&rates(faster), &work(), 0.2).unwrap(), rates(faster));
        let ((one, slow), (two, fast)) = (of(1.0), of(2.0));
        assert!(near(&one, &two), "{one:?} {two:?}");
        let (a, b) = (board(&slow, 3, Cost::Latency), board(&fast, 3, Cost::Latency));
        assert!(near(&a, &b), "{a:?} {b:?}");
        assert_ne!(a, board(&slow, 3, Cost::Energy));
        assert_ne!(a, board(&slow, 10, Cost::Latency));
    }

    #[test]
    fn shares_are_shares() {
        let found = model(&rates(1.0), &work(), 0.2).unwrap();
        let [ops, bytes, time] =
            [4, 4 + KINDS, 4 + 2 * KINDS].map(|from| found[from..from + KINDS].iter().sum::<f32>());
        assert!((ops - 1.0).abs() < 1e-6 && (bytes - 1.0).abs() < 1e-6);
        // An inference costs 5, nodes 5 in all; 100 for operations, 100 and 10 for bytes.
        assert!((time - 215.0 / 220.0).abs() < 1e-6, "{time}");
        let [overhead, waits] = [found[MODEL - 3], found[MODEL - 2]];
        assert!((overhead - 10.0 / 220.0).abs() < 1e-6, "{overhead}");
        assert!((waits - 110.0 / 220.0).abs() < 1e-6, "{waits}");
        assert_eq!(model(&rates(1.0), &[], 0.2), None);
    }
}
