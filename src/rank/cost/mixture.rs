//! How a board may relate to those of the pool, and which of these ways its measurements speak for.
//!
//! Boards are not alike in how they differ: one is nearly the twin of a known board, another is like
//! none; one repeats itself to the per cent, another not to a third. So the prior is a mixture. In
//! each of its [`Variant`]s a board varies about a centre (the mean of the pool, or one of its
//! boards), shows a share of the differences that the pool shows, and has a noise of its own. What
//! each is worth beforehand is learned on the pool ([`super::tune`]); the anchors decide.

use nalgebra::DMatrix;

use super::CostError;
use super::account::Account;
use super::kernel::{Covariance, Kernel, Scales};

/// Shares of the pool's differences that a board may show.
const SHARES: [f64; 4] = [1.0, 0.3, 0.1, 0.03];
/// Variances of what measuring again would change.
const NOISES: [f64; 6] = [0.0001, 0.0005, 0.002, 0.008, 0.03, 0.1];
/// What is less likely than this does not count.
const NEGLIGIBLE: f64 = 1e-3;
/// Rounds in which the weights are learned.
const ROUNDS: usize = 50;
/// Votes of boards that nobody saw, spread evenly: no variant is ruled out.
const UNSEEN: f64 = 0.5;

/// One way in which a board may relate to the pool.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Variant {
    /// Share of the pool's differences.
    share: f64,
    /// Variance of what measuring again would change.
    noise: f64,
    /// How likely it is beforehand, about the mean and about one of the boards.
    likely: [f64; 2],
}

/// What is believed of a board before anything is measured on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Prior {
    pub(super) scales: Scales,
    pub(super) variants: Vec<Variant>,
}

impl Prior {
    /// How much of what a board shows.
    #[must_use]
    pub fn scales(&self) -> &Scales {
        &self.scales
    }
}

/// A board varies about the mean as the scales say.
impl From<Scales> for Prior {
    fn from(scales: Scales) -> Self {
        let only = Variant { share: 1.0, noise: scales.noise, likely: [1.0, 0.0] };
        Self { scales, variants: vec![only] }
    }
}

/// All variants, each as likely as the others.
pub(super) fn variants() -> Vec<Variant> {
    let likely = [0.5 / (SHARES.len() * NOISES.len()) as f64; 2];
    let of = |share| NOISES.map(|noise| Variant { share, noise, likely });
    SHARES.into_iter().flat_map(of).collect()
}

/// What a board whose models were measured says of the variants: the covariance of these models,
/// their distances from the centres, and how much it counts.
#[derive(Debug, Clone)]
pub(super) struct Witness {
    pub(super) covariance: Covariance,
    pub(super) beyond: DMatrix<f64>,
    pub(super) vote: f64,
}

/// Makes the variants as likely as the witnesses found them (expectation and maximisation).
pub(super) fn learn(variants: &mut [Variant], witnesses: &[Witness]) -> Result<(), CostError> {
    let mut said = Vec::new();
    for witness in witnesses {
        let each = variants.iter().map(|variant| {
            let evidence = explain(variant, witness)?.evidence();
            let (mean, boards) = evidence.split_first().unwrap_or((&f64::NEG_INFINITY, &[]));
            Ok([*mean, average(boards)])
        });
        said.push((witness.vote, each.collect::<Result<Vec<[f64; 2]>, CostError>>()?));
    }
    for _ in 0..ROUNDS {
        maximise(variants, &said);
    }
    Ok(())
}

/// One round: what each witness believes of the variants, added up.
fn maximise(variants: &mut [Variant], said: &[(f64, Vec<[f64; 2]>)]) {
    let even = UNSEEN / (2 * variants.len()).max(1) as f64;
    let mut sums = vec![[even; 2]; variants.len()];
    for (vote, evidence) in said {
        let prior = variants.iter().flat_map(|variant| variant.likely);
        let joint: Vec<f64> =
            prior.zip(evidence.iter().flatten()).map(|(prior, said)| prior.ln() + said).collect();
        let believed = normalised(&joint);
        for (sum, believed) in sums.iter_mut().flatten().zip(believed) {
            *sum += vote * believed;
        }
    }
    let all: f64 = sums.iter().flatten().sum();
    for (variant, sum) in variants.iter_mut().zip(sums) {
        variant.likely = sum.map(|sum| sum / all);
    }
}

/// A variant, the weight of each of its centres, and what it makes of the measurements.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) share: f64,
    pub(super) noise: f64,
    pub(super) account: Account,
    pub(super) weights: Vec<f64>,
}

impl Member {
    /// Centres that count, with their weights.
    pub(super) fn centres(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        let weights = self.weights.iter().copied().enumerate();
        weights.filter(|(_, weight)| *weight > 0.0)
    }
}

/// The variants that the measurements leave, their weights summing up to one.
pub(super) fn weigh(variants: &[Variant], board: &Witness) -> Result<Vec<Member>, CostError> {
    let centres = board.beyond.ncols();
    let mut members = Vec::new();
    let mut joint = Vec::new();
    for variant in variants {
        let account = explain(variant, board)?;
        let [mean, boards] = variant.likely;
        let boards = boards / (centres - 1).max(1) as f64;
        let prior = std::iter::once(mean).chain(std::iter::repeat(boards));
        joint.extend(account.evidence().iter().zip(prior).map(|(said, prior)| said + prior.ln()));
        let (share, noise) = (variant.share, variant.noise);
        members.push(Member { share, noise, account, weights: Vec::new() });
    }
    let mut weights = normalised(&joint);
    weights.iter_mut().filter(|weight| **weight < NEGLIGIBLE).for_each(|weight| *weight = 0.0);
    let all: f64 = weights.iter().sum();
    for (member, own) in members.iter_mut().zip(weights.chunks(centres)) {
        member.weights = own.iter().map(|weight| weight / all).collect();
    }
    members.retain(|member| member.weights.iter().any(|weight| *weight > 0.0));
    Ok(members)
}

fn explain(variant: &Variant, board: &Witness) -> Result<Account, CostError> {
    let mut covariance = board.covariance.of_share(variant.share);
    let diagonal = covariance.iter_mut().step_by(board.beyond.nrows() + 1);
    diagonal.for_each(|own| *own += variant.noise);
    Account::of(covariance, &board.beyond)
}

/// Logarithm of the mean of what logarithms stand for.
fn average(logarithms: &[f64]) -> f64 {
    let most = logarithms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logarithms.iter().map(|one| (one - most).exp()).sum();
    most + (sum / logarithms.len().max(1) as f64).ln()
}

/// What logarithms stand for, summing up to one.
pub(super) fn normalised(logarithms: &[f64]) -> Vec<f64> {
    let most = logarithms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut weights: Vec<f64> = logarithms.iter().map(|one| (one - most).exp()).collect();
    let all: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= all);
    weights
}

impl Kernel {
    /// Measurements as this kernel sees them.
    pub(super) fn witness(&self, known: &[(usize, f64)], vote: f64) -> Witness {
        let models: Vec<usize> = known.iter().map(|(model, _)| *model).collect();
        Witness { covariance: self.between(&models, &models), beyond: self.beyond(known), vote }
    }
}
