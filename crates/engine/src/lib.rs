//! Background work: releasing batches at their pace, finishing masses, sending callbacks, clearing away.
//!
//! [`Engine::step`] does one bounded turn and says when the next is due; [`Engine::run`] only repeats it. What
//! is done lives in the store, so a turn cut short is taken up by the next one, here or on another node. No
//! HTTP is served here, and nothing is decided here: rules are in `domain`, transactions in `store`.

// No panic on any input (SEC12).
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::panic, clippy::unreachable))]

pub mod callback;
mod housekeeping;

use std::{collections::HashMap, sync::Arc, time::Duration};

use callback::CallbackSender;
use domain::{
    id::{AccountId, MassId},
    time::Timestamp,
};
use store::{
    Store, StoreResult,
    blob::Blobs,
    bus::Bus,
    clock::Clock,
    mass::{Released, Running, WorkerId},
};
use tokio::sync::Mutex;

/// Blocks that share one commit (design §2).
const BLOCKS_PER_COMMIT: usize = 256;
/// A lease is over after this time (I18).
const LEASE_MS: i64 = 10_000;
/// At least this often the rows are looked at, whatever hints were lost (I17).
const SCAN_MS: i64 = 5_000;
/// A mass whose rows cannot be read or written is left alone this long, so that it delays nobody else.
const PAUSE_MS: i64 = 5_000;
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

/// Does the work of one node.
pub struct Engine {
    store: Arc<dyn Store>,
    blobs: Blobs,
    bus: Bus,
    clock: Arc<dyn Clock>,
    callbacks: CallbackSender,
    worker: WorkerId,
    // One turn at a time.
    turn: Mutex<Pending>,
}

/// What a turn has to know of the ones before it.
struct Pending {
    clear_up: Timestamp,
    paused: HashMap<(AccountId, MassId), Timestamp>,
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
            worker,
            turn: Mutex::new(Pending {
                clear_up: Timestamp(i64::MIN),
                paused: HashMap::new(),
            }),
        }
    }

    /// Sends the callbacks.
    pub fn callbacks(&self) -> &CallbackSender {
        &self.callbacks
    }

    /// Works until the future is dropped. A failed turn is logged and repeated.
    pub async fn run(&self) {
        let mut hints = self.bus.subscribe();
        loop {
            let now = self.clock.now();
            match self.step(now).await {
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
                    tracing::error!(%error, "a turn of the engine failed");
                    tokio::time::sleep(AFTER_FAILURE).await;
                }
            }
        }
    }

    /// Does one bounded turn of what is due at `now`.
    pub async fn step(&self, now: Timestamp) -> StoreResult<Turn> {
        let mut pending = self.turn.lock().await;
        pending.paused.retain(|_, until| *until > now);
        let running = self.store.running_masses().await?;
        let mut worked = false;
        for mass in &running {
            let key = (mass.account, mass.mass);
            if pending.paused.contains_key(&key) {
                continue;
            }
            match self.advance_mass(mass, now).await {
                Ok(advanced) => worked |= advanced,
                Err(error) => {
                    tracing::error!(%error, account.id = mass.account.0, mass.id = mass.mass.0, "a mass is paused");
                    pending.paused.insert(key, now.plus_ms(PAUSE_MS));
                }
            }
        }
        worked |= self.callbacks.send_due(now).await?;
        if pending.clear_up <= now {
            pending.clear_up = now.plus_ms(housekeeping::INTERVAL_MS);
            if let Err(error) = housekeeping::clear_up(self.store.as_ref(), &self.blobs, now).await {
                tracing::error!(%error, "expired data could not be cleared away");
            }
        }
        if worked {
            return Ok(Turn::Worked);
        }
        let event = self.callbacks.next_due().await?;
        let due = |mass: &Running| {
            pending
                .paused
                .get(&(mass.account, mass.mass))
                .copied()
                .or(mass.next_due)
        };
        // Clearing away waits for the next turn after its time; nobody depends on the moment.
        Ok(Turn::Idle {
            next_due: event.into_iter().chain(running.iter().filter_map(due)).min(),
        })
    }

    /// Releases what is due of one mass, one commit's worth, and finishes it when nothing is left.
    async fn advance_mass(&self, running: &Running, now: Timestamp) -> StoreResult<bool> {
        let Running {
            account,
            mass,
            next_due,
        } = *running;
        if next_due.is_none() {
            return self.store.finish_mass(account, mass, now).await;
        }
        if next_due.is_some_and(|due| due > now) {
            return Ok(false);
        }
        let lease = self
            .store
            .lease_batches(account, mass, &self.worker, BLOCKS_PER_COMMIT, LEASE_MS, now)
            .await?;
        if lease.blocks.is_empty() {
            return Ok(false);
        }
        match self.store.release_batches(&lease, now).await? {
            Released::Committed { blocks, delivered } => {
                tracing::debug!(
                    account.id = account.0,
                    mass.id = mass.0,
                    blocks,
                    delivered,
                    "blocks were released"
                );
            }
            Released::LeaseLost => {
                tracing::warn!(
                    account.id = account.0,
                    mass.id = mass.0,
                    "a lease had passed to another worker"
                );
            }
        }
        // A transaction of its own: inside the commit two last workers would each still see the other's batch.
        if self.store.finish_mass(account, mass, now).await? {
            tracing::info!(
                account.id = account.0,
                mass.id = mass.0,
                "a mass send is finished"
            );
        }
        Ok(true)
    }
}
