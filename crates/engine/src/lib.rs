//! Background work: accepting schedules, reviewing, releasing batches at their pace, finishing masses, sending
//! callbacks, serving the channels beside the inbox, clearing away.
//!
//! [`Engine::step`] does one bounded turn and says when the next is due; [`Engine::run`] only repeats it. What
//! is done lives in the store, so a turn cut short is taken up by the next one, here or on another node. No
//! HTTP is served here, and nothing is decided here: rules are in `domain`, transactions in `store`.

// No panic on any input (SEC12).
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::panic, clippy::unreachable))]

pub mod callback;
pub mod channel;
mod check;
mod housekeeping;
pub mod pulse;
pub mod review;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use callback::CallbackSender;
use channel::Channels;
use domain::{
    id::{AccountId, MassId, ScheduleId},
    mass::{CONFIRMATION_TIMED_OUT, MassState},
    schedule::ScheduleState,
    speed::SpeedTable,
    time::Timestamp,
};
use pulse::Pulse;
use review::Reviews;
use store::{
    Store, StoreResult,
    blob::Blobs,
    bus::{Bus, Hint},
    clock::Clock,
    crash_point,
    mass::{Released, Running, WorkerId},
    measure,
};
use tokio::sync::{Mutex, MutexGuard};

/// Blocks that share one commit (design §2).
const BLOCKS_PER_COMMIT: usize = 256;
/// Schedules accepted in one turn.
const SCHEDULES_PER_TURN: usize = 64;
/// A lease is over after this time (I18).
const LEASE_MS: i64 = 10_000;
/// How soon batches that another worker holds are looked at again, so that those of a dead one are taken up well within
/// 15 s (I18).
const HELD_MS: i64 = 2_000;
/// At least this often the rows are looked at, whatever hints were lost (I17).
const SCAN_MS: i64 = 5_000;
/// A mass whose rows cannot be read or written is left alone this long, so that it delays nobody else.
const PAUSE_MS: i64 = 5_000;
/// How soon a clock that cannot be relied on is looked at again.
const CLOCK_MS: i64 = 500;
/// How long a turn that failed waits, in real time.
const AFTER_FAILURE: Duration = Duration::from_millis(500);

/// What a turn did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Something; there may be more.
    Worked,
    /// Nothing is due before `next_due`.
    Idle {
        /// `None`: nothing at all is waiting.
        next_due: Option<Timestamp>,
    },
}

/// What was done for one mass.
enum Advanced {
    /// Something; there may be more.
    Worked,
    /// Nothing before this time; `None` until a hint.
    NotBefore(Option<Timestamp>),
}

/// Does the work of one node.
pub struct Engine {
    store: Arc<dyn Store>,
    blobs: Blobs,
    bus: Bus,
    clock: Arc<dyn Clock>,
    callbacks: CallbackSender,
    channels: Option<Channels>,
    worker: WorkerId,
    speeds: SpeedTable,
    reviews: Reviews,
    months_kept: Option<u32>,
    pulse: Pulse,
    // One turn at a time.
    turn: Mutex<Pending>,
}

/// What a turn has to know of the ones before it.
struct Pending {
    clear_up: Timestamp,
    paused: HashMap<(AccountId, MassId), Timestamp>,
    paused_schedules: HashMap<(AccountId, ScheduleId), Timestamp>,
    // Nothing is done while the clock cannot be relied on.
    resting: bool,
}

impl Default for Pending {
    fn default() -> Self {
        Self {
            clear_up: Timestamp(i64::MIN),
            paused: HashMap::new(),
            paused_schedules: HashMap::new(),
            resting: false,
        }
    }
}

/// An engine between two turns.
pub struct Held<'a>(&'a Engine, MutexGuard<'a, Pending>);

impl Held<'_> {
    /// Ends the tries and reviews under way without an outcome and forgets everything that was learned from the
    /// store: its contents are about to be others.
    pub async fn forget(&mut self) {
        *self.1 = Pending::default();
        self.0.callbacks.abandon().await;
        if let Some(channels) = &self.0.channels {
            channels.abandon().await;
        }
        self.0.reviews.forget_all();
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Engine({:?})", self.worker)
    }
}

