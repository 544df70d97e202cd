//! Predictions held against measurements.

use std::fmt;

use umbra::base::random::SplitMix64;
use umbra::rank::cost::{Pool, Subject, Traits, choose_anchors, forecast};
use umbra::rank::evaluate::spearman;

/// A model as it was measured, and what was expected of it.
pub(crate) struct Seen {
    pub(crate) id: String,
    pub(crate) expected: f64,
    /// What is expected with the learned correction.
    pub(crate) corrected: f64,
    pub(crate) macs: f64,
    pub(crate) measured: f64,
    pub(crate) traits: Traits,
}

/// What a prediction starts from.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum By {
    Probes,
    Corrected,
    Macs,
}

impl By {
    pub(crate) const ALL: [Self; 3] = [Self::Probes, Self::Corrected, Self::Macs];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Probes => "probes",
            Self::Corrected => "probes, corrected",
            Self::Macs => "MACs",
        }
    }

    fn expected(self, one: &Seen) -> f64 {
        match self {
            Self::Probes => one.expected,
            Self::Corrected => one.corrected,
            Self::Macs => one.macs / 1000.0,
        }
    }
}

/// Means over the draws of the anchors, which are not judged themselves.
#[derive(Default)]
pub(crate) struct Judged {
    spearman: f64,
    within: [f64; 2],
    inside: f64,
    deviation: f64,
}

/// Predicts all models from so many measured ones, drawn from groups of equal size in the
/// order of what is expected.
pub(crate) fn judge(
    seen: &[Seen],
    anchors: usize,
    by: By,
    draws: usize,
    random: &mut SplitMix64,
) -> Judged {
    let column: Vec<Option<f64>> = seen.iter().map(|one| Some(by.expected(one))).collect();
    let pool = Pool::of(seen.len(), &[column]).expect("costs are positive");
    let all: Vec<usize> = (0..seen.len()).collect();
    let draws = if anchors == 0 { 1 } else { draws };
    let mut sum = Judged::default();
    for _ in 0..draws {
        let drawn = choose_anchors(&pool, &all, anchors, random);
        let subject = |(at, one): (usize, &Seen)| Subject {
            expected: by.expected(one),
            traits: one.traits.clone(),
            measured: drawn.contains(&at).then_some(one.measured),
        };
        let subjects: Vec<Subject> = seen.iter().enumerate().map(subject).collect();
        let guesses = forecast(&subjects, by != By::Macs).expect("costs are positive");
        let judged: Vec<usize> = all.iter().copied().filter(|at| !drawn.contains(at)).collect();
        let truth: Vec<f64> = judged.iter().map(|at| seen[*at].measured).collect();
        let said: Vec<f64> = judged.iter().map(|at| guesses[*at].cost).collect();
        let count = judged.len() as f64;
        let share = |holds: &dyn Fn(usize) -> bool| {
            judged.iter().filter(|at| holds(**at)).count() as f64 / count
        };
        let error = |at: usize| guesses[at].cost / seen[at].measured - 1.0;
        sum.spearman += spearman(&truth, &said).unwrap_or(f64::NAN);
        sum.within[0] += share(&|at| error(at).abs() <= 0.10);
        sum.within[1] += share(&|at| error(at).abs() <= 0.25);
        sum.inside +=
            share(&|at| (guesses[at].low..=guesses[at].high).contains(&seen[at].measured));
        let squares = truth.iter().zip(&said).map(|(t, s)| (s / t).ln().powi(2)).sum::<f64>();
        sum.deviation += (squares / count).sqrt();
    }
    let mean = |sum: f64| sum / draws as f64;
    Judged {
        spearman: mean(sum.spearman),
        within: sum.within.map(mean),
        inside: mean(sum.inside),
        deviation: mean(sum.deviation),
    }
}

impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| format!("{:.0} %", share * 100.0);
        let [ten, quarter] = self.within.map(percent);
        let (spearman, inside, spread) = (self.spearman, percent(self.inside), self.deviation);
        write!(f, "{spearman:.3} | {ten} | {quarter} | {inside} | {spread:.2}")
    }
}
