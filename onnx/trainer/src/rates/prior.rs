//! What rates are like, from the boards of a pool: expectation and maximisation, board by board.
//!
//! Under a prior each board has its most probable rates and their covariance; a better prior is
//! their mean and spread, covariances included, so that what no board determines stays as wide as
//! it was. Devices count alike, however many runtimes a device has.

use nalgebra::DMatrix;
use umbra::rank::cost::CostError;

use super::bill::{Bills, Logs};
use super::fit::{Posterior, Prior};

/// Rounds.
const ROUNDS: usize = 12;
/// Models of a board that are read, at most.
const LESSONS: usize = 120;
/// Deviation of a logarithm of a rate before anything is known, alone and of all together.
const APART: f64 = 1.0;
const TOGETHER: f64 = 2.0;
/// The same for what is left beside the boards, and how many devices it counts as.
const DOUBT: f64 = 0.5;
const DEVICES: f64 = 1.0;
/// Deviation of a logarithm of a cost before anything is known, and at the very least.
const NOISE: f64 = 0.2;
const LEAST_NOISE: f64 = 0.01;

/// A board of the pool: its device, and the models measured with the logarithms of their costs.
#[derive(Debug, Clone)]
pub(crate) struct Lesson {
    pub(crate) device: usize,
    pub(crate) known: Vec<(usize, f64)>,
}

/// The prior of a pool; none where no model measured there has nodes.
pub(crate) fn learn(bills: &Bills, pool: &[Lesson]) -> Result<Option<Prior>, CostError> {
    let lessons: Vec<Lesson> = pool.iter().filter_map(|board| readable(bills, board)).collect();
    let all = || lessons.iter().flat_map(|lesson| &lesson.known);
    let count = all().count();
    if count == 0 {
        return Ok(None);
    }
    let mut models: Vec<usize> = all().map(|(model, _)| *model).collect();
    models.sort_unstable();
    models.dedup();
    let cost = (all().map(|(_, cost)| cost).sum::<f64>() / count as f64).exp();
    let slower = bills.slower();
    let wide = DMatrix::identity(bills.width(), bills.width()) * (APART * APART)
        + &slower * slower.transpose() * (TOGETHER * TOGETHER);
    let mean = bills.plain(&models, cost);
    let mut prior = Prior::new(bills.clone(), mean, wide, NOISE * NOISE)?;
    for _ in 0..ROUNDS {
        prior = better(&prior, &lessons)?;
    }
    Ok(Some(prior))
}

/// What a board says of models with nodes, thinned out; none if nothing.
fn readable(bills: &Bills, board: &Lesson) -> Option<Lesson> {
    let known: Vec<(usize, f64)> =
        board.known.iter().copied().filter(|(model, _)| bills.knows(*model)).collect();
    let step = known.len().div_ceil(LESSONS).max(1);
    let known: Vec<(usize, f64)> = known.into_iter().step_by(step).collect();
    (!known.is_empty()).then_some(Lesson { device: board.device, known })
}

/// One round.
fn better(prior: &Prior, lessons: &[Lesson]) -> Result<Prior, CostError> {
    let found: Vec<(f64, Posterior)> = lessons
        .iter()
        .map(|lesson| {
            let alike = lessons.iter().filter(|other| other.device == lesson.device).count();
            Ok((1.0 / alike as f64, prior.given(&lesson.known)?))
        })
        .collect::<Result<_, CostError>>()?;
    let devices: f64 = found.iter().map(|(share, _)| share).sum();
    let width = prior.mean.len();
    let sum = found.iter().fold(Logs::zeros(width), |sum, (share, of)| sum + &of.logs * *share);
    let mean = sum / devices;
    let mut spread = DMatrix::identity(width, width) * (DEVICES * DOUBT * DOUBT);
    for (share, of) in &found {
        let apart = &of.logs - &mean;
        spread += (&apart * apart.transpose() + &of.covariance) * *share;
    }
    let noise = noise(prior, lessons, &found);
    Prior::new(prior.bills.clone(), mean, spread / (devices + DEVICES), noise)
}

/// Mean square of what rates leave, as sure as they are.
fn noise(prior: &Prior, lessons: &[Lesson], found: &[(f64, Posterior)]) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for (lesson, (share, posterior)) in lessons.iter().zip(found) {
        let square = |(model, cost): &(usize, f64)| {
            let (said, variance) = prior.of(posterior, *model);
            (cost - said).powi(2) + variance
        };
        let known = &lesson.known;
        sum += share * known.iter().map(square).sum::<f64>() / known.len() as f64;
        count += share;
    }
    (sum / count).max(LEAST_NOISE * LEAST_NOISE)
}

