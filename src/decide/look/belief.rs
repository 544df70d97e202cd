//! What is believed of the latencies of all candidates at once: a Gaussian over their
//! logarithms, in which candidates are as alike as what they share.

/// What a candidate's latency is told from before it is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Traits {
    /// Natural logarithm of its multiply-accumulates.
    pub ln_macs: f64,
    /// Natural logarithm of its parameters.
    pub ln_params: f64,
    /// Which kind of arithmetic (a number for each).
    pub arithmetic: u32,
    /// Which engine with which threads and cores (a number for each).
    pub engine: u32,
    /// Which family of networks (a number for each).
    pub family: u32,
    /// Natural logarithm of the latency (microseconds) that the speeds of the board and its
    /// nodes predict, where these are known.
    pub ln_predicted: Option<f64>,
}

/// A normal distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Normal {
    /// Mean.
    pub(super) mean: f64,
    /// Variance.
    pub(super) variance: f64,
}

/// Logarithm of the nominal microseconds of one multiply-accumulate: 5000 in a microsecond.
const LN_NOMINAL: f64 = -8.517_193_191_416;
/// Growth of the logarithm of latency with that of multiply-accumulates: small networks do
/// less work at a time.
const SLOPE: f64 = 0.67;

/// Standard deviations of what candidates share, in logarithms: the board's speed,
const BOARD: f64 = 1.5;
/// the engine,
const ENGINE: f64 = 0.2;
/// the arithmetic on that engine,
const ARITHMETIC: f64 = 0.4;
/// the growth with work of that arithmetic on that engine,
const GROWTH: f64 = 0.12;
/// the family, and the same with that arithmetic on that engine,
const FAMILY: [f64; 2] = [0.25, 0.2];
/// the size of the network, and the same with that arithmetic on that engine,
const SIZE: [f64; 2] = [0.2, 0.17];
/// and what is a candidate's own.
const OWN: f64 = 0.15;
/// Where the latency is predicted from the speeds of the board, the board's speed in their
/// place, and the share that is left of every other deviation.
const PREDICTED: [f64; 2] = [0.25, 0.6];
/// Sizes are alike within about this much of their logarithms of work and of parameters.
const ALIKE: [f64; 2] = [2.1, 1.0];

/// A joint normal distribution of the logarithms of all latencies (microseconds).
#[derive(Debug)]
pub(super) struct Belief {
    means: Vec<f64>,
    covariance: Vec<Vec<f64>>,
}

impl Belief {
    /// Before any look.
    pub(super) fn of(traits: &[Traits]) -> Self {
        let count = traits.len().max(1) as f64;
        let middle = traits.iter().map(|one| one.ln_macs).sum::<f64>() / count;
        let nominal = |one: &Traits| LN_NOMINAL + middle + SLOPE * (one.ln_macs - middle);
        let mean = |one: &Traits| one.ln_predicted.unwrap_or_else(|| nominal(one));
        let row = |one: &Traits| traits.iter().map(|other| shared(one, other, middle)).collect();
        let mut covariance: Vec<Vec<f64>> = traits.iter().map(row).collect();
        for (at, row) in covariance.iter_mut().enumerate() {
            let own = traits.get(at).map_or(OWN, |one| OWN * doubts(one)[1]);
            row.iter_mut().skip(at).take(1).for_each(|variance| *variance += own * own);
        }
        Self { means: traits.iter().map(mean).collect(), covariance }
    }

    /// Conditions on one observed logarithm with this standard error: by how many deviations
    /// it was off what was believed.
    pub(super) fn saw(&mut self, at: usize, ln_latency: f64, error: f64) -> f64 {
        let Some(column) = self.covariance.get(at).cloned() else { return 0.0 };
        let (Some(own), Some(mean)) = (column.get(at), self.means.get(at)) else { return 0.0 };
        let (total, surprise) = (own + error * error, ln_latency - mean);
        for (mean, with) in self.means.iter_mut().zip(&column) {
            *mean += with * surprise / total;
        }
        for (row, with) in self.covariance.iter_mut().zip(&column) {
            for (value, other) in row.iter_mut().zip(&column) {
                *value -= with * other / total;
            }
        }
        surprise / total.sqrt()
    }

    /// What is believed of one.
    pub(super) fn of_one(&self, at: usize) -> Normal {
        let variance = self.covariance.get(at).and_then(|row| row.get(at));
        let (mean, variance) = (self.means.get(at).copied(), variance.copied());
        Normal { mean: mean.unwrap_or(0.0), variance: variance.unwrap_or(0.0).max(0.0) }
    }
}

