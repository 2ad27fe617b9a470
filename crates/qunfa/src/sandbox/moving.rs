//! Moving the clock and letting everything happen on the way, in order; exchanging the world for an earlier one.

use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use domain::{id::AccountId, review::Verdict, time::Timestamp};
use engine::{Engine, Turn};
use server::{
    app::{SandboxControl, Snapshot, WorldControl},
    sandbox::inspector::Inspector,
};
use store::{
    Store, StoreError, StoreResult,
    bus::{Bus, Hint},
    clock::{Clock, ClockMode},
    mass::WorkerId,
    random::Random,
    rows::SqlStore,
};
use tokio::sync::{Mutex, RwLock};

use super::{
    CLOCK_SETTING,
    readers::Readers,
    snapshots::{Kept, LANDING, Memory, START, Shelf},
    verdicts::Verdicts,
};
use crate::clock::VirtualClock;

/// Real time that one advance waits for callback receivers, in all and at each instant.
const PATIENCE: Duration = Duration::from_millis(1_000);
const PATIENCE_AT_ONCE: Duration = Duration::from_millis(250);
/// The same for one step of an accelerated clock.
const PATIENCE_OF_STEP: Duration = Duration::from_millis(100);
/// Real time between two steps of an accelerated clock.
const STEP_MS: i64 = 10;
/// Real time between two looks of the readers where the clock runs by itself.
const LOOK_MS: i64 = 1_000;
/// An accelerated clock's time is kept so far ahead of it, in real time, and again when half of that is gone.
const KEPT_AHEAD_MS: i64 = 2_000;

/// Moves the sandbox's clock and lets everything happen that falls due; takes its world back.
#[derive(Clone)]
pub struct Control(pub(super) Arc<Moving>);

pub(super) struct Moving {
    pub(super) clock: Arc<VirtualClock>,
    pub(super) engine: Arc<Engine>,
    pub(super) store: Arc<dyn Store>,
    pub(super) rows: Arc<SqlStore>,
    pub(super) bus: Bus,
    pub(super) ids: Arc<Random>,
    pub(super) readers: Readers,
    pub(super) verdicts: Verdicts,
    pub(super) kept: Vec<Arc<dyn Kept>>,
    pub(super) inspector: Arc<Inspector>,
    pub(super) shelf: Shelf,
    pub(super) gate: Arc<RwLock<()>>,
    /// Held by whoever moves the clock or exchanges the world; holds until when the time is kept.
    pub(super) one_at_a_time: Mutex<Timestamp>,
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Control({:?})", self.0.clock)
    }
}

impl Moving {
    /// Does everything that is due at the clock's time; says what comes next.
    async fn run_due(&self, patience: &mut Duration) -> StoreResult<Option<Timestamp>> {
        loop {
            while self.engine.step(self.clock.now()).await? == Turn::Worked {}
            let (started, wait) = (Instant::now(), PATIENCE_AT_ONCE.min(*patience));
            self.engine.reviews().settle(wait).await;
            self.engine.settle(wait).await;
            *patience = patience.saturating_sub(started.elapsed());
            if let Turn::Idle { next_due } = self.engine.step(self.clock.now()).await? {
                let next_read = self.readers.step(self.clock.now()).await?;
                return Ok(next_due.into_iter().chain(next_read).min());
            }
        }
    }

    /// Moves a clock that does not run by itself to `target`, from one thing that falls due to the next.
    async fn walk(&self, target: Timestamp, mut patience: Duration) -> StoreResult<()> {
        while let Some(due) = self.run_due(&mut patience).await?.filter(|due| *due <= target) {
            // What could not be done now is looked at again a moment later, never in a circle.
            self.clock
                .step_to(due.max(self.clock.now().plus_ms(1)).min(target));
            if self.clock.now() == target {
                break;
            }
        }
        self.clock.step_to(target);
        self.run_due(&mut patience).await.map(drop)
    }

    /// Keeps that the clock showed `at`: a process that is killed starts again no earlier.
    async fn keep_time(&self, at: Timestamp) -> StoreResult<()> {
        let offset = at.ms_since(self.clock.wall().now());
        self.store.set_setting(CLOCK_SETTING, &offset.to_string()).await
    }

