//! How far to trust a score of samples: half-sampling.
//!
//! Random halves of every class, in complementary pairs, are scored like the whole;
//! the standard deviation over halves estimates that of the score (the delete-half
//! jackknife). A bootstrap would draw samples twice, and with fewer samples than
//! features a sample that is there twice predicts itself: its scores are biased up.
//!
//! The halves depend on the labels alone, so they are the same for every candidate.

use super::{Matrix, Moments, Undefined, logme, logme_regression, nce};
use crate::base::random::SplitMix64;
use crate::task::{Estimate, Given, Judged, Scored, Scores};

/// Fixed, so that equal evidence is equal everywhere.
const SEED: u64 = 0x4c6f_674d_4521;
/// Above this rank an eigenproblem is dear, and fewer halves must do.
const DEAR: usize = 256;
/// Complementary pairs of halves, and of a score that is dear.
const PAIRS: usize = 16;
const DEAR_PAIRS: usize = 4;

/// Every score of what a candidate gave for the samples.
#[must_use]
pub fn scores(given: &Given<'_>) -> Scores {
    let none = |why: &str| Err(Undefined(why.to_owned()));
    if !given.targets.is_empty() {
        let why = "real targets have no classes";
        let logme = match given.features {
            Some(features) => of_targets(features, given),
            None => none("it gives no features"),
        };
        return Scores { logme, hscore: none(why), nce: none(why) };
    }
    let of_features = |score: Formula| match given.features {
        Some(features) => {
            scored(pairs(features), given.labels, &|of| of.features(features, given.labels, score))
        }
        None => none("it gives no features"),
    };
    Scores {
        logme: of_features(logme),
        hscore: of_features(hscore_of_classes),
        nce: given.named.map_or_else(
            || none("it has no scores of its own"),
            |named| {
                named_apart(named)?;
                scored(PAIRS, given.labels, &|of| nce(&of.pick(named), &of.pick(given.labels)))
            },
        ),
    }
}

/// LogME of real targets, and of every half.
fn of_targets(features: &Matrix, given: &Given<'_>) -> Judged {
    // One class for all: the halves are halves of the samples.
    let together = vec![0; given.targets.len()];
    scored(pairs(features), &together, &|of| {
        let found = match of {
            Part::All => logme_regression(features, given.targets),
            Part::These(at) => {
                let targets: Vec<f64> =
                    at.iter().filter_map(|at| given.targets.get(*at).copied()).collect();
                logme_regression(&features.select_rows(at), &targets)
            }
        };
        found.map(|found| found.evidence)
    })
}

/// Exact LogME with a 95 % interval.
///
/// # Errors
/// As [`logme`].
pub fn logme_with_interval(features: &Matrix, labels: &[u32]) -> Result<Estimate, Undefined> {
    let found = scored(pairs(features), labels, &|of| of.features(features, labels, logme))?;
    Ok(found.estimate())
}

type Formula = fn(&Matrix, &[u32]) -> Result<f64, Undefined>;

/// One class, or features that never vary, have an H-score of 0, which is no merit.
fn hscore_of_classes(features: &Matrix, labels: &[u32]) -> Result<f64, Undefined> {
    super::classes(features, labels)?;
    let moments = Moments::of(features, labels)?;
    if moments.is_constant() {
        return Err(Undefined("features that never vary".to_owned()));
    }
    moments.hscore_shrunk()
}

fn named_apart(named: &[u32]) -> Result<(), Undefined> {
    if named.iter().all(|class| Some(class) == named.first()) {
        return Err(Undefined("it names one class for every sample".to_owned()));
    }
    Ok(())
}

fn pairs(features: &Matrix) -> usize {
    if features.nrows().min(features.ncols()) > DEAR { DEAR_PAIRS } else { PAIRS }
}

/// Which samples a score is taken of.
#[derive(Debug, Clone, Copy)]
enum Part<'a> {
    All,
    These(&'a [usize]),
}

impl Part<'_> {
    fn pick(&self, values: &[u32]) -> Vec<u32> {
        match self {
            Self::All => values.to_vec(),
            Self::These(at) => at.iter().filter_map(|at| values.get(*at).copied()).collect(),
        }
    }

    fn features(
        &self,
        features: &Matrix,
        labels: &[u32],
        score: Formula,
    ) -> Result<f64, Undefined> {
        match self {
            Self::All => score(features, labels),
            Self::These(at) => score(&features.select_rows(*at), &self.pick(labels)),
        }
    }
}

/// A score of all samples, and of every half.
fn scored(
    pairs: usize,
    labels: &[u32],
    score: &dyn Fn(Part<'_>) -> Result<f64, Undefined>,
) -> Judged {
    let value = score(Part::All)?;
    let mut random = SplitMix64::new(SEED);
    let mut found = Vec::new();
    for _ in 0..pairs {
        for half in halves(labels, &mut random) {
            found.push(score(Part::These(&half))? as f32);
        }
    }
    Ok(Scored { value, halves: found })
}

/// Two complementary random halves of every class; a class of one sample is in both.
fn halves(labels: &[u32], random: &mut SplitMix64) -> [Vec<usize>; 2] {
    let mut parts = [Vec::new(), Vec::new()];
    let mut present: Vec<u32> = labels.to_vec();
    present.sort_unstable();
    present.dedup();
    for class in present {
        let mut members: Vec<usize> =
            (0..labels.len()).filter(|at| labels.get(*at) == Some(&class)).collect();
        random.shuffle(&mut members);
        let (first, second) = members.split_at(members.len() / 2);
        let first = if first.is_empty() { second } else { first };
        let [one, other] = &mut parts;
        one.extend(first);
        other.extend(second);
    }
    for part in &mut parts {
        part.sort_unstable();
    }
    parts
}
