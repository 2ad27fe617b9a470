//! What a sandbox knows of its traffic: the calls, the rules that disturb them, and the callbacks' way out.
//!
//! The router's outermost layer ([`super::observe`]) and the callback sender's edge both work with it; neither
//! knows the other.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use domain::time::Timestamp;
use store::clock::Clock;
use tokio::sync::watch;

use super::{
    fault::{CallbackFault, Effect, Facts, Faults, Hit},
    log::{CallbackTry, Log, Subject},
};

/// How long an event is held back that waits for a later one, at most.
const OUT_OF_ORDER_SECONDS: i64 = 3_600;
/// How often it is looked at.
const LOOK_AGAIN_SECONDS: i64 = 5;
/// Disturbed events that are remembered.
const EVENTS_MAX: usize = 10_000;

/// What a sandbox knows of its traffic.
pub struct Inspector {
    /// The calls.
    pub log: Log,
    /// The rules.
    pub faults: Faults,
    real: Arc<dyn Clock>,
    open: watch::Sender<bool>,
    events: Mutex<Events>,
}

#[derive(Debug, Default)]
struct Events {
    /// Account and number of the events that were late already.
    late: HashSet<(String, i64)>,
    /// Events held back until another of the account has gone out: since when.
    waiting: Vec<(String, i64, Timestamp, Hit)>,
}

/// A callback that is about to go out.
#[derive(Clone, Copy, Debug)]
pub struct Leaving<'a> {
    /// The account's appid.
    pub account: &'a str,
    /// The event's number in the account.
    pub id: i64,
    /// `Event` of the XML.
    pub event: &'a str,
}

/// What becomes of a callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// It goes out as it is.
    Free,
    /// A rule disturbs it.
    Disturbed(CallbackFault, Hit),
    /// It waits until then.
    HeldBack(Timestamp, Hit),
}

impl std::fmt::Debug for Inspector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Inspector({:?})", self.faults)
    }
}

impl Inspector {
    /// An inspector that has seen nothing; `real` is the time of the machine, not of the sandbox.
    pub fn new(real: Arc<dyn Clock>) -> Self {
        Self {
            log: Log::default(),
            faults: Faults::default(),
            real,
            open: watch::Sender::new(true),
            events: Mutex::default(),
        }
    }

    /// The time of the machine.
    pub fn real_now(&self) -> Timestamp {
        self.real.now()
    }

    /// Lets everybody go who waits for news; the server is about to end.
    pub fn close(&self) {
        self.open.send_replace(false);
    }

    /// Resolves when the server is about to end.
    pub async fn closed(&self) {
        let mut open = self.open.subscribe();
        // An error means that this inspector is gone.
        let _ = open.wait_for(|open| !open).await;
    }

    /// Forgets rules and which events were held back: the world went back, and others will have their numbers.
    pub fn forget_world(&self) {
        self.faults.clear();
        *self.events() = Events::default();
    }

    /// What becomes of a callback at `now`.
    pub fn way(&self, leaving: &Leaving<'_>, now: Timestamp) -> Way {
        if let Some(way) = self.still_waiting(leaving, now) {
            return way;
        }
        let key = (leaving.account.to_owned(), leaving.id);
        if self.events().late.contains(&key) {
            return Way::Free;
        }
        let facts = Facts {
            account: Some(leaving.account),
            event: Some(leaving.event),
            ..Facts::default()
        };
        let Some(hit) = self.faults.strike(&facts, now) else {
            return Way::Free;
        };
        match hit.effect {
            Effect::CallbackLateSeconds(seconds) => {
                self.remember_late(key);
                Way::HeldBack(now.plus_seconds(seconds), hit)
            }
            Effect::Callback(CallbackFault::OutOfOrder) => {
                self.events().waiting.push((key.0, key.1, now, hit.clone()));
                Way::HeldBack(now.plus_seconds(LOOK_AGAIN_SECONDS), hit)
            }
            Effect::Callback(fault) => Way::Disturbed(fault, hit),
            _ => Way::Free,
        }
    }

    /// Takes a note of a request that went out.
    pub fn went(&self, account: &str, id: i64, subject: Subject, sent: CallbackTry) {
        let mut events = self.events();
        let mut free = Vec::new();
        events.waiting.retain(|(of, waiting, ..)| {
            let passed = of == account && *waiting < id;
            if passed {
                free.push((of.clone(), *waiting));
            }
            !passed
        });
        drop(events);
        free.into_iter().for_each(|key| self.remember_late(key));
        self.log.keep_callback(account, subject, sent);
    }

    /// Of an event that waits for a later one.
    fn still_waiting(&self, leaving: &Leaving<'_>, now: Timestamp) -> Option<Way> {
        let mut events = self.events();
        let found = events
            .waiting
            .iter()
            .position(|(account, id, ..)| account == leaving.account && *id == leaving.id)?;
        let (.., since, hit) = events.waiting.get(found)?.clone();
        if now >= since.plus_seconds(OUT_OF_ORDER_SECONDS) {
            events.waiting.remove(found);
            return Some(Way::Free);
        }
        Some(Way::HeldBack(now.plus_seconds(LOOK_AGAIN_SECONDS), hit))
    }

    fn remember_late(&self, key: (String, i64)) {
        let mut events = self.events();
        if events.late.len() >= EVENTS_MAX {
            events.late.clear();
        }
        events.late.insert(key);
    }

    fn events(&self) -> std::sync::MutexGuard<'_, Events> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