    async fn advance_to(&self, target: Timestamp) -> StoreResult<Timestamp> {
        let _one = self.one_at_a_time.lock().await;
        let mode = self.clock.stop();
        let target = target.max(self.clock.now());
        // Kept first: a process that is killed on the way starts again no earlier than anything it wrote.
        let advanced = match self.keep_time(target).await {
            Ok(()) => self.walk(target, PATIENCE).await,
            Err(error) => Err(error),
        };
        self.clock.go(mode);
        advanced.map(|()| self.clock.now())
    }

    async fn set_mode(&self, mode: ClockMode) -> StoreResult<()> {
        let mut kept = self.one_at_a_time.lock().await;
        self.clock.stop();
        let now = self.clock.now();
        self.keep_time(now).await?;
        *kept = now;
        self.clock.go(mode);
        Ok(())
    }

    /// One step of a running clock: an accelerated one is moved to where it should be, and readers read.
    async fn step(&self) -> StoreResult<()> {
        let mut kept = self.one_at_a_time.lock().await;
        let Some(target) = self.clock.next_step() else {
            return self.readers.step(self.clock.now()).await.map(drop);
        };
        let ahead = match self.clock.mode() {
            ClockMode::Running { rate } => crate::clock::scaled(KEPT_AHEAD_MS, rate),
            ClockMode::Frozen => 0,
        };
        if target.plus_ms(ahead / 2) > *kept {
            *kept = target.plus_ms(ahead);
            self.keep_time(*kept).await?;
        }
        self.walk(target, PATIENCE_OF_STEP).await
    }

    /// What lies in memory. From now on ids are made from a new number, which is part of it.
    fn memory(&self) -> Memory {
        let ids = self.ids.number();
        self.ids.reseed(ids);
        self.memory_with(ids)
    }

    fn memory_with(&self, ids: u64) -> Memory {
        let parts = self.kept.iter().map(|part| (part.name().to_owned(), part.keep()));
        Memory {
            now: self.clock.now().0,
            rate: match self.clock.mode() {
                ClockMode::Frozen => None,
                ClockMode::Running { rate } => Some(rate),
            },
            ids,
            parts: parts.collect(),
        }
    }

    async fn take_snapshot(&self, name: &str) -> StoreResult<Snapshot> {
        let _one = self.one_at_a_time.lock().await;
        let _nobody = self.gate.write().await;
        let _still = self.engine.hold().await;
        let to = self.shelf.clear(name)?;
        self.rows.save_copy(to).await?;
        self.shelf.complete(name, &self.memory())
    }

    /// Keeps the world as it is right after the start; `ids` is what its ids are made from.
    pub(super) async fn keep_start(&self, ids: u64) -> StoreResult<()> {
        let to = self.shelf.clear(START)?;
        self.rows.save_copy(to).await?;
        self.shelf.complete(START, &self.memory_with(ids)).map(drop)
    }

    async fn restore(&self, name: &str) -> StoreResult<bool> {
        let mut kept = self.one_at_a_time.lock().await;
        let Some((memory, from)) = self.shelf.find(name)? else {
            return Ok(false);
        };
        let _nobody = self.gate.write().await;
        self.engine.settle(LANDING).await;
        let mut still = self.engine.hold().await;
        still.forget().await;
        self.rows.take_copy(from).await?;
        self.shelf.restore_blobs(name)?;
        self.ids.reseed(memory.ids);
        for part in &self.kept {
            part.recall(memory.parts.get(part.name()).unwrap_or(&serde_json::Value::Null));
        }
        self.readers.forget().await;
        self.inspector.forget_world();
        let mode = memory
            .rate
            .and_then(ClockMode::running)
            .unwrap_or(ClockMode::Frozen);
        self.clock.restore(Timestamp(memory.now), mode);
        *kept = Timestamp(i64::MIN);
        self.keep_time(Timestamp(memory.now)).await?;
        self.bus.publish(Hint::Work);
        Ok(true)
    }

