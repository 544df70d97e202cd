//! What is added to every output of a product.

use super::term::Term;
use super::weights::spread;
use crate::engine::native::ir::Weights;
use crate::model::Dtype;

/// A constant added to products, one per output or one for all.
#[derive(Debug, Clone)]
pub(super) enum Bias {
    /// 32-bit integers, and the step of each (one, or one per output).
    Steps(Vec<i32>, Vec<f32>),
    /// Single precision.
    Reals(Vec<f32>),
}

/// Steps that differ by no more are the same number, rounded on different ways.
const SAME: f32 = 1e-5;

impl Bias {
    /// Reads one.
    pub(super) fn read(term: &Term) -> Option<Self> {
        if let Term::Frozen(frozen) = term
            && frozen.tensor.dtype() == Dtype::Int32
            && frozen.how.zero_point.iter().all(|zero| *zero == 0)
        {
            let steps = frozen.tensor.to_i64()?.into_iter();
            let steps = steps.map(|n| i32::try_from(n).ok()).collect::<Option<_>>()?;
            return Some(Self::Steps(steps, frozen.how.scale.clone()));
        }
        term.reals().map(Self::Reals)
    }

    fn reals(&self) -> Vec<f32> {
        match self {
            Self::Reals(values) => values.clone(),
            Self::Steps(values, scale) => {
                let scale = spread(scale.clone(), values.len());
                values.iter().zip(scale).map(|(value, scale)| *value as f32 * scale).collect()
            }
        }
    }

    /// Elements.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Reals(values) => values.len(),
            Self::Steps(values, _) => values.len(),
        }
    }

    /// Times a factor.
    pub(super) fn times(self, factor: f32) -> Self {
        if factor == 1.0 {
            return self;
        }
        Self::Reals(self.reals().into_iter().map(|value| value * factor).collect())
    }
}

/// Adds a bias to weights of this many outputs; none if it has another length.
///
/// On integers it is rounded to steps of the product, as ONNX Runtime rounds a float bias;
/// where that changes it, the exact one is kept beside for results that stay real.
pub(super) fn add(weights: &mut Weights, outputs: usize, more: &Bias) -> Option<()> {
    if more.len() != 1 && more.len() != outputs {
        return None;
    }
    match weights {
        Weights::Reals(_, bias) => *bias = sum(bias, &spread(more.reals(), outputs)),
        Weights::Codes { scale, bias, real_bias, .. } => {
            let scale = spread(scale.clone(), outputs);
            if let Bias::Steps(steps, step) = more
                && bias.is_empty()
                && same(&spread(step.clone(), outputs), &scale)
            {
                *bias = spread(steps.clone(), outputs);
                return Some(());
            }
            let known = if real_bias.is_empty() {
                bias.iter().zip(&scale).map(|(bias, scale)| *bias as f32 * scale).collect()
            } else {
                std::mem::take(real_bias)
            };
            *real_bias = sum(&known, &spread(more.reals(), outputs));
            let round = |(value, scale): (&f32, &f32)| (value / scale).round_ties_even() as i32;
            *bias = real_bias.iter().zip(&scale).map(round).collect();
        }
    }
    Some(())
}

fn sum(a: &[f32], b: &[f32]) -> Vec<f32> {
    if a.is_empty() {
        return b.to_vec();
    }
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

fn same(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= SAME * b.abs())
}
