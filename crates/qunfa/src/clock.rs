//! The clocks: the machine's, and the sandbox's, which can be stopped, moved and made faster. The only place where the
//! system clock is read.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use domain::time::Timestamp;
use store::clock::{Clock, ClockMode};
use tokio::sync::{Notify, futures::Notified};

pub mod node;

/// The machine's clock, never going back within this process (I14).
#[derive(Debug, Default)]
pub struct WallClock {
    latest: Mutex<i64>,
}

/// A clock that starts at an instant and then runs with the machine's, runs at another rate, stands still, or is
/// moved.
///
/// At the machine's own rate it runs by itself. At any other rate it is moved in steps, to
/// [`VirtualClock::next_step`], by whoever sees to it that everything happens on the way in order: in between
/// it stands.
pub struct VirtualClock {
    state: Mutex<State>,
    wall: Arc<dyn Clock>,
    moved: Notify,
}

impl std::fmt::Debug for VirtualClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VirtualClock({:?})", self.state())
    }
}

#[derive(Clone, Copy, Debug)]
struct State {
    /// What it showed when it was last set, stopped or moved.
    shown: Timestamp,
    /// `None` while it stands still.
    running: Option<Running>,
}

/// Since when a clock runs, and how fast.
#[derive(Clone, Copy, Debug)]
struct Running {
    rate: f64,
    /// The machine's time at `from`.
    since: Timestamp,
    from: Timestamp,
}

/// The rate at which the clock runs by itself.
const OWN_RATE: f64 = 1.0;
/// A step makes up for this much real time at most; what a busy machine loses beyond is not made up for.
const STEP_MAX_MS: i64 = 1_000;

impl Running {
    fn starting(rate: f64, since: Timestamp, from: Timestamp) -> Self {
        Self { rate, since, from }
    }

    /// Where a clock that keeps this rate is when the machine's shows `wall`.
    fn at(&self, wall: Timestamp) -> Timestamp {
        self.from.plus_ms(scaled(wall.ms_since(self.since), self.rate))
    }

    fn by_itself(&self) -> bool {
        (self.rate - OWN_RATE).abs() < f64::EPSILON
    }
}

/// `real_ms` of the machine in milliseconds of a clock that goes `rate` times as fast.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a rounded span; a cast of a float saturates"
)]
pub fn scaled(real_ms: i64, rate: f64) -> i64 {
    (real_ms as f64 * rate).floor() as i64
}

#[async_trait]
impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        let now = machine_ms();
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        *latest = now.max(*latest);
        Timestamp(*latest)
    }

    async fn sleep_until(&self, at: Timestamp) {
        let wait = u64::try_from(at.ms_since(self.now())).unwrap_or(0);
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }
}

/// What the machine's clock shows.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the system clock"
)]
fn machine_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

impl VirtualClock {
    /// A clock that shows `start` and runs.
    pub fn running_from(start: Timestamp) -> Self {
        let clock = Self::standing_at(start);
        clock.run();
        clock
    }

    /// A clock that stands at `start` until it is set.
    pub fn standing_at(start: Timestamp) -> Self {
        Self::beside(Arc::new(WallClock::default()), start)
    }

    /// The same, taking `wall` for the machine's clock.
    pub fn beside(wall: Arc<dyn Clock>, start: Timestamp) -> Self {
        Self {
            state: Mutex::new(State {
                shown: start,
                running: None,
            }),
            wall,
            moved: Notify::new(),
        }
    }

    /// The machine's clock.
    pub fn wall(&self) -> &dyn Clock {
        self.wall.as_ref()
    }

    /// How the clock goes.
    pub fn mode(&self) -> ClockMode {
        match self.state().running {
            None => ClockMode::Frozen,
            Some(running) => ClockMode::Running { rate: running.rate },
        }
    }

    /// Sets the clock to `at`, if that is later than what it shows; it goes on running or standing.
    pub fn set(&self, at: Timestamp) {
        {
            let mut state = self.state();
            let shown = at.max(self.shows(&state));
            state.shown = shown;
            if let Some(running) = &mut state.running {
                *running = Running::starting(running.rate, self.wall.now(), shown);
            }
        }
        self.moved.notify_waiters();
    }

    /// Sets the clock to `at`, which may be earlier: the whole world goes back with it.
    pub fn restore(&self, at: Timestamp, mode: ClockMode) {
        *self.state() = State {
            shown: at,
            running: None,
        };
        self.go(mode);
    }

    /// Stops the clock; says how it went.
    pub fn stop(&self) -> ClockMode {
        let mode = self.mode();
        let mut state = self.state();
        state.shown = self.shows(&state);
        state.running = None;
        mode
    }

    /// Lets the clock run with the machine's.
    pub fn run(&self) {
        self.go(ClockMode::REAL);
    }

    /// Lets the clock go this way from what it shows.
    pub fn go(&self, mode: ClockMode) {
        {
            let mut state = self.state();
            state.shown = self.shows(&state);
            state.running = match mode {
                ClockMode::Frozen => None,
                ClockMode::Running { rate } => Some(Running::starting(rate, self.wall.now(), state.shown)),
            };
        }
        self.moved.notify_waiters();
    }

