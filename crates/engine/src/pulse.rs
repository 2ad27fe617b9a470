//! Whether the engine lives: what its last turn did, and since when one is under way.
//!
//! Real time, not the clock's: a sandbox's clock may stand still while the engine is well.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// A turn is a few transactions; one that takes longer than this hangs.
const TURN_MAX: Duration = Duration::from_secs(30);

/// What the engine's loop is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beat {
    NotStarted,
    InTurn(Instant),
    Resting,
    Failed,
    Ended,
}

/// Why the engine does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Sick {
    /// Nobody started its loop.
    #[error("it was not started")]
    NotStarted,
    /// The turn under way takes too long.
    #[error("a turn hangs")]
    Hangs,
    /// The last turn failed; the next one may not.
    #[error("its last turn failed")]
    Failed,
    /// The loop ended, by a defect or because the server stops.
    #[error("it has ended")]
    Ended,
}

/// The engine's pulse, felt from outside.
#[derive(Debug)]
pub struct Pulse(Mutex<Beat>);

impl Default for Pulse {
    fn default() -> Self {
        Self(Mutex::new(Beat::NotStarted))
    }
}

/// Notes the end of the loop, however it ends: by a panic too.
pub(crate) struct Alive<'a>(&'a Pulse);

impl Pulse {
    /// Whether the engine works; else why not.
    pub fn check(&self) -> Result<(), Sick> {
        match self.beat() {
            Beat::NotStarted => Err(Sick::NotStarted),
            Beat::InTurn(since) if since.elapsed() > TURN_MAX => Err(Sick::Hangs),
            Beat::InTurn(_) | Beat::Resting => Ok(()),
            Beat::Failed => Err(Sick::Failed),
            Beat::Ended => Err(Sick::Ended),
        }
    }

    pub(crate) fn alive(&self) -> Alive<'_> {
        self.set(Beat::Resting);
        Alive(self)
    }

    pub(crate) fn turn_begins(&self) {
        // While turns fail one after the other it stays sick until one does not.
        if self.beat() != Beat::Failed {
            self.set(Beat::InTurn(Instant::now()));
        }
    }

    pub(crate) fn turn_ended(&self, well: bool) {
        self.set(if well { Beat::Resting } else { Beat::Failed });
    }

    fn beat(&self) -> Beat {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, beat: Beat) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = beat;
    }
}

impl Drop for Alive<'_> {
    fn drop(&mut self) {
        self.0.set(Beat::Ended);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_that_ends_by_whatever_is_noticed() {
        let pulse = Pulse::default();
        assert_eq!(pulse.check(), Err(Sick::NotStarted));
        let alive = pulse.alive();
        assert_eq!(pulse.check(), Ok(()));
        pulse.turn_begins();
        assert_eq!(pulse.check(), Ok(()));
        pulse.turn_ended(false);
        pulse.turn_begins();
        assert_eq!(pulse.check(), Err(Sick::Failed), "until a turn ended well");
        pulse.turn_ended(true);
        assert_eq!(pulse.check(), Ok(()));
        drop(alive);
        assert_eq!(pulse.check(), Err(Sick::Ended));
        pulse.set(Beat::InTurn(Instant::now() - TURN_MAX - Duration::from_secs(1)));
        assert_eq!(pulse.check(), Err(Sick::Hangs));
    }
}
