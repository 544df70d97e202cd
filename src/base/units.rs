//! Units as types: a number never travels without its unit.

use serde::{Deserialize, Serialize};

/// Three significant digits, for people: `0.00123`, `0.0123`, `1.23`, `12.3`, `1234`. Below a
/// ten-thousandth with an exponent, `-` where there is no number.
#[must_use]
pub fn significant(value: f64) -> String {
    if !value.is_finite() {
        return "-".to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    // Rounding may add a digit (9.996 is 10.0): the exponent is that of the rounded number.
    let rounded = format!("{value:.2e}");
    let exponent = rounded.split_once('e').and_then(|(_, exponent)| exponent.parse::<i32>().ok());
    match exponent.unwrap_or(0) {
        ..-4 => rounded,
        exponent => format!("{value:.*}", usize::try_from(2 - exponent).unwrap_or(0)),
    }
}

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);
    };
}

unit!(
    /// A number of bytes.
    #[derive(Eq, Ord, Hash)]
    Bytes(u64)
);
unit!(
    /// A duration in microseconds.
    Micros(f64)
);
unit!(
    /// An energy in joules.
    Joules(f64)
);
unit!(
    /// A power in watts.
    Watts(f64)
);
unit!(
    /// A temperature in degrees Celsius.
    Celsius(f64)
);
unit!(
    /// A frequency in hertz.
    #[derive(Eq, Ord, Hash)]
    Hertz(u64)
);

impl Bytes {
    /// From kibibytes, the unit of most files below `/proc` (saturating).
    #[must_use]
    pub fn from_kib(kib: u64) -> Self {
        Self(kib.saturating_mul(1024))
    }

    /// In mebibytes.
    #[must_use]
    pub fn mib(self) -> f64 {
        self.0 as f64 / (1024.0 * 1024.0)
    }
}

impl Micros {
    /// From a standard duration.
    #[must_use]
    pub fn from_duration(duration: std::time::Duration) -> Self {
        Self(duration.as_nanos() as f64 / 1000.0)
    }

    /// In milliseconds.
    #[must_use]
    pub fn millis(self) -> f64 {
        self.0 / 1000.0
    }
}

impl Joules {
    /// In millijoules.
    #[must_use]
    pub fn millis(self) -> f64 {
        self.0 * 1000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people_have_three_digits_that_mean_something() {
        let cases = [
            (0.0, "0"),
            (0.000_123_4, "0.000123"),
            (0.001_234, "0.00123"),
            (0.012_34, "0.0123"),
            (-0.123_4, "-0.123"),
            (0.999_6, "1.00"),
            (9.996, "10.0"),
            (99.96, "100"),
            (12_345.6, "12346"),
            (0.000_099_99, "0.000100"),
            (3.456e-7, "3.46e-7"),
            (f64::INFINITY, "-"),
        ];
        for (value, text) in cases {
            assert_eq!(significant(value), text, "{value}");
        }
    }
}
