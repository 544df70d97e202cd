//! PACTran-Dirichlet: a bound on the loss of a source-class classifier on the task.
//!
//! Each source class draws labels from a distribution of its own, with a Dirichlet prior in
//! proportion to the labels' frequencies; the score is the variational bound on the log
//! likelihood after ten coordinate sweeps (Ding et al., ECCV 2022).

use super::gamma::{digamma, ln_gamma};
use super::probabilities::Predicted;
use super::{Matrix, Undefined, defined};

/// Weight of the prior, as published for source heads.
const PRIOR: f64 = 1.0;
const SWEEPS: usize = 10;

/// PACTran-Dirichlet of source-class probabilities (N x Z): minus the free energy in nats,
/// per sample and class; higher is better.
///
/// # Errors
/// [`Undefined`] with one class, no samples, not one label each, or rows that do not sum to 1.
pub fn pactran(probabilities: &Matrix, labels: &[u32]) -> Result<f64, Undefined> {
    let predicted = Predicted::of(probabilities, labels)?;
    if predicted.classes < 2 {
        return Err(Undefined("fewer than two classes present".to_owned()));
    }
    let samples = labels.len() as f64;
    let mut prior = vec![0.0; predicted.classes];
    for label in &predicted.labels {
        if let Some(prior) = prior.get_mut(*label) {
            *prior += PRIOR / samples;
        }
    }
    let source = predicted.probabilities.clone();
    let mut chosen = predicted;
    let mut posterior = Matrix::zeros(0, 0);
    for _ in 0..SWEEPS {
        posterior = with_prior(&chosen, &prior);
        reweigh(&mut chosen, &source, &posterior);
    }
    let constant = ln_beta(prior.iter().copied());
    let gain: f64 =
        posterior.column_iter().map(|column| ln_beta(column.iter().copied()) - constant).sum();
    let divergence: f64 = chosen
        .probabilities
        .iter()
        .zip(source.iter())
        .filter(|(q, _)| **q > 0.0)
        .map(|(q, s)| q * (q / s).ln())
        .sum();
    defined((gain - divergence) / (samples * prior.len() as f64))
}

/// Dirichlet parameters per source class: prior and expected counts, `classes x Z`.
fn with_prior(chosen: &Predicted, prior: &[f64]) -> Matrix {
    let mut posterior = chosen.joint();
    for (mut row, prior) in posterior.row_iter_mut().zip(prior) {
        row.add_scalar_mut(*prior);
    }
    posterior
}

/// Source classes of the samples, given what each of them draws.
fn reweigh(chosen: &mut Predicted, source: &Matrix, posterior: &Matrix) {
    let totals: Vec<f64> = posterior.row_sum().iter().map(|total| digamma(*total)).collect();
    let expected = posterior.map(digamma);
    let rows = chosen.probabilities.row_iter_mut().zip(source.row_iter()).zip(&chosen.labels);
    for ((mut row, source), label) in rows {
        let drawn = expected.row(*label);
        let each = row.iter_mut().zip(source.iter()).zip(drawn.iter()).zip(&totals);
        for (((chosen, source), drawn), total) in each {
            *chosen = source.ln() + drawn - total;
        }
        let highest = row.max();
        row.apply(|value| *value = (*value - highest).exp());
        let sum = row.sum();
        row.unscale_mut(sum);
    }
}

/// `ln B(a)`, the normaliser of a Dirichlet distribution.
fn ln_beta(parameters: impl Iterator<Item = f64>) -> f64 {
    let (mut each, mut total) = (0.0, 0.0);
    for parameter in parameters {
        each += ln_gamma(parameter);
        total += parameter;
    }
    each - ln_gamma(total)
}