/// Deviation of the board's speed, and the share of the others, that a candidate is left with.
fn doubts(one: &Traits) -> [f64; 2] {
    if one.ln_predicted.is_some() { PREDICTED } else { [BOARD, 1.0] }
}

/// Covariance of two candidates: of the board's speed, and of what they share.
fn shared(one: &Traits, other: &Traits, middle: f64) -> f64 {
    let ([board, share], [other_board, other_share]) = (doubts(one), doubts(other));
    board * other_board + share * other_share * alike(one, other, middle)
}

/// The part of it that is not the board's speed.
fn alike(one: &Traits, other: &Traits, middle: f64) -> f64 {
    let square = |deviation: f64| deviation * deviation;
    let apart = [one.ln_macs - other.ln_macs, one.ln_params - other.ln_params];
    let distance: f64 = apart.iter().zip(ALIKE).map(|(by, scale)| square(by / scale)).sum();
    let near = (-distance / 2.0).exp();
    let related = if one.family == other.family { 1.0 } else { 0.0 };
    let anywhere = related * square(FAMILY[0]) + near * square(SIZE[0]);
    if one.engine != other.engine {
        return anywhere;
    }
    if one.arithmetic != other.arithmetic {
        return anywhere + square(ENGINE);
    }
    let growth = square(GROWTH) * (one.ln_macs - middle) * (other.ln_macs - middle);
    let here = related * square(FAMILY[1]) + near * square(SIZE[1]);
    anywhere + square(ENGINE) + square(ARITHMETIC) + growth + here
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traits(macs: f64, arithmetic: u32, engine: u32) -> Traits {
        let ln_macs = macs.ln();
        Traits { ln_macs, ln_params: 14.0, arithmetic, engine, family: 0, ln_predicted: None }
    }

    #[test]
    fn what_the_speeds_of_the_board_predict_is_believed_and_still_doubted() {
        let told = |micros: f64| Traits { ln_predicted: Some(micros.ln()), ..traits(1e8, 0, 0) };
        let mut belief = Belief::of(&[told(500.0), told(2000.0), traits(1e8, 0, 0)]);
        let (first, blind) = (belief.of_one(0), belief.of_one(2));
        assert!((first.mean - 500f64.ln()).abs() < 1e-12);
        assert!(first.variance.sqrt() < 0.5 && blind.variance.sqrt() > 1.5);
        belief.saw(0, 750f64.ln(), 0.01);
        let second = belief.of_one(1);
        assert!(second.mean > 2000f64.ln() + 0.2, "the board is slower than its probes said");
        assert!(second.variance.sqrt() > 0.1, "{second:?}");
    }

    #[test]
    fn a_look_at_one_moves_those_most_that_are_most_alike() {
        let all = [traits(1e8, 0, 0), traits(1.2e8, 0, 0), traits(1.2e8, 1, 0), traits(4e8, 0, 1)];
        let mut belief = Belief::of(&all);
        let before: Vec<Normal> = (0..4).map(|at| belief.of_one(at)).collect();
        let surprise = belief.saw(0, before[0].mean - 1.0, 0.01);
        assert!((-0.7..-0.5).contains(&surprise), "{surprise}");
        let moved: Vec<f64> = (0..4).map(|at| before[at].mean - belief.of_one(at).mean).collect();
        assert!(moved[0] > 0.99 && moved[1] > moved[2] && moved[2] > moved[3], "{moved:?}");
        assert!(moved[3] > 0.5, "the board is fast: {moved:?}");
        let left: Vec<f64> = (0..4).map(|at| belief.of_one(at).variance.sqrt()).collect();
        assert!(left[0] < 0.011 && left[1] < 0.25 && left[2] > left[1], "{left:?}");
    }

    /// Two looks in turn say what conditioning on both at once says.
    #[test]
    fn conditioning_in_turn_is_conditioning_at_once() {
        let all = [traits(1e8, 0, 0), traits(3e8, 0, 0), traits(2e8, 0, 0)];
        let mut belief = Belief::of(&all);
        let k = belief.covariance.clone();
        let prior: Vec<f64> = (0..3).map(|at| belief.of_one(at).mean).collect();
        let (seen, error) = ([9.0, 9.7], 0.1);
        belief.saw(0, seen[0], error);
        belief.saw(1, seen[1], error);
        let noise = error * error;
        let (a, b, c) = (k[0][0] + noise, k[0][1], k[1][1] + noise);
        let by = [seen[0] - prior[0], seen[1] - prior[1]];
        let det = a * c - b * b;
        let solved = [(c * by[0] - b * by[1]) / det, (a * by[1] - b * by[0]) / det];
        let mean = prior[2] + k[2][0] * solved[0] + k[2][1] * solved[1];
        assert!((belief.of_one(2).mean - mean).abs() < 1e-9);
    }
}
