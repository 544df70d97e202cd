//! What models cost on this board: what is expected of their nodes, corrected by those measured.
//!
//! The expectation is the one known board of a [`Process`], the measured models are its
//! anchors. Each prediction leaves out the model's own measurement, so that it can be held
//! against it.

use super::{Anchor, CostError, Guess, Pool, Process, Scales, Traits};

/// A model on this board.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// What is expected of it, in the unit of the measurements.
    pub expected: f64,
    /// What it is made of.
    pub traits: Traits,
    /// What was measured.
    pub measured: Option<f64>,
}

/// Measured models that others are predicted from, at most.
const ANCHORS: usize = 64;

/// How far probes and nodes may be wrong: of all models together, of their size, of eight bits,
/// and of what they are made of; the noise is what is a model's own. Set by hand on the models
/// of `cargo bench --bench predict`.
pub(crate) const BY_PROBES: Scales = Scales {
    level: 0.1,
    boards: 1.0,
    slope: 0.01,
    kind: 0.02,
    kind_slope: 0.005,
    linear: 0.01,
    smooth: 0.02,
    length: 0.6,
    noise: 0.02,
};

/// Predicts every model from the others. `by_probes` says that the expectation is a latency
/// rather than an amount of work, of which only the order counts until something is measured.
///
/// # Errors
/// [`CostError`] where an expectation or a measurement is no positive number.
pub fn forecast(subjects: &[Subject], by_probes: bool) -> Result<Vec<Guess>, CostError> {
    let expected: Vec<Option<f64>> = subjects.iter().map(|one| Some(one.expected)).collect();
    let traits: Vec<Traits> = subjects.iter().map(|one| one.traits.clone()).collect();
    let pool = Pool::of(subjects.len(), &[expected])?;
    let scales = if by_probes { BY_PROBES } else { Scales::default() };
    let process = Process::of(&pool, &traits, scales)?;
    let measured = subjects.iter().enumerate();
    let anchors: Vec<Anchor> =
        measured.filter_map(|(model, one)| Some(Anchor { model, cost: one.measured? })).collect();
    let step = anchors.len().div_ceil(ANCHORS).max(1);
    let anchors: Vec<Anchor> = anchors.into_iter().step_by(step).collect();
    process.predict_from_others(&anchors)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(expected: f64, measured: Option<f64>) -> Subject {
        let traits = Traits { amounts: vec![expected], int8: true };
        Subject { expected, traits, measured }
    }

    #[test]
    fn without_measurements_the_expectation_stands_with_an_interval() {
        let found = forecast(&[subject(100.0, None), subject(400.0, None)], true).unwrap();
        assert!((found[0].cost - 100.0).abs() < 1e-6 && (found[1].cost - 400.0).abs() < 1e-6);
        assert!(found[0].low < 80.0 && found[0].high > 125.0, "{found:?}");
    }

    #[test]
    fn a_board_half_as_fast_as_expected_is_believed_after_three_models() {
        let twice = |cost: f64| subject(cost, Some(2.0 * cost));
        let subjects = [twice(100.0), twice(200.0), twice(800.0), subject(400.0, None)];
        let found = forecast(&subjects, true).unwrap();
        assert!((found[3].cost / 800.0 - 1.0).abs() < 0.1, "{found:?}");
        let blind = forecast(&[subject(100.0, None), subject(400.0, None)], true).unwrap();
        assert!(found[3].high / found[3].low < blind[1].high / blind[1].low);
    }

    /// The closed form is what predicting without the model says.
    #[test]
    fn a_measured_model_is_predicted_from_the_others_alone() {
        let mut subjects =
            [subject(100.0, Some(250.0)), subject(200.0, Some(370.0)), subject(800.0, Some(900.0))];
        let all = forecast(&subjects, true).unwrap();
        subjects[1].measured = None;
        let without = forecast(&subjects, true).unwrap();
        assert!((all[1].cost / without[1].cost - 1.0).abs() < 1e-9, "{all:?} {without:?}");
        assert!(forecast(&[subject(0.0, None)], true).is_err());
        assert!(forecast(&[], true).is_ok_and(|none| none.is_empty()));
    }
}
