//! The one time source (I14). Implementations live where the system clock may be read: in the binary.

use async_trait::async_trait;
use domain::{clock::ClockDoubt, time::Timestamp};

/// What time it is, and waiting for a time.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
    /// Returns when `now()` has reached `at`; may return earlier when the clock was moved.
    async fn sleep_until(&self, at: Timestamp);
    /// Whether it agrees with the clock of the whole installation; while it does not, work on blocks rests (I14).
    fn check(&self) -> Result<(), ClockDoubt> {
        Ok(())
    }
}

/// How a clock that can be moved goes by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ClockMode {
    /// It stands until it is moved.
    Frozen,
    /// It runs.
    Running {
        /// Its seconds in one second of the machine, [`RATE_MIN`] to [`RATE_MAX`].
        rate: f64,
    },
}

/// The slowest rate of a running clock.
pub const RATE_MIN: f64 = 0.1;
/// The fastest rate of a running clock: more than a day in a second.
pub const RATE_MAX: f64 = 100_000.0;

impl ClockMode {
    /// Running with the machine.
    pub const REAL: Self = Self::Running { rate: 1.0 };

    /// Running at `rate`; `None` where no clock goes that fast or slow.
    pub fn running(rate: f64) -> Option<Self> {
        (RATE_MIN..=RATE_MAX)
            .contains(&rate)
            .then_some(Self::Running { rate })
    }
}
