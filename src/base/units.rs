//! Units as types: a number never travels without its unit.

use serde::{Deserialize, Serialize};

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
