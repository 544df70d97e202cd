//! The network: two hidden layers; of the first, the board's part is computed once.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Result, Tensor, Var};
use umbra::base::random::SplitMix64;
use umbra::rank::cost::residual::{BOARD, MODEL};

use crate::ranker::network::Normal;

/// Weights by name, each inputs x outputs.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    pub(crate) weights: BTreeMap<&'static str, Var>,
}

impl Network {
    /// Random weights from a seed; the last layer begins at no correction.
    pub(crate) fn new(hidden: usize, seed: u64) -> Result<Self> {
        let mut random = Normal(SplitMix64::new(seed));
        let mut matrix =
            |rows: usize, columns: usize| random.matrix(rows, columns, 1.0 / (rows as f64).sqrt());
        let blank = |columns| Var::zeros((1, columns), DType::F32, &Device::Cpu);
        let weights = BTreeMap::from([
            ("model.w", matrix(MODEL, hidden)?),
            ("board.w", matrix(BOARD, hidden)?),
            ("first.b", blank(hidden)?),
            ("second.w", matrix(hidden, hidden)?),
            ("second.b", blank(hidden)?),
            ("last.w", Var::zeros((hidden, 2), DType::F32, &Device::Cpu)?),
            ("last.b", blank(2)?),
        ]);
        Ok(Self { weights })
    }

    /// A weight; one that is not there is a mistake of this program that the tensor library names.
    pub(crate) fn weight(&self, name: &str) -> Result<&Tensor> {
        let found = self.weights.get(name).map(Var::as_tensor);
        found.ok_or_else(|| candle_core::Error::Msg(format!("no weight {name}")))
    }

    /// Mean and logarithm of the deviation, rows x 2, of standardised rows.
    pub(crate) fn corrections(&self, models: &Tensor, boards: &Tensor) -> Result<Tensor> {
        let of_models = models.matmul(self.weight("model.w")?)?;
        let of_boards = boards.matmul(self.weight("board.w")?)?;
        let both = of_models.broadcast_add(&of_boards)?;
        let first = both.broadcast_add(self.weight("first.b")?)?.relu()?;
        let second = first.matmul(self.weight("second.w")?)?;
        let second = second.broadcast_add(self.weight("second.b")?)?.relu()?;
        second.matmul(self.weight("last.w")?)?.broadcast_add(self.weight("last.b")?)
    }
}

/// How strongly a correction is drawn towards none, and its deviation towards the expected one.
const PULL: [f64; 2] = [0.3, 1.0];

/// Negative logarithm of the density of the errors, in expected deviations, and what pulls; means.
pub(crate) fn loss(said: &Tensor, errors: &Tensor) -> Result<Tensor> {
    let (mean, ratio) = (said.narrow(1, 0, 1)?, said.narrow(1, 1, 1)?);
    let apart = ((errors - &mean)? / ratio.exp()?)?;
    let density = (&ratio + (apart.sqr()? * 0.5)?)?;
    let pull = ((mean.sqr()? * PULL[0])? + (ratio.sqr()? * PULL[1])?)?;
    (density + pull)?.mean_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loss_is_that_of_a_normal_error() {
        let said = Tensor::new(&[[0.5_f32, 0.2], [0.0, 0.0]], &Device::Cpu).unwrap();
        let errors = Tensor::new(&[[1.5_f32], [2.0]], &Device::Cpu).unwrap();
        let found = loss(&said, &errors).unwrap().to_scalar::<f32>().unwrap();
        let first = 0.2 + 0.5 * (1.0 / 0.2_f64.exp()).powi(2) + 0.3 * 0.25 + 0.04;
        assert!((f64::from(found) - 0.5 * (first + 2.0)).abs() < 1e-6, "{found}");
    }

    #[test]
    fn an_untaught_network_corrects_nothing() {
        let network = Network::new(8, 3).unwrap();
        let rows = |width: usize| Tensor::ones((4, width), DType::F32, &Device::Cpu).unwrap();
        let said = network.corrections(&rows(MODEL), &rows(BOARD)).unwrap();
        assert_eq!(said.to_vec2::<f32>().unwrap(), vec![vec![0.0; 2]; 4]);
    }
}
