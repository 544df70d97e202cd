//! A taught network at work beside rates.

use umbra::model::Work;
use umbra::rank::cost::Guess;
use umbra::rank::cost::residual::{Correction, Cost, MODEL, board, model};
use umbra::rank::cost::roofline::latency;

use super::fit::Fitted;
use crate::evaluate::EvaluateError;
use crate::prepared::UNKNOWN;
use crate::rates::Prior;

/// Rates fitted to measured models of a board, and what is said of others there.
pub(crate) struct Corrector<'a> {
    pub(crate) residual: &'a Fitted,
    pub(crate) prior: &'a Prior,
    pub(crate) cost: Cost,
}

impl Corrector<'_> {
    /// Of models by their nodes; no number without nodes.
    pub(crate) fn guesses<'w>(
        &self,
        models: impl Iterator<Item = &'w [Work]>,
        measured: &[(usize, f64)],
    ) -> Result<Vec<Guess>, EvaluateError> {
        let posterior = self.prior.given(measured)?;
        let rates = self.prior.rates(&posterior);
        let of = |(at, work): (usize, &[Work])| {
            let expected = self.prior.deviation(&posterior, at);
            let sum = latency(&rates, work)?.0.ln();
            Some((sum, expected, model(&rates, work, expected)?))
        };
        let seen: Vec<_> = models.enumerate().map(of).collect();
        let known: Vec<_> = seen.iter().flatten().map(|(_, _, model)| *model).collect();
        let board = board(&rates, measured.len(), self.cost);
        let mut said = self.residual.say(&known, &vec![board; known.len()])?.into_iter();
        let mut guess = |(sum, expected, _): &(f64, f64, [f32; MODEL])| {
            let Correction { mean, deviation } = Correction::of(said.next()?, *expected);
            Some(Guess::of(sum + mean, deviation))
        };
        Ok(seen.iter().map(|one| one.as_ref().and_then(&mut guess).unwrap_or(UNKNOWN)).collect())
    }
}
