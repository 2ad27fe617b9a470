//! The clocks: the machine's, and the sandbox's, which can be stopped and moved. The only place where the
//! system clock is read.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use domain::time::Timestamp;
use store::clock::Clock;
use tokio::sync::Notify;

/// The machine's clock, never going back within this process (I14).
#[derive(Debug, Default)]
pub struct WallClock {
    latest: Mutex<i64>,
}

/// A clock that starts at an instant and then runs with the machine's, stands still, or is moved.
#[derive(Debug)]
pub struct VirtualClock {
    state: Mutex<State>,
    wall: WallClock,
    moved: Notify,
}

#[derive(Clone, Copy, Debug)]
struct State {
    base: Timestamp,
    /// The machine's time at `base`; `None` while the clock stands still.
    since: Option<Timestamp>,
}

#[async_trait]
impl Clock for WallClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the system clock"
    )]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        *latest = now.max(*latest);
        Timestamp(*latest)
    }

    async fn sleep_until(&self, at: Timestamp) {
        let wait = u64::try_from(at.ms_since(self.now())).unwrap_or(0);
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }
}

impl VirtualClock {
    /// A clock that shows `start` and runs.
    pub fn running_from(start: Timestamp) -> Self {
        let wall = WallClock::default();
        let since = Some(wall.now());
        Self {
            state: Mutex::new(State { base: start, since }),
            wall,
            moved: Notify::new(),
        }
    }

    /// A clock that stands at `start` until it is set.
    pub fn standing_at(start: Timestamp) -> Self {
        Self {
            state: Mutex::new(State {
                base: start,
                since: None,
            }),
            wall: WallClock::default(),
            moved: Notify::new(),
        }
    }

    /// Sets the clock to `at`, if that is later than what it shows; it goes on running or standing.
    pub fn set(&self, at: Timestamp) {
        {
            let mut state = self.state();
            let now = self.shows(&state);
            state.since = state.since.map(|_| self.wall.now());
            state.base = at.max(now);
        }
        self.moved.notify_waiters();
    }

    /// Stops the clock; says whether it was running.
    pub fn stop(&self) -> bool {
        let mut state = self.state();
        state.base = self.shows(&state);
        state.since.take().is_some()
    }

    /// Lets the clock run with the machine's.
    pub fn run(&self) {
        {
            let mut state = self.state();
            state.base = self.shows(&state);
            state.since = Some(self.wall.now());
        }
        self.moved.notify_waiters();
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shows(&self, state: &State) -> Timestamp {
        let passed = state.since.map_or(0, |since| self.wall.now().ms_since(since));
        state.base.plus_ms(passed)
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let state = *self.state();
        self.shows(&state)
    }

    async fn sleep_until(&self, at: Timestamp) {
        let moved = self.moved.notified();
        let state = *self.state();
        let now = self.shows(&state);
        if now >= at {
            return;
        }
        if state.since.is_none() {
            return moved.await;
        }
        let wait = Duration::from_millis(u64::try_from(at.ms_since(now)).unwrap_or(0));
        tokio::select! {
            () = moved => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_standing_clock_moves_only_when_it_is_set_and_never_back() {
        let clock = VirtualClock::standing_at(Timestamp(1_000));
        assert_eq!(clock.now(), Timestamp(1_000));
        clock.set(Timestamp(5_000));
        assert_eq!(clock.now(), Timestamp(5_000));
        clock.set(Timestamp(2_000));
        assert_eq!(clock.now(), Timestamp(5_000));
        clock.sleep_until(Timestamp(5_000)).await;
    }

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_clock_is_moved() {
        let clock = std::sync::Arc::new(VirtualClock::standing_at(Timestamp(0)));
        let ours = clock.clone();
        let sleeper = tokio::spawn(async move { ours.sleep_until(Timestamp(3_600_000)).await });
        tokio::task::yield_now().await;
        clock.set(Timestamp(3_600_000));
        sleeper.await.expect("the sleeper wakes");
    }

    #[test]
    fn a_running_clock_starts_where_it_is_told() {
        let clock = VirtualClock::running_from(Timestamp(1_000_000));
        let now = clock.now();
        assert!(now >= Timestamp(1_000_000) && now < Timestamp(1_060_000));
        assert!(clock.stop());
        let stopped = clock.now();
        assert_eq!(clock.now(), stopped);
        assert!(!clock.stop());
    }
}