    /// Where a clock that does not run by itself is to be moved now, by [`VirtualClock::step_to`]; `None` for one
    /// that stands or runs by itself.
    pub fn next_step(&self) -> Option<Timestamp> {
        let mut state = self.state();
        let (shown, now) = (state.shown, self.wall.now());
        let running = state.running.as_mut().filter(|running| !running.by_itself())?;
        let furthest = shown.plus_ms(scaled(STEP_MAX_MS, running.rate));
        if running.at(now) > furthest {
            *running = Running::starting(running.rate, now, furthest);
        }
        Some(running.at(now))
    }

    /// Moves the clock to `at` on its way, if that is later; its rate is kept.
    pub fn step_to(&self, at: Timestamp) {
        {
            let mut state = self.state();
            state.shown = at.max(self.shows(&state));
        }
        self.moved.notify_waiters();
    }

    /// Returns when the clock is moved, stopped or started after this call.
    pub fn moved(&self) -> Notified<'_> {
        self.moved.notified()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shows(&self, state: &State) -> Timestamp {
        match state.running.filter(Running::by_itself) {
            Some(running) => running.at(self.wall.now()),
            None => state.shown,
        }
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
        if !state.running.is_some_and(|running| running.by_itself()) {
            return moved.await;
        }
        tokio::select! {
            () = moved => {}
            () = self.wall.sleep_until(self.wall.now().plus_ms(at.ms_since(now))) => {}
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
        assert_eq!(clock.stop(), ClockMode::REAL);
        let stopped = clock.now();
        assert_eq!(clock.now(), stopped);
        assert_eq!(clock.stop(), ClockMode::Frozen);
    }

    /// A clock beside a wall clock that the test moves.
    fn beside(start: i64) -> (Arc<VirtualClock>, VirtualClock) {
        let wall = Arc::new(VirtualClock::standing_at(Timestamp(7)));
        (wall.clone(), VirtualClock::beside(wall, Timestamp(start)))
    }

    fn pass(wall: &VirtualClock, real_ms: i64) {
        wall.set(wall.now().plus_ms(real_ms));
    }

    #[test]
    fn an_accelerated_clock_is_moved_in_steps_and_keeps_its_rate() {
        let (wall, clock) = beside(0);
        clock.go(ClockMode::Running { rate: 60.0 });
        for _ in 0..10 {
            pass(&wall, 100);
            let step = clock.next_step().expect("a step");
            assert!(clock.now() < step, "it stands in between");
            clock.step_to(step);
        }
        assert_eq!(clock.now(), Timestamp(60_000));
        clock.go(ClockMode::Running { rate: 0.1 });
        for _ in 0..100 {
            pass(&wall, 1);
            clock.step_to(clock.next_step().expect("a step"));
        }
        assert_eq!(clock.now(), Timestamp(60_010), "nothing is lost in rounding");
    }

    #[test]
    fn what_a_busy_machine_loses_is_not_made_up_for() {
        let (wall, clock) = beside(0);
        clock.go(ClockMode::Running { rate: 100.0 });
        pass(&wall, 60_000);
        assert_eq!(clock.next_step(), Some(Timestamp(100_000)));
        clock.step_to(Timestamp(100_000));
        pass(&wall, 10);
        assert_eq!(clock.next_step(), Some(Timestamp(101_000)));
    }

    #[tokio::test]
    async fn a_sleep_is_as_long_as_the_rate_says() {
        let (wall, clock) = beside(0);
        clock.go(ClockMode::Running { rate: 60.0 });
        let clock = Arc::new(clock);
        let ours = clock.clone();
        let sleeper = tokio::spawn(async move {
            while ours.now() < Timestamp(60_000) {
                ours.sleep_until(Timestamp(60_000)).await;
            }
        });
        tokio::task::yield_now().await;
        pass(&wall, 999);
        clock.step_to(clock.next_step().expect("a step"));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        pass(&wall, 1);
        clock.step_to(clock.next_step().expect("a step"));
        sleeper.await.expect("the sleeper wakes");
    }

    #[test]
    fn a_clock_that_runs_with_the_machine_needs_no_steps_and_stops_where_it_is() {
        let (wall, clock) = beside(1_000);
        clock.run();
        pass(&wall, 500);
        assert_eq!((clock.now(), clock.next_step()), (Timestamp(1_500), None));
        clock.set(Timestamp(10_000));
        pass(&wall, 1);
        assert_eq!(clock.stop(), ClockMode::REAL);
        pass(&wall, 500);
        assert_eq!(clock.now(), Timestamp(10_001));
    }

    #[test]
    fn only_a_restore_goes_back() {
        let (wall, clock) = beside(9_000);
        clock.set(Timestamp(8_000));
        assert_eq!(clock.now(), Timestamp(9_000));
        clock.restore(Timestamp(2_000), ClockMode::REAL);
        pass(&wall, 5);
        assert_eq!(clock.now(), Timestamp(2_005));
    }
}
