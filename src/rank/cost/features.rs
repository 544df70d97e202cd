//! What models are made of, on one scale.

use nalgebra::DMatrix;

use crate::model::{Card, Kind, Quantization, Work};

/// What a model is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Traits {
    /// Amounts of work and data in one fixed order (multiply-accumulates first, then as the
    /// caller likes: by kind of operator, parameters, activations), none negative.
    pub amounts: Vec<f64>,
    /// Quantised to eight bits.
    pub int8: bool,
}

impl Traits {
    /// From a card.
    #[must_use]
    pub fn of(card: &Card) -> Self {
        let real = [Quantization::Float32, Quantization::Float16, Quantization::Mixed];
        let macs = card.macs.unwrap_or(0) as f64;
        Self::of_work(&card.work, macs, !real.contains(&card.quantization))
    }

    /// From nodes: operations in all and by kind, bytes moved, nodes.
    #[must_use]
    pub fn of_work(nodes: &[Work], macs: f64, int8: bool) -> Self {
        let sum = |kind: Kind| {
            let own = nodes.iter().filter(|work| work.kind == kind);
            own.map(|work| work.ops as f64).sum::<f64>()
        };
        let bytes = nodes.iter().map(|work| work.bytes as f64).sum::<f64>();
        let kinds = [Kind::Convolution, Kind::Depthwise, Kind::Pointwise, Kind::Product].map(sum);
        let all = [macs].into_iter().chain(kinds).chain([bytes, nodes.len() as f64]);
        Self { amounts: all.collect(), int8 }
    }
}

/// Standardised logarithms of the amounts, a row for each model, and the type of its numbers.
#[derive(Debug, Clone)]
pub(super) struct Features {
    /// Mean 0 and deviation 1 in each column.
    pub(super) scaled: DMatrix<f64>,
    /// 1 for eight bits, -1 otherwise; 0 if all are alike.
    pub(super) int8: Vec<f64>,
}

impl Features {
    pub(super) fn of(traits: &[Traits]) -> Self {
        let width = traits.iter().map(|traits| traits.amounts.len()).max().unwrap_or(0);
        let amount = |model: usize, feature: usize| {
            let amounts = traits.get(model).map_or(&[][..], |traits| &traits.amounts);
            amounts.get(feature).copied().unwrap_or(0.0).max(0.0).ln_1p()
        };
        let mut scaled = DMatrix::from_fn(traits.len(), width, amount);
        for mut column in scaled.column_iter_mut() {
            let mean = column.mean();
            let deviation = column.variance().sqrt();
            let scale = if deviation > 1e-9 { 1.0 / deviation } else { 0.0 };
            column.apply(|value| *value = (*value - mean) * scale);
        }
        let mixed = traits.iter().any(|t| t.int8) && traits.iter().any(|t| !t.int8);
        let sign = |traits: &Traits| match (mixed, traits.int8) {
            (false, _) => 0.0,
            (true, true) => 1.0,
            (true, false) => -1.0,
        };
        Self { scaled, int8: traits.iter().map(sign).collect() }
    }

    /// The type of a model's numbers.
    pub(super) fn kind(&self, model: usize) -> f64 {
        self.int8.get(model).copied().unwrap_or(0.0)
    }

    /// Standardised logarithm of the first amount.
    pub(super) fn work(&self, model: usize) -> f64 {
        self.scaled.get((model, 0)).copied().unwrap_or(0.0)
    }

    /// Inner product and squared distance of two models, each per feature.
    pub(super) fn relate(&self, i: usize, j: usize) -> (f64, f64) {
        let width = self.scaled.ncols();
        let (mut product, mut distance) = (0.0, 0.0);
        for feature in 0..width {
            let at = |model: usize| self.scaled.get((model, feature)).copied().unwrap_or(0.0);
            let (a, b) = (at(i), at(j));
            product += a * b;
            distance += (a - b) * (a - b);
        }
        let width = width.max(1) as f64;
        (product / width, distance / width)
    }
}
