//! The logarithm of the gamma function and its derivative, for positive arguments.
//!
//! Stirling's series after the argument was raised above 10, where it is exact to the
//! last digits (Abramowitz and Stegun, 6.1.40 and 6.3.18).

const HALF_LN_TWO_PI: f64 = 0.918_938_533_204_672_8;
const LARGE: f64 = 10.0;

/// `ln Γ(x)`.
pub(super) fn ln_gamma(mut x: f64) -> f64 {
    let mut below = 0.0;
    while x < LARGE {
        below += x.ln();
        x += 1.0;
    }
    let s = 1.0 / (x * x);
    let series = 1.0 / 12.0
        - s * (1.0 / 360.0
            - s * (1.0 / 1260.0 - s * (1.0 / 1680.0 - s * (1.0 / 1188.0 - s * 691.0 / 360_360.0))));
    (x - 0.5) * x.ln() - x + HALF_LN_TWO_PI + series / x - below
}

/// `d/dx ln Γ(x)`.
pub(super) fn digamma(mut x: f64) -> f64 {
    let mut below = 0.0;
    while x < LARGE {
        below += 1.0 / x;
        x += 1.0;
    }
    let s = 1.0 / (x * x);
    let series = s
        * (1.0 / 12.0
            - s * (1.0 / 120.0
                - s * (1.0 / 252.0
                    - s * (1.0 / 240.0 - s * (1.0 / 132.0 - s * 691.0 / 32_760.0)))));
    x.ln() - 0.5 / x - series - below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agree_with_known_values() {
        let near = |found: f64, known: f64| assert!((found - known).abs() < 1e-12, "{found}");
        near(ln_gamma(0.5), std::f64::consts::PI.sqrt().ln());
        near(ln_gamma(1.0), 0.0);
        near(ln_gamma(11.0), 3_628_800_f64.ln());
        near(ln_gamma(1e-3), 6.907_178_885_383_854);
        near(digamma(1.0), -0.577_215_664_901_532_9);
        near(digamma(0.5), -1.963_510_026_021_423_5);
        near(digamma(20.0), 2.970_523_992_242_149);
    }
}
