//! How a node's clock is kept: it never goes back, and in a cluster it follows the database's (I14).
//!
//! Readings come in as values: the machine's own time ([`Uptime`]), which nobody sets, and instants that a wall
//! clock or the database showed at such a time.

use crate::time::Timestamp;

/// A difference from the database's clock beyond which a node does no work on blocks, in milliseconds.
pub const APART_MAX_MS: i64 = 5_000;
/// A clock that was not measured for this long is not followed any more, in milliseconds.
pub const UNMEASURED_MAX_MS: i64 = 10_000;
/// A question to the database that took longer says too little about the time, in milliseconds.
pub const ROUND_TRIP_MAX_MS: i64 = 2_000;
/// A jump is believed when so many measurements in a row agree on it.
const SAMPLES: u32 = 3;
/// While a clock is ahead of what it follows, it goes at one in this many of its speed.
const SLOWER: i64 = 2;

/// Milliseconds that a machine has been running, by a clock that nobody sets; only differences mean anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Uptime(pub i64);

impl Uptime {
    /// Milliseconds since `earlier`.
    pub fn ms_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A clock that follows another and never goes back. Where the other is behind, because it was set back, this one
/// goes at half its speed until the other has caught up: what waits for a time does not wait for ever.
#[derive(Clone, Copy, Debug)]
pub struct Steady {
    shown: Timestamp,
    at: Uptime,
}

impl Steady {
    /// A clock that showed `shown` at `at`.
    pub fn starting(shown: Timestamp, at: Uptime) -> Self {
        Self { shown, at }
    }

    /// What it shows at `at`, when the one that it follows shows `target`.
    pub fn show(&mut self, target: Timestamp, at: Uptime) -> Timestamp {
        let slow = self.shown.plus_ms(at.ms_since(self.at).max(0) / SLOWER);
        if target >= slow {
            *self = Self::starting(target, at.max(self.at));
            return target;
        }
        slow
    }
}

/// One look at the database's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measurement {
    /// When it was asked.
    pub asked: Uptime,
    /// When the answer was here.
    pub answered: Uptime,
    /// What the answer was.
    pub database: Timestamp,
}

impl Measurement {
    /// What has to be added to the uptime to get the database's time; `None` when the question took too long.
    fn offset_ms(&self) -> Option<i64> {
        let round_trip = self.answered.ms_since(self.asked);
        let middle = self.asked.0.saturating_add(round_trip / 2);
        (0..=ROUND_TRIP_MAX_MS)
            .contains(&round_trip)
            .then(|| self.database.0.saturating_sub(middle))
    }
}

/// Why a node's clock cannot be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClockDoubt {
    /// The last measurements disagree with those before.
    #[error("the database's clock or this node's has jumped by {by_ms} ms")]
    Jumped {
        /// Positive: the database's went forward against this node's.
        by_ms: i64,
    },
    /// The database's clock went back, and this node's has not come back to it.
    #[error("this node's clock is {by_ms} ms ahead of the database's")]
    Ahead {
        /// How far.
        by_ms: i64,
    },
    /// The database did not tell the time.
    #[error("the database's clock could not be read for {for_ms} ms")]
    Unmeasured {
        /// Since when.
        for_ms: i64,
    },
}

/// The clock of a node in a cluster: the uptime and the measured offset to the database's clock.
#[derive(Clone, Copy, Debug)]
pub struct Follow {
    steady: Steady,
    offset_ms: i64,
    measured_at: Uptime,
    jump: Option<Jump>,
}

/// An offset that differs from the one in use.
#[derive(Clone, Copy, Debug)]
struct Jump {
    offset_ms: i64,
    samples: u32,
}

impl Follow {
    /// A clock after its first measurement; `None` when that took too long to say anything.
    pub fn starting(first: Measurement) -> Option<Self> {
        let offset_ms = first.offset_ms()?;
        Some(Self {
            steady: Steady::starting(at(offset_ms, first.answered), first.answered),
            offset_ms,
            measured_at: first.answered,
            jump: None,
        })
    }

    /// Takes a measurement in. Small differences are followed at once, a jump when it is confirmed.
    pub fn measure(&mut self, measurement: Measurement) {
        let Some(offset_ms) = measurement.offset_ms() else {
            return;
        };
        let near = |other: i64| offset_ms.abs_diff(other) <= APART_MAX_MS.unsigned_abs();
        self.measured_at = measurement.answered.max(self.measured_at);
        if near(self.offset_ms) {
            (self.offset_ms, self.jump) = (offset_ms, None);
            return;
        }
        let samples = match self.jump {
            Some(jump) if near(jump.offset_ms) => jump.samples + 1,
            _ => 1,
        };
        (self.offset_ms, self.jump) = match samples >= SAMPLES {
            true => (offset_ms, None),
            false => (self.offset_ms, Some(Jump { offset_ms, samples })),
        };
    }

    /// What it shows; never less than before.
    pub fn show(&mut self, now: Uptime) -> Timestamp {
        self.steady.show(at(self.offset_ms, now), now)
    }

    /// Whether work on blocks may be done by this clock.
    pub fn check(&mut self, now: Uptime) -> Result<(), ClockDoubt> {
        if let Some(jump) = self.jump {
            let by_ms = jump.offset_ms.saturating_sub(self.offset_ms);
            return Err(ClockDoubt::Jumped { by_ms });
        }
        let for_ms = now.ms_since(self.measured_at);
        if for_ms > UNMEASURED_MAX_MS {
            return Err(ClockDoubt::Unmeasured { for_ms });
        }
        let by_ms = self.show(now).ms_since(at(self.offset_ms, now));
        match by_ms > APART_MAX_MS {
            true => Err(ClockDoubt::Ahead { by_ms }),
            false => Ok(()),
        }
    }
}

/// The database's time at an uptime.
fn at(offset_ms: i64, uptime: Uptime) -> Timestamp {
    Timestamp(uptime.0.saturating_add(offset_ms))
}

#[cfg(test)]
mod tests;