impl Engine {
    /// An engine over `store`, at work once [`Engine::run`] or [`Engine::step`] is called.
    pub fn new(
        store: Arc<dyn Store>,
        blobs: Blobs,
        bus: Bus,
        clock: Arc<dyn Clock>,
        callbacks: CallbackSender,
        worker: WorkerId,
    ) -> Self {
        Self {
            store,
            blobs,
            bus,
            clock,
            callbacks,
            channels: None,
            worker,
            speeds: SpeedTable::document(),
            reviews: Reviews::default(),
            months_kept: None,
            pulse: Pulse::default(),
            turn: Mutex::new(Pending::default()),
        }
    }

    /// The same with another table of speeds, for schedules.
    #[must_use]
    pub fn with_speeds(self, speeds: SpeedTable) -> Self {
        Self { speeds, ..self }
    }

    /// The same with these reviewers.
    #[must_use]
    pub fn with_reviews(self, reviews: Reviews) -> Self {
        Self { reviews, ..self }
    }

    /// The same, serving these channels beside the inbox.
    #[must_use]
    pub fn with_channels(self, channels: Channels) -> Self {
        let channels = Some(channels);
        Self { channels, ..self }
    }

    /// The same, forgetting who got what before so many months, this one counted; `None` keeps everything.
    #[must_use]
    pub fn with_months_kept(self, months_kept: Option<u32>) -> Self {
        Self { months_kept, ..self }
    }

    /// Reviews under way.
    pub fn reviews(&self) -> &Reviews {
        &self.reviews
    }

    /// Whether it lives.
    pub fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    /// Sends the callbacks.
    pub fn callbacks(&self) -> &CallbackSender {
        &self.callbacks
    }

    /// Waits until neither a callback nor a page of a channel is on its way, at most for `patience` of real time.
    pub async fn settle(&self, patience: Duration) {
        let channels = async {
            match &self.channels {
                Some(channels) => channels.settle(patience).await,
                None => true,
            }
        };
        tokio::join!(self.callbacks.settle(patience), channels);
    }

    /// Works until the future is dropped. A failed turn is logged and repeated.
    pub async fn run(&self) {
        let _alive = self.pulse.alive();
        let mut hints = self.bus.subscribe();
        loop {
            // The clock is read once the turn has come: who holds turns up may set it back meanwhile.
            let mut pending = self.turn.lock().await;
            let now = self.clock.now();
            self.pulse.turn_begins();
            let turn = self.turn(&mut pending, now).await;
            self.pulse.turn_ended(turn.is_ok());
            drop(pending);
            match turn {
                Ok(Turn::Worked) => {}
                Ok(Turn::Idle { next_due }) => {
                    let scan = now.plus_ms(SCAN_MS);
                    let until = next_due.map_or(scan, |due| due.min(scan));
                    tokio::select! {
                        () = self.clock.sleep_until(until) => {}
                        // A hint that was overtaken by others is a hint all the same.
                        _ = hints.recv() => {}
                    }
                }
                Err(error) => {
                    metrics::counter!(measure::TURNS_FAILED.name).increment(1);
                    tracing::error!(%error, "a turn of the engine failed");
                    tokio::time::sleep(AFTER_FAILURE).await;
                }
            }
        }
    }

    /// Does one bounded turn of what is due at `now`.
    pub async fn step(&self, now: Timestamp) -> StoreResult<Turn> {
        let mut pending = self.turn.lock().await;
        self.turn(&mut pending, now).await
    }

