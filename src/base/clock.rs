//! The clock, as something that tests can hold in their hands.

use std::fmt::Debug;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Time for the library. Nothing below `main` reads the system clock itself.
pub trait Clock: Debug + Send + Sync {
    /// Monotonic time since some fixed moment.
    fn now(&self) -> Duration;
    /// Seconds since the Unix epoch; may jump on boards without a battery-backed clock.
    fn unix_seconds(&self) -> u64;
    /// Waits.
    fn sleep(&self, duration: Duration);
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn unix_seconds(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

/// A clock that moves only when told to; `sleep` moves it and returns at once.
#[derive(Debug, Default)]
pub struct FakeClock(Mutex<Duration>);

impl FakeClock {
    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        if let Ok(mut now) = self.0.lock() {
            *now += by;
        }
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Duration {
        self.0.lock().map_or(Duration::ZERO, |now| *now)
    }

    fn unix_seconds(&self) -> u64 {
        1_750_000_000 + self.now().as_secs()
    }

    fn sleep(&self, duration: Duration) {
        self.advance(duration);
    }
}
