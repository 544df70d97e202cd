//! What a candidate is worth, and what is to be expected of one whose latency is uncertain.

use super::belief::Normal;
use crate::base::Micros;

/// What is aimed at: merit, less a price for every e-fold of latency over the target, under
/// a limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Aim {
    /// Merit that an e-fold of latency costs.
    pub price: f64,
    /// Better than this earns nothing.
    pub target: Micros,
    /// A candidate over this is worth nothing.
    pub limit: Option<Micros>,
}

impl Aim {
    /// Worth of a known latency.
    #[must_use]
    pub fn worth(&self, merit: f64, latency: Micros) -> f64 {
        merit - self.price * (latency.0.ln() - self.ln_target()).max(0.0)
    }

    pub(super) fn ln_target(&self) -> f64 {
        self.target.0.ln()
    }

    /// E[max(worth, bar)] where the logarithm of the latency is normal. A candidate over the
    /// limit is worth the bar. `tail` is how far, in logarithms, the figure that the limit is
    /// held against lies above the median; `None` where the limit is known to be kept.
    pub(super) fn expected(&self, merit: f64, latency: Normal, tail: Option<f64>, bar: f64) -> f64 {
        if merit <= bar {
            return bar;
        }
        let target = self.ln_target();
        let even = target + (merit - bar) / self.price;
        let limit = self.limit.zip(tail).map(|(limit, tail)| limit.0.ln() - tail);
        let end = limit.map_or(even, |limit| limit.min(even));
        let flat = target.min(end);
        // Up to the target the whole difference, from there to the end less and less of it.
        let full = (merit - bar) * latency.below(flat);
        let sloping = (merit - bar + self.price * target) * latency.between(target, end)
            - self.price * latency.moment(target, end);
        bar + full + if end > target { sloping } else { 0.0 }
    }
}

impl Normal {
    fn standard(self, at: f64) -> f64 {
        (at - self.mean) / self.variance.max(1e-12).sqrt()
    }

    /// P(X <= at).
    fn below(self, at: f64) -> f64 {
        cumulative(self.standard(at))
    }

    /// P(low < X <= high).
    fn between(self, low: f64, high: f64) -> f64 {
        self.below(high) - self.below(low)
    }

    /// E[X; low < X <= high].
    fn moment(self, low: f64, high: f64) -> f64 {
        let deviation = self.variance.max(1e-12).sqrt();
        let edges = density(self.standard(high)) - density(self.standard(low));
        self.mean * self.between(low, high) - deviation * edges
    }
}

fn density(z: f64) -> f64 {
    (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt()
}

/// The standard normal distribution function, within 1e-7 (Abramowitz and Stegun, 26.2.17).
fn cumulative(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let series = [1.330_274_429, -1.821_255_978, 1.781_477_937, -0.356_563_782, 0.319_381_530];
    let above = density(z) * series.iter().fold(0.0, |sum, term| (sum + term) * t);
    if z >= 0.0 { 1.0 - above } else { above }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closed_form_is_the_integral() {
        let aim = |limit: Option<f64>| Aim {
            price: 0.1,
            target: Micros(1000.0),
            limit: limit.map(Micros),
        };
        for (mean, deviation, limit, bar) in [
            (7.0, 0.4, None, 0.0),
            (6.5, 0.2, None, 0.65),
            (8.0, 1.0, Some(3000.0), 0.5),
            (6.0, 0.5, Some(500.0), 0.3),
            (7.5, 0.05, None, 0.66),
        ] {
            let (aim, tail) = (aim(limit), 0.1);
            let latency = Normal { mean, variance: deviation * deviation };
            let found = aim.expected(0.7, latency, limit.map(|_| tail), bar);
            let step = 1e-3;
            let mut sum = 0.0;
            for k in -8000..=8000 {
                let z = f64::from(k) * step;
                let micros = (mean + deviation * z).exp();
                let kept = limit.is_none_or(|limit| micros * tail.exp() <= limit);
                let worth = if kept { aim.worth(0.7, Micros(micros)).max(bar) } else { bar };
                sum += worth * density(z) * step;
            }
            assert!((found - sum).abs() < 2e-4, "{found} and {sum} for {mean} {deviation}");
        }
        assert_eq!(aim(None).expected(0.5, Normal { mean: 1.0, variance: 1.0 }, None, 0.6), 0.6);
    }
}