    /// Waits for the end of the turn under way; none begins while what it returns is held.
    pub async fn hold(&self) -> Held<'_> {
        Held(self, self.turn.lock().await)
    }

    async fn turn(&self, pending: &mut Pending, now: Timestamp) -> StoreResult<Turn> {
        if self.rests(pending) {
            return Ok(Turn::Idle {
                next_due: Some(now.plus_ms(CLOCK_MS)),
            });
        }
        pending.paused.retain(|_, until| *until > now);
        pending.paused_schedules.retain(|_, until| *until > now);
        let (mut worked, next_schedule) = self.accept_schedules(pending, now).await?;
        let running = self.store.running_masses().await?;
        self.reviews.keep_only(&running);
        let mut next_mass = None;
        for mass in &running {
            let key = (mass.account, mass.mass);
            let due = match pending.paused.get(&key) {
                Some(until) => Some(*until),
                None => match self.advance_mass(mass, now).await {
                    Ok(Advanced::Worked) => {
                        worked = true;
                        None
                    }
                    Ok(Advanced::NotBefore(due)) => due,
                    Err(error) => {
                        tracing::error!(%error, account.id = mass.account.0, mass.id = mass.mass.0, "a mass is paused");
                        let until = now.plus_ms(PAUSE_MS);
                        pending.paused.insert(key, until);
                        Some(until)
                    }
                },
            };
            next_mass = next_mass.into_iter().chain(due).min();
        }
        worked |= self.callbacks.send_due(now).await?;
        let (walking, next_lane) = match &self.channels {
            Some(channels) => channels.walk_due(now).await?,
            None => (false, None),
        };
        worked |= walking;
        if pending.clear_up <= now {
            pending.clear_up = now.plus_ms(housekeeping::INTERVAL_MS);
            if let Err(error) =
                housekeeping::clear_up(self.store.as_ref(), &self.blobs, self.months_kept, now).await
            {
                tracing::error!(%error, "expired data could not be cleared away");
            }
        }
        if worked {
            return Ok(Turn::Worked);
        }
        let event = self.callbacks.next_due().await?;
        // Clearing away waits for the next turn after its time; nobody depends on the moment.
        Ok(Turn::Idle {
            next_due: [event, next_lane, next_mass, next_schedule]
                .into_iter()
                .flatten()
                .min(),
        })
    }

    /// Whether this node's clock forbids all work (I14); says so once, and once when it is over.
    fn rests(&self, pending: &mut Pending) -> bool {
        let doubt = self.clock.check();
        match doubt {
            Err(error) if !pending.resting => {
                tracing::error!(%error, "the engine rests until the clocks agree")
            }
            Ok(()) if pending.resting => tracing::info!("the clocks agree; the engine goes on"),
            Err(_) | Ok(()) => {}
        }
        pending.resting = doubt.is_err();
        pending.resting
    }

    /// Turns the schedules that are due into masses, or into refusals. Says whether there was one, and when the
    /// next is due. One that cannot be read or written is left alone for a while.
    async fn accept_schedules(
        &self,
        pending: &mut Pending,
        now: Timestamp,
    ) -> StoreResult<(bool, Option<Timestamp>)> {
        let next = self.store.next_schedule_due(Timestamp(i64::MIN)).await?;
        if next.is_none_or(|due| due > now) {
            return Ok((false, next));
        }
        let (mut worked, mut again) = (false, self.store.next_schedule_due(now).await?);
        for key in self.store.due_schedules(now, SCHEDULES_PER_TURN).await? {
            let until = match pending.paused_schedules.get(&key) {
                Some(until) => *until,
                None => match self.accept_schedule(key, now).await {
                    Ok(()) => {
                        worked = true;
                        continue;
                    }
                    Err(error) => {
                        let (account, id) = key;
                        tracing::error!(%error, account.id = account.0, schedule.id = id.0, "a schedule is paused");
                        let until = now.plus_ms(PAUSE_MS);
                        pending.paused_schedules.insert(key, until);
                        until
                    }
                },
            };
            again = again.into_iter().chain([until]).min();
        }
        Ok((worked, again))
    }

    async fn accept_schedule(
        &self,
        (account, id): (AccountId, ScheduleId),
        now: Timestamp,
    ) -> StoreResult<()> {
        let found = self.store.account_by_id(account).await?;
        let per_minute = self.speeds.of(found.and_then(|account| account.speed));
        crash_point!("schedule.before");
        let accepted = self.store.accept_schedule(account, id, per_minute, now).await?;
        crash_point!("schedule.committed");
        match accepted.map(|schedule| schedule.state) {
            Some(ScheduleState::Refused(refusal)) => {
                tracing::warn!(account.id = account.0, schedule.id = id.0, %refusal, "a scheduled mass send was refused");
            }
            Some(ScheduleState::Sent(mass)) => {
                metrics::counter!(measure::MASSES_ACCEPTED.name, "origin" => "schedule").increment(1);
                tracing::info!(
                    account.id = account.0,
                    schedule.id = id.0,
                    mass.id = mass.0,
                    "a schedule became a mass send"
                );
            }
            Some(ScheduleState::Waiting | ScheduleState::Cancelled) | None => {}
        }
        Ok(())
    }

    /// Takes one mass a step further: checks it, releases what is due, one commit's worth, or finishes it.
    async fn advance_mass(&self, running: &Running, now: Timestamp) -> StoreResult<Advanced> {
        let Running {
            account,
            mass,
            next_due,
            ..
        } = *running;
        if next_due.is_some_and(|due| due > now) {
            return Ok(Advanced::NotBefore(next_due));
        }
        if running.waiting {
            let end = MassState::Refused(CONFIRMATION_TIMED_OUT);
            if self.store.end_undelivered(account, mass, end, now).await? {
                count_end(end);
            }
            return Ok(Advanced::Worked);
        }
        if !running.checked
            && let Some(advanced) = self.check(account, mass, now).await?
        {
            return Ok(advanced);
        }
        if next_due.is_some() && !running.paced && self.release_at_once(account, mass, now).await? {
            return Ok(Advanced::Worked);
        }
        if next_due.is_some() && !self.release(account, mass, now).await? {
            // Another worker holds what is due.
            return Ok(Advanced::NotBefore(Some(now.plus_ms(HELD_MS))));
        }
        // A transaction of its own, tried after every commit: a worker that stops between the two leaves only this to do.
        crash_point!("finish.before");
        if self.store.finish_mass(account, mass, now).await? {
            finished(account, mass);
        }
        Ok(Advanced::Worked)
    }

    /// Releases what is left of a mass without a pace, one commit's worth, and ends it; false when it has to go by leases.
    async fn release_at_once(&self, account: AccountId, mass: MassId, now: Timestamp) -> StoreResult<bool> {
        crash_point!("lease.before");
        let began = Instant::now();
        let released = self
            .store
            .release_at_once(account, mass, &self.worker, BLOCKS_PER_COMMIT, now)
            .await?;
        let Some(released) = released else {
            return Ok(false);
        };
        metrics::histogram!(measure::RELEASE_DURATION.name).record(began.elapsed());
        crash_point!("release.committed");
        self.bus.publish(Hint::Released(account));
        count_release(account, mass, released.blocks, released.delivered);
        if released.finished {
            finished(account, mass);
        }
        Ok(true)
    }

    /// Releases due batches; false when there was none to take.
    async fn release(&self, account: AccountId, mass: MassId, now: Timestamp) -> StoreResult<bool> {
        crash_point!("lease.before");
        let lease = self
            .store
            .lease_batches(account, mass, &self.worker, BLOCKS_PER_COMMIT, LEASE_MS, now)
            .await?;
        if lease.blocks.is_empty() {
            return Ok(false);
        }
        crash_point!("lease.taken");
        let began = Instant::now();
        let released = self.store.release_batches(&lease, now).await?;
        metrics::histogram!(measure::RELEASE_DURATION.name).record(began.elapsed());
        match released {
            Released::Committed { blocks, delivered } => {
                crash_point!("release.committed");
                self.bus.publish(Hint::Released(account));
                count_release(account, mass, blocks, delivered);
            }
            Released::LeaseLost => {
                metrics::counter!(measure::LEASES_LOST.name).increment(1);
                tracing::warn!(
                    account.id = account.0,
                    mass.id = mass.0,
                    "a lease had passed to another worker"
                );
            }
        }
        Ok(true)
    }
}

/// Counts and tells what this node released.
fn count_release(account: AccountId, mass: MassId, blocks: usize, delivered: u64) {
    metrics::counter!(measure::BLOCKS_RELEASED.name).increment(blocks as u64);
    metrics::counter!(measure::ENTRIES_DELIVERED.name).increment(delivered);
    tracing::debug!(
        account.id = account.0,
        mass.id = mass.0,
        blocks,
        delivered,
        "blocks were released"
    );
}

/// Counts and tells of a mass whose success was just committed.
fn finished(account: AccountId, mass: MassId) {
    crash_point!("finish.committed");
    count_end(MassState::Succeeded);
    tracing::info!(
        account.id = account.0,
        mass.id = mass.0,
        "a mass send is finished"
    );
}

/// Counts a mass that this node brought to its end.
pub(crate) fn count_end(state: MassState) {
    let state = match state {
        MassState::Succeeded | MassState::Deleted => "delivered",
        MassState::Refused(_) => "refused",
        MassState::Failed => "failed",
        MassState::Sending => return,
    };
    metrics::counter!(measure::MASSES_FINISHED.name, "state" => state).increment(1);
}
