//! The three usual plans.

use std::time::Duration;

use super::{Cool, Plan};

/// What the bound of the 90th percentile needs (see [`stats`](super::stats)).
const SAMPLES: u32 = 64;

impl Default for Plan {
    /// A bench that somebody waits for.
    fn default() -> Self {
        Self {
            min_samples: SAMPLES,
            min_time: Duration::from_millis(300),
            max_samples: 20_000,
            max_time: Duration::from_secs(3),
            patience: Duration::from_secs(10),
            glance: None,
            hopeless_above: None,
            wall: Duration::from_secs(60),
            address_space: None,
            head_labels: None,
            cool: Cool { below: None, wait: Duration::from_secs(30) },
        }
    }
}

impl Plan {
    /// Just enough for the bound of the 90th percentile.
    #[must_use]
    pub fn quick() -> Self {
        Self {
            min_time: Duration::from_millis(100),
            max_time: Duration::from_secs(1),
            patience: Duration::from_secs(2),
            wall: Duration::from_secs(30),
            cool: Cool { below: None, wait: Duration::from_secs(10) },
            ..Self::default()
        }
    }

    /// While a board boots: quick, less patient with what hangs, and more with what is slow:
    /// what boots unattended should not end in doubt.
    #[must_use]
    pub fn boot() -> Self {
        let patience = Duration::from_secs(5);
        Self { wall: Duration::from_secs(15), patience, ..Self::quick() }
    }
}
