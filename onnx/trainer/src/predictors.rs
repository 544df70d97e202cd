//! Ways to predict a board from its anchors and from what is prepared: the agent's own, and those
//! that it is held against.

use umbra::rank::cost::{Anchor, Guess, LAMBDA, Pool, ridge};

use crate::evaluate::EvaluateError;
use crate::prepared::Prepared;
use crate::score::spearman;
use crate::tables::Dataset;

/// Ways to predict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Method {
    Process,
    /// The process without its variants: every board about the mean, with one noise for all.
    OneProcess,
    Ridge,
    Rates,
    Corrected,
    Both,
    PoolMean,
    Proxy,
    Macs,
    Params,
}

impl Method {
    pub(crate) const ALL: [Self; 10] = [
        Self::Process,
        Self::OneProcess,
        Self::Ridge,
        Self::Rates,
        Self::Corrected,
        Self::Both,
        Self::PoolMean,
        Self::Proxy,
        Self::Macs,
        Self::Params,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::OneProcess => "one process",
            Self::Ridge => "ridge",
            Self::Rates => "rates",
            Self::Corrected => "rates, corrected",
            Self::Both => "process and rates",
            Self::PoolMean => "pool mean",
            Self::Proxy => "best proxy",
            Self::Macs => "MACs",
            Self::Params => "params",
        }
    }

    /// Whether it says how much, and not only in what order.
    pub(crate) fn predicts_figures(self) -> bool {
        matches!(
            self,
            Self::Process
                | Self::OneProcess
                | Self::Ridge
                | Self::Rates
                | Self::Corrected
                | Self::Both
        )
    }
}

/// What a method says of all models.
pub(crate) fn predict(
    train: &Dataset,
    prepared: &Prepared,
    method: Method,
    anchors: &[Anchor],
) -> Result<Vec<Guess>, EvaluateError> {
    let amount = |get: &dyn Fn(&crate::tables::Model) -> Option<f64>| {
        let plain = |cost: f64| Guess { cost, low: cost, high: cost };
        train.models.iter().map(|model| plain(get(model).unwrap_or(f64::NAN))).collect()
    };
    let (pool, traits) = (&prepared.pool, &prepared.traits);
    match method {
        Method::Process => Ok(prepared.process.predict(anchors)?),
        Method::OneProcess => Ok(prepared.one_process.predict(anchors)?),
        Method::Ridge => Ok(ridge(pool, traits, anchors, LAMBDA)?),
        Method::Rates => Ok(prepared.by_rates(anchors)?),
        Method::Corrected => prepared.corrected(train, anchors),
        Method::Both => {
            let process = prepared.process.predict(anchors)?;
            let rates = prepared.by_rates(anchors)?;
            Ok(process.iter().zip(&rates).map(|(a, b)| both(a, b)).collect())
        }
        Method::PoolMean => Ok(ridge(pool, traits, &[], LAMBDA)?),
        Method::Proxy => Ok(ridge(&proxy(pool, anchors), traits, &[], LAMBDA)?),
        Method::Macs => Ok(amount(&|model| model.macs)),
        Method::Params => Ok(amount(&|model| model.params)),
    }
}

/// The one board of the pool that orders the anchors best; without anchors the first.
fn proxy(pool: &Pool, anchors: &[Anchor]) -> Pool {
    let truth: Vec<f64> = anchors.iter().map(|anchor| anchor.cost).collect();
    let agreement = |board: usize| {
        let alone = ridge(&pool.only(|at| at == board), &[], &[], LAMBDA).unwrap_or_default();
        let said: Vec<f64> =
            anchors.iter().filter_map(|anchor| Some(alone.get(anchor.model)?.cost)).collect();
        spearman(&truth, &said).unwrap_or(-1.0)
    };
    let agreements = (0..pool.boards()).map(|board| (board, agreement(board)));
    let best =
        agreements.fold((0, f64::MIN), |best, next| if next.1 > best.1 { next } else { best });
    pool.only(|at| at == best.0)
}

/// The mean of two logarithms, each weighed by how sure it is; as sure as the surer of them.
fn both(a: &Guess, b: &Guess) -> Guess {
    let width = |guess: &Guess| (guess.high / guess.low).ln();
    let weight = |guess: &Guess| width(guess).powi(-2);
    let share = weight(a) / (weight(a) + weight(b));
    let cost = (share * a.cost.ln() + (1.0 - share) * b.cost.ln()).exp();
    let reach = (0.5 * width(a).min(width(b))).exp();
    Guess { cost, low: cost / reach, high: cost * reach }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prepared::UNKNOWN;

    #[test]
    fn two_predictions_meet_nearer_to_the_surer_one() {
        let guess = |cost: f64, times: f64| Guess { cost, low: cost / times, high: cost * times };
        let found = both(&guess(100.0, 1.2), &guess(400.0, 1.2));
        assert!((found.cost - 200.0).abs() < 1e-9 && (found.high - 240.0).abs() < 1e-9);
        let found = both(&guess(100.0, 1.2), &guess(400.0, 1.2 * 1.2));
        assert!((found.cost - 100.0 * 4.0_f64.powf(0.2)).abs() < 1e-9, "{found:?}");
        assert!((found.low - found.cost / 1.2).abs() < 1e-9);
        assert!(both(&guess(100.0, 1.2), &UNKNOWN).cost.is_nan(), "one alone is not both");
    }
}