    async fn next_due(&self) -> StoreResult<Option<Timestamp>> {
        let schedule = self.store.next_schedule_due(Timestamp(i64::MIN)).await?;
        let event = self.store.next_event_due(Vec::new()).await?;
        let masses = self.store.running_masses().await?;
        let mass = masses.iter().filter_map(|mass| mass.next_due).min();
        let lanes = self
            .store
            .due_lanes(Vec::new(), &WorkerId("nobody".to_owned()), self.clock.now())
            .await?;
        let lane = if lanes.lanes.is_empty() {
            lanes.next
        } else {
            Some(self.clock.now())
        };
        Ok([schedule, event, mass, lane, self.readers.next().await]
            .into_iter()
            .flatten()
            .min())
    }
}

impl Control {
    /// Moves a running clock along and lets the readers read; works until the future is dropped.
    pub fn drive(&self) -> impl Future<Output = ()> + Send + 'static {
        let (clock, moving) = (self.0.clock.clone(), Arc::downgrade(&self.0));
        async move { drive(&clock, &moving).await }
    }

    /// Runs `work` in a task of its own: a caller who hangs up must not leave the world half way.
    async fn whole<T, F>(&self, work: impl FnOnce(Arc<Moving>) -> F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: Future<Output = StoreResult<T>> + Send + 'static,
    {
        let task = tokio::spawn(work(self.0.clone()));
        task.await
            .map_err(|error| StoreError::Database(error.to_string()))?
    }
}

async fn drive(clock: &VirtualClock, moving: &Weak<Moving>) {
    loop {
        let (moved, now) = (clock.moved(), clock.wall().now());
        match clock.mode() {
            ClockMode::Frozen => {
                moved.await;
                continue;
            }
            ClockMode::REAL => {
                tokio::select! {
                    () = moved => {}
                    () = clock.wall().sleep_until(now.plus_ms(LOOK_MS)) => {}
                }
            }
            ClockMode::Running { .. } => clock.wall().sleep_until(now.plus_ms(STEP_MS)).await,
        }
        let Some(moving) = moving.upgrade() else {
            return;
        };
        if let Err(error) = moving.step().await {
            tracing::error!(%error, "a step of the clock failed");
        }
    }
}

#[async_trait]
impl SandboxControl for Control {
    async fn advance_to(&self, target: Timestamp) -> StoreResult<Timestamp> {
        self.whole(async move |moving: Arc<Moving>| moving.advance_to(target).await)
            .await
    }

    fn set_next_verdict(&self, account: AccountId, verdict: Option<Verdict>) {
        self.0.verdicts.set(account, verdict);
    }
}

#[async_trait]
impl WorldControl for Control {
    fn gate(&self) -> Arc<RwLock<()>> {
        self.0.gate.clone()
    }

    fn clock_mode(&self) -> ClockMode {
        self.0.clock.mode()
    }

    async fn set_clock_mode(&self, mode: ClockMode) -> StoreResult<()> {
        self.whole(async move |moving: Arc<Moving>| moving.set_mode(mode).await)
            .await
    }

    async fn next_due(&self) -> StoreResult<Option<Timestamp>> {
        self.0.next_due().await
    }

    async fn snapshots(&self) -> StoreResult<Vec<Snapshot>> {
        self.0.shelf.list()
    }

    async fn take_snapshot(&self, name: &str) -> StoreResult<Snapshot> {
        let name = name.to_owned();
        self.whole(async move |moving: Arc<Moving>| moving.take_snapshot(&name).await)
            .await
    }

    async fn restore_snapshot(&self, name: &str) -> StoreResult<bool> {
        let name = name.to_owned();
        self.whole(async move |moving: Arc<Moving>| moving.restore(&name).await)
            .await
    }

    async fn remove_snapshot(&self, name: &str) -> StoreResult<bool> {
        let _one = self.0.one_at_a_time.lock().await;
        self.0.shelf.remove(name)
    }

    async fn reset(&self) -> StoreResult<bool> {
        self.whole(async move |moving: Arc<Moving>| moving.restore(START).await)
            .await
    }
}
