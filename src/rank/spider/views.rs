//! What the scores of the samples say of each candidate, as the ranker reads it: every score on
//! the scale of the candidates at hand.

use crate::rank::relevance::{Kin, group_means, standardised};
use crate::task::Scores;

/// Scores that are read: LogME, shrunk H-score, NCE.
const SCORES: usize = 3;
/// Each score, its mean over the candidates of the same source and over those of the same family, and
/// the same again for the number of samples.
const SAID: usize = SCORES * 3 * 2;
/// Numbers of one candidate's row: what its scores say; then 1 if it has any, and how many samples
/// they are of. All 0 of a candidate that has seen no sample and has no kin that has.
pub const VIEWS: usize = SAID + 2;
/// At this many samples, what a row says for their number is 0.
const SAMPLES: f64 = 100.0;

/// One candidate as the ranker compares it with the others.
#[derive(Debug, Clone)]
pub struct Viewed {
    /// LogME, shrunk H-score and NCE on the task's samples; none where a score abstains.
    pub scores: [Option<f64>; SCORES],
    /// What it has in common with others.
    pub kin: Kin,
}

impl Viewed {
    /// The scores that the ranker reads, of all samples.
    #[must_use]
    pub fn read(scores: &Scores) -> [Option<f64>; SCORES] {
        [&scores.logme, &scores.hscore, &scores.nce].map(|judged| Some(judged.as_ref().ok()?.value))
    }
}

/// A row for each candidate. Scores are standardised over the candidates that have them; a score
/// that abstains counts as the mean.
#[must_use]
pub fn views(candidates: &[Viewed], samples: usize) -> Vec<[f32; VIEWS]> {
    let mut columns = Vec::with_capacity(VIEWS);
    let kin: Vec<Kin> = candidates.iter().map(|of| of.kin.clone()).collect();
    let all = vec![true; candidates.len()];
    for score in 0..SCORES {
        let own: Vec<Option<f64>> =
            candidates.iter().map(|of| of.scores.get(score).copied().flatten()).collect();
        let own = standardised(&own);
        let of_source = group_means(&own, &kin, &all, Kin::source);
        let of_family = group_means(&own, &kin, &all, Kin::family);
        columns.extend([own, of_source, of_family]);
    }
    let size = (samples.max(1) as f64 / SAMPLES).ln();
    let sized: Vec<Vec<f64>> =
        columns.iter().map(|column| column.iter().map(|value| value * size).collect()).collect();
    columns.extend(sized);
    let seen = candidates.iter().map(|of| of.scores.iter().any(Option::is_some));
    let seen: Vec<f64> = seen.map(|any| f64::from(u8::from(any))).collect();
    let of_size = seen.iter().map(|seen| seen * size).collect();
    columns.extend([seen, of_size]);
    let mut rows = vec![[0.0; VIEWS]; candidates.len()];
    for (place, column) in columns.iter().enumerate() {
        for (row, value) in rows.iter_mut().zip(column) {
            if let Some(cell) = row.get_mut(place) {
                *cell = *value as f32;
            }
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_on_the_scale_of_the_candidates() {
        let of = |logme, source| Viewed {
            scores: [Some(logme), None, Some(1.0)],
            kin: Kin::named(Some(source), None),
        };
        let rows = views(&[of(1.0, "a"), of(3.0, "a"), of(2.0, "b")], 100);
        let deviation = (2.0_f64 / 3.0).sqrt();
        let far = (1.0 / deviation) as f32;
        // Own value, mean of the source, and the own value for want of a family.
        assert_eq!(rows[0][..3], [-far, 0.0, -far]);
        assert_eq!(rows[2][..3], [0.0, 0.0, 0.0]);
        // A score that abstains, and one that is the same for all.
        assert_eq!(rows[1][3..9], [0.0; 6]);
        assert_eq!(rows[1][9..SAID], [0.0; 9], "100 samples are the size of reference");
        let few = views(&[of(1.0, "a"), of(3.0, "a"), of(2.0, "b")], 10);
        assert!((few[0][9] - far * 10.0_f32.ln()).abs() < 1e-6);
        assert_eq!(few[0][SAID..], [1.0, -10.0_f32.ln()]);
    }

    #[test]
    fn who_has_seen_nothing_counts_as_average_and_says_so() {
        let of = |score: Option<f64>| Viewed { scores: [score; 3], kin: Kin::named(None, None) };
        let rows = views(&[of(Some(1.0)), of(None), of(Some(3.0))], 1000);
        assert_eq!(rows[1], [0.0; VIEWS]);
        assert_eq!(rows[0][SAID], 1.0);
    }
}
