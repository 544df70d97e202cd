//! Prior and scores as one number, by weights that the laboratory fitted (docs/laboratory.md).
//!
//! Every view is standardised among the candidates. Beside a candidate's own value count the
//! means over the candidates of its source task and over those of its family: what a score of few
//! samples says of one model is mostly noise, and its kin share the rest. A view that is
//! silent on a candidate counts as average.

use super::View;
use super::weights::WEIGHTS;
use crate::model::Candidate;
use crate::task::Scores;

/// What a candidate has in common with others; where nothing is known it is alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kin {
    source: Option<String>,
    family: Option<String>,
}

impl Kin {
    /// As the sidecar says it.
    #[must_use]
    pub fn of(candidate: &Candidate) -> Self {
        let manifest = candidate.manifest.as_ref();
        let source = manifest.and_then(|known| known.source.as_ref());
        let task = source.map(|source| source.task.as_str());
        Self::named(task, manifest.map(|known| known.family.as_str()))
    }

    /// By the names of the source task and of the family; an empty one is none.
    #[must_use]
    pub fn named(source: Option<&str>, family: Option<&str>) -> Self {
        let stated = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        Self { source: stated(source), family: stated(family) }
    }

    /// The source task.
    #[must_use]
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// The family.
    #[must_use]
    pub fn family(&self) -> Option<&str> {
        self.family.as_deref()
    }
}

/// Why the weights do not apply to these candidates, if they do not: they were fitted with a prior
/// for every candidate, and scores of its features.
///
/// # Errors
/// The reason.
pub fn applies<'a>(
    all_state_a_prior: bool,
    scores: impl IntoIterator<Item = &'a Scores>,
) -> Result<(), &'static str> {
    if !all_state_a_prior {
        return Err("not every sidecar states a prior");
    }
    let seen = |scores: &Scores| {
        [View::LogMe, View::HScore].iter().all(|view| view.scored(scores).is_some())
    };
    if scores.into_iter().all(seen) {
        return Ok(());
    }
    Err("not every candidate has scores of its features")
}

/// The fitted value of every candidate that LogME knows, in standard deviations.
pub(super) fn fitted(table: &[(View, Vec<Option<f64>>)], kin: &[Kin]) -> Vec<Option<f64>> {
    let of = |wanted: View| table.iter().find(|(view, _)| *view == wanted).map(|(_, of)| of);
    let known: Vec<bool> = of(View::LogMe).into_iter().flatten().map(Option::is_some).collect();
    let mut sums = vec![0.0; known.len()];
    for (view, [own, source, family]) in WEIGHTS {
        let values = standardised(of(view).map_or(&[][..], Vec::as_slice));
        let sources = group_means(&values, kin, &known, Kin::source);
        let families = group_means(&values, kin, &known, Kin::family);
        let inputs = values.iter().zip(&sources).zip(&families);
        for (sum, ((value, of_source), of_family)) in sums.iter_mut().zip(inputs) {
            *sum += own * value + source * of_source + family * of_family;
        }
    }
    sums.into_iter().zip(known).map(|(sum, known)| known.then_some(sum)).collect()
}

/// Mean 0 and deviation 1 over what is there; 0 where nothing is.
pub(in crate::rank) fn standardised(values: &[Option<f64>]) -> Vec<f64> {
    let there: Vec<f64> = values.iter().flatten().copied().collect();
    let count = (there.len() as f64).max(1.0);
    let mean = there.iter().sum::<f64>() / count;
    let variance = there.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    let deviation = variance.sqrt().max(1e-9);
    values.iter().map(|value| value.map_or(0.0, |value| (value - mean) / deviation)).collect()
}

/// For each candidate the mean over the known ones of its group, itself among them.
#[must_use]
pub fn group_means<'a>(
    values: &[f64],
    kin: &'a [Kin],
    known: &[bool],
    group: impl Fn(&'a Kin) -> Option<&'a str>,
) -> Vec<f64> {
    let groups: Vec<Option<&str>> = kin.iter().map(group).collect();
    let mean = |(at, value): (usize, &f64)| {
        let own = groups.get(at).copied().flatten();
        let members = groups
            .iter()
            .zip(values)
            .zip(known)
            .filter(|((other, _), known)| **known && own.is_some() && **other == own);
        let (count, sum) =
            members.fold((0.0, 0.0), |(count, sum), ((_, value), _)| (count + 1.0, sum + value));
        if count > 0.0 { sum / count } else { *value }
    };
    values.iter().enumerate().map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kin(source: &str, family: &str) -> Kin {
        Kin::named(Some(source), Some(family))
    }

    fn table(columns: [&[Option<f64>]; 4]) -> Vec<(View, Vec<Option<f64>>)> {
        View::ALL.into_iter().zip(columns.map(<[_]>::to_vec)).collect()
    }

    /// What the laboratory's `by` (lab/study/fitted.py) gives for the same values and weights.
    #[test]
    fn the_value_is_the_laboratorys() {
        let of = |values: [f64; 4]| values.map(Some);
        let columns = [
            &of([0.3, -1.2, 0.9, 0.1])[..],
            &of([-0.5, -0.9, -0.2, -0.7]),
            &of([1.5, 0.4, 2.2, 1.9]),
            &of([-1.2, -1.9, -0.8, -1.1]),
        ];
        let kin = [kin("a", "f"), kin("a", "g"), kin("b", "f"), kin("b", "g")];
        let found = fitted(&table(columns), &kin);
        let wanted = [0.164_330_94, -1.492_142_31, 1.222_688_35, 0.105_123_02];
        for (found, wanted) in found.iter().zip(wanted) {
            assert!((found.unwrap() - wanted).abs() < 1e-7, "{found:?} {wanted}");
        }
    }

    #[test]
    fn who_has_no_kin_counts_alone_and_silence_is_average() {
        let values = standardised(&[Some(1.0), None, Some(3.0)]);
        assert_eq!(values, [-1.0, 0.0, 1.0]);
        let alone = [kin("", ""), kin("", ""), kin("", "")];
        let known = [true, false, true];
        assert_eq!(group_means(&values, &alone, &known, Kin::source), values);
        let all = [kin("a", ""), kin("a", ""), kin("a", "")];
        let means = group_means(&[2.0, 9.0, 4.0], &all, &known, Kin::source);
        assert_eq!(means, [3.0, 3.0, 3.0]);
        let silent = [&[Some(1.0), Some(2.0)][..], &[Some(1.0), None], &[None, None], &[None; 2]];
        let found = fitted(&table(silent), &[kin("a", "f"), kin("a", "f")]);
        assert!(found[0].is_some() && found[1].is_none());
    }

    #[test]
    fn the_weights_apply_where_a_prior_and_features_are_known_of_all() {
        use crate::task::Scored;
        let score = || Ok(Scored { value: 1.0, halves: Vec::new() });
        let full = Scores { logme: score(), hscore: score(), ..Scores::none("none") };
        let blind = Scores::none("none");
        assert_eq!(applies(true, [&full, &full]), Ok(()));
        assert!(applies(false, [&full, &full]).unwrap_err().contains("prior"));
        assert!(applies(true, [&full, &blind]).unwrap_err().contains("features"));
    }
}