#[cfg(test)]
mod tests {
    use umbra::base::random::SplitMix64;
    use umbra::model::{Kind, Work};

    use super::*;
    use crate::architecture::mobile;

    const NAMES: [&str; 9] = [
        "mobilenet_v1_0.25_128",
        "mobilenet_v1_0.5_224",
        "mobilenet_v1_1_160",
        "mobilenet_v1_1_224",
        "mobilenet_v2_0.35_96",
        "mobilenet_v2_0.75_160",
        "mobilenet_v2_1.4_224",
        "efficientnet_lite0",
        "efficientnet_lite3",
    ];

    fn models() -> Vec<Vec<Work>> {
        let both = |name: &&str| [false, true].map(|int8| mobile(name).unwrap().work(int8));
        NAMES.iter().flat_map(both).collect()
    }

    /// A board whose rates differ from some by e to 0.5 or so, and it all by e to 1 or so.
    fn board(bills: &Bills, centre: &Logs, random: &mut SplitMix64) -> Logs {
        let mut draw = || (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
        let together = draw();
        let own = Logs::from_fn(centre.len(), |_, _| 0.5 * draw());
        centre + own + bills.slower() * together
    }

    fn costs(bills: &Bills, logs: &Logs, models: usize) -> Vec<(usize, f64)> {
        let rates = logs.map(f64::exp);
        (0..models).map(|model| (model, bills.cost(rates.as_slice(), model).0)).collect()
    }

    #[test]
    fn rates_come_back_from_boards_that_were_made_of_them() {
        let work = models();
        let bills = Bills::of(work.iter().map(Vec::as_slice)).unwrap();
        let centre = bills.plain(&(0..work.len()).collect::<Vec<_>>(), 20_000.0);
        let mut random = SplitMix64::new(5);
        let lesson = |device| {
            let known = costs(&bills, &board(&bills, &centre, &mut random), work.len());
            Lesson { device, known }
        };
        let pool: Vec<Lesson> = (0..12).map(lesson).collect();
        let prior = learn(&bills, &pool).unwrap().unwrap();
        let truth = board(&bills, &centre, &mut random);
        let known = costs(&bills, &truth, work.len());

        let all = prior.given(&known).unwrap();
        let (made, found) = (bills.rates(&truth), bills.rates(&all.logs));
        for (kind, int8) in [(Kind::Pointwise, false), (Kind::Pointwise, true)] {
            let speed = |rates: &umbra::rank::cost::roofline::Rates| {
                rates.of(kind, int8).unwrap().per_micro
            };
            let ratio = speed(&found) / speed(&made);
            assert!((ratio - 1.0).abs() < 0.1, "{kind:?} {int8}: {ratio}");
        }

        // Five models say what the others cost, and the others lie where they should.
        let few: Vec<(usize, f64)> = known.iter().copied().step_by(4).collect();
        let posterior = prior.given(&few).unwrap();
        let blind = prior.given(&[]).unwrap();
        let error = |posterior: &Posterior| {
            let squares = known.iter().map(|(model, cost)| {
                let (said, _) = prior.of(posterior, *model);
                (said - cost).powi(2)
            });
            (squares.sum::<f64>() / known.len() as f64).sqrt()
        };
        assert!(error(&posterior) < 0.1, "{}", error(&posterior));
        assert!(error(&blind) > 3.0 * error(&posterior), "{}", error(&blind));
        assert_eq!(blind.logs, prior.mean, "without measurements the prior stands");
        let narrower = |model| prior.of(&posterior, model).1 < prior.of(&blind, model).1;
        assert!((0..work.len()).all(narrower));
    }

    #[test]
    fn without_nodes_nothing_is_said() {
        let none: [&[Work]; 2] = [&[], &[]];
        assert!(Bills::of(none.into_iter()).is_none());
        let some = mobile("mobilenet_v1_1_224").unwrap().work(false);
        let bills = Bills::of([some.as_slice(), &[]].into_iter()).unwrap();
        let unknown = Lesson { device: 0, known: vec![(1, 3.0)] };
        assert!(learn(&bills, std::slice::from_ref(&unknown)).unwrap().is_none());
        let known = Lesson { device: 1, known: vec![(0, 3.0), (1, 9.0)] };
        let prior = learn(&bills, &[unknown, known]).unwrap().unwrap();
        let guesses = prior.guesses(&prior.given(&[]).unwrap(), 2);
        assert!(guesses[0].cost.is_finite() && guesses[1].cost.is_nan());
        assert!(guesses[0].low < guesses[0].cost && guesses[0].cost < guesses[0].high);
    }
}
