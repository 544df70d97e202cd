//! What to measure next so as to choose well.
//!
//! A choice is of the worthiest model whose cost keeps below a limit; a model that may break it
//! is worth less, by a price times how likely that is. A measurement is as good as the choice
//! that is expected after it (*knowledge gradient*): over the outcomes that it may have, the
//! best that could then be chosen. So what is measured is near the limit, worth having, and
//! speaks for others.

use super::{Anchor, CostError, Guess, Joint, Process, REACH};

/// Standard deviations in the middle of seven outcomes that are equally likely.
const OUTCOMES: [f64; 7] = [-1.4652, -0.7916, -0.3661, 0.0, 0.3661, 0.7916, 1.4652];

/// What may be chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// What each model is worth; none where it cannot be chosen.
    pub worth: Vec<Option<f64>>,
    /// What its cost must not exceed.
    pub limit: f64,
    /// What exceeding it costs, in the unit of worth.
    pub price: f64,
    /// The worth of the best model measured so far that keeps the limit, less than nothing if
    /// none does; absent where a model that was measured cannot be chosen any more.
    pub measured: Option<f64>,
}

impl Choice {
    /// What a model is worth by what is believed of its cost.
    #[must_use]
    pub fn expected(&self, model: usize, guess: &Guess) -> Option<f64> {
        let deviation = (guess.high / guess.cost).ln() / REACH;
        Some(self.worth(model)? - self.price * self.risk(guess.cost.ln(), deviation))
    }

    /// Which model of some to measure next.
    ///
    /// # Errors
    /// [`CostError`] for anchors that are no costs of these models.
    pub fn next(
        &self,
        process: &Process,
        anchors: &[Anchor],
        among: &[usize],
    ) -> Result<Option<usize>, CostError> {
        let joint = process.joint(anchors, among)?;
        let scored = among.iter().enumerate().map(|(at, m)| (self.gain(&joint, among, at), *m));
        Ok(scored.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, model)| model))
    }

    /// The worth that is expected of the choice after one of the models was measured.
    fn gain(&self, joint: &Joint, models: &[usize], measured: usize) -> f64 {
        let mut best = OUTCOMES.map(|outcome| self.of_measured(joint, models, measured, outcome));
        let Some(column) = joint.covariance.column_iter().nth(measured) else { return f64::MIN };
        let deviation = self.deviation(joint, measured);
        for (at, model) in models.iter().enumerate().filter(|(at, _)| *at != measured) {
            let Some(worth) = self.worth(*model) else { continue };
            let (mean, shared) = (joint.mean.get(at), column.get(at));
            let told = shared.unwrap_or(&0.0) / deviation;
            let left = (self.deviation(joint, at).powi(2) - told * told).max(0.0).sqrt();
            for (best, outcome) in best.iter_mut().zip(OUTCOMES) {
                // It is worth no more than without any risk.
                if worth > *best {
                    let mean = mean.unwrap_or(&0.0) + told * outcome;
                    *best = best.max(worth - self.price * self.risk(mean, left));
                }
            }
        }
        best.iter().sum::<f64>() / OUTCOMES.len() as f64
    }

    /// The best of those measured, this one with an outcome among them.
    fn of_measured(&self, joint: &Joint, models: &[usize], measured: usize, outcome: f64) -> f64 {
        let Some(so_far) = self.measured else { return f64::MIN };
        let mean = joint.mean.get(measured).unwrap_or(&0.0);
        let kept = mean + outcome * self.deviation(joint, measured) <= self.limit.ln();
        let own = models.get(measured).and_then(|model| self.worth(*model)).filter(|_| kept);
        own.unwrap_or(f64::MIN).max(so_far)
    }

    fn worth(&self, model: usize) -> Option<f64> {
        self.worth.get(model).copied().flatten()
    }

    /// How likely a logarithm is above the limit's.
    fn risk(&self, mean: f64, deviation: f64) -> f64 {
        above((self.limit.ln() - mean) / deviation.max(1e-9))
    }

    /// Of a model's measurement.
    fn deviation(&self, joint: &Joint, at: usize) -> f64 {
        let variance = joint.covariance.get((at, at)).unwrap_or(&0.0);
        (variance.max(0.0) + joint.noise).sqrt()
    }
}

/// How likely a normal deviate is above `z`.
fn above(z: f64) -> f64 {
    0.5 * libm::erfc(z * std::f64::consts::FRAC_1_SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_normal_deviate_is_above_as_the_tables_say() {
        for (z, expected) in [(0.0, 0.5), (1.0, 0.158_655_3), (-1.96, 0.975_002_1), (8.0, 0.0)] {
            assert!((above(z) - expected).abs() < 2e-7, "{z}: {}", above(z));
        }
    }

    fn choice(worth: [f64; 3], measured: Option<f64>) -> Choice {
        Choice { worth: worth.map(Some).to_vec(), limit: 1.0, price: 100.0, measured }
    }

    fn joint(mean: [f64; 3], variances: [f64; 3]) -> Joint {
        let covariance = nalgebra::DMatrix::from_diagonal(&variances.to_vec().into());
        Joint { mean: mean.to_vec().into(), covariance, noise: 1e-6 }
    }

    #[test]
    fn what_may_break_the_limit_is_worth_less() {
        let choice = choice([70.0, 60.0, 50.0], None);
        let guess = |cost: f64| Guess { cost, low: cost / 1.2, high: cost * 1.2 };
        assert!(choice.expected(0, &guess(0.5)).unwrap() > 69.99);
        assert!((choice.expected(0, &guess(1.0)).unwrap() - 20.0).abs() < 1e-3);
        assert!(choice.expected(0, &guess(2.0)).unwrap() < -29.0);
    }

    /// The first is surely too slow, the third surely fast; only of the second it is not known.
    #[test]
    fn what_is_measured_is_what_the_choice_hangs_on() {
        let joint = joint([2.0, 0.0, -2.0], [0.01, 0.01, 0.01]);
        let choice = choice([70.0, 60.0, 50.0], Some(-100.0));
        let gains = [0, 1, 2].map(|at| choice.gain(&joint, &[0, 1, 2], at));
        assert!(gains[1] > gains[0] && gains[1] > gains[2], "{gains:?}");
        assert!(gains[1] > 54.0 && gains[0] < 51.0, "{gains:?}");
    }

    /// If what is measured is out, the second says most where it tells of the first.
    #[test]
    fn where_the_measured_is_out_one_measures_what_tells_of_others() {
        let mut joint = joint([0.0, 0.0, -2.0], [0.01, 0.01, 0.01]);
        (joint.covariance[(0, 1)], joint.covariance[(1, 0)]) = (0.0099, 0.0099);
        let choice = choice([70.0, 60.0, 50.0], None);
        let gains = [0, 1, 2].map(|at| choice.gain(&joint, &[0, 1, 2], at));
        assert!(gains[1] > gains[0] && gains[1] > gains[2], "{gains:?}");
    }
}
