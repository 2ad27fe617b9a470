//! Channels beside the inbox: Web Push to readers' browsers, and webhooks to an organisation's own push bridge.
//!
//! Both walk what was released, after its commit (I9), lane by lane: a block's browsers, an account's bridge. A lane is
//! leased in the rows, so several workers share the work, and how far it came is kept there, so that a crash repeats a
//! page and loses nothing. Where nobody subscribed there is nothing to do.

mod bridge;
mod entry;
mod host;
mod push;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{
    link::LinkKey,
    time::{Calendar, Timestamp},
};
use store::{
    Store, StoreResult,
    bus::{Bus, Hint},
    channel::{Lane, LaneLease},
    clock::Clock,
    mass::WorkerId,
    random::Random,
};
use tokio::{sync::Notify, task::JoinSet};

use crate::callback::{AddressRules, post::Poster};
use host::Hosts;
use push::Signer;

/// Lanes that one worker walks at a time.
const LANES: usize = 32;
/// A lane is another worker's after this time without a word (I18).
const LEASE_MS: i64 = 10_000;
/// A lane that is walked is renewed so often.
const RENEWAL_MS: i64 = 3_000;
/// A lane whose rows cannot be read or written is left alone this long.
const PAUSE_MS: i64 = 5_000;
/// Real time that a receiver has to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How channels are served.
#[derive(Clone, Debug)]
pub struct ChannelSettings {
    /// Where articles are read, such as `https://mp.example.org`.
    pub public_url: String,
    /// How push services reach the operator: a `mailto:` or `https:` URL.
    pub contact: String,
    /// Which addresses browsers' push services may have.
    pub push_addresses: AddressRules,
    /// Which addresses bridges may have.
    pub bridge_addresses: AddressRules,
}

/// Serves the channels.
#[derive(Clone)]
pub struct Channels(Arc<Parts>);

struct Parts {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    bus: Bus,
    random: Random,
    links: LinkKey,
    calendar: Calendar,
    worker: WorkerId,
    settings: ChannelSettings,
    push_http: Poster,
    bridge_http: Poster,
    signer: Signer,
    hosts: Hosts,
    walked: Mutex<Walked>,
    landed: Notify,
    tasks: tokio::sync::Mutex<JoinSet<()>>,
}

/// Lanes that this worker is at or leaves alone.
#[derive(Default)]
struct Walked {
    busy: HashSet<Lane>,
    paused: Vec<(Lane, Timestamp)>,
}

impl std::fmt::Debug for Channels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Channels({:?})", self.0.worker)
    }
}

impl Channels {
    /// Channels of one worker; fails when the machine's TLS cannot be set up.
    pub fn new(
        (store, clock, bus): (Arc<dyn Store>, Arc<dyn Clock>, Bus),
        (links, calendar): (LinkKey, Calendar),
        worker: WorkerId,
        settings: ChannelSettings,
    ) -> Result<Self, String> {
        let push_http = Poster::new(settings.push_addresses.clone(), TIMEOUT)?;
        let bridge_http = Poster::new(settings.bridge_addresses.clone(), TIMEOUT)?;
        Ok(Self(Arc::new(Parts {
            store,
            clock,
            bus,
            random: Random::system(),
            links,
            calendar,
            worker,
            settings,
            push_http,
            bridge_http,
            signer: Signer::default(),
            hosts: Hosts::default(),
            walked: Mutex::default(),
            landed: Notify::new(),
            tasks: tokio::sync::Mutex::default(),
        })))
    }

    /// Whether a browser's endpoint may be called, as far as that shows without resolving it; the error says why not.
    pub fn check_endpoint(&self, endpoint: &str) -> Result<(), &'static str> {
        self.0.settings.push_addresses.check_endpoint(endpoint)
    }

    /// The same of an organisation's bridge.
    pub fn check_bridge(&self, url: &str) -> Result<(), &'static str> {
        self.0.settings.bridge_addresses.check_receiver(url).map(drop)
    }

    /// Begins to walk every lane that is due. Says whether there was one, and when the next is due.
    pub(crate) async fn walk_due(&self, now: Timestamp) -> StoreResult<(bool, Option<Timestamp>)> {
        let (away, paused_until) = self.away(now);
        let due = self.0.store.due_lanes(away, &self.0.worker, now).await?;
        let next = due.next.into_iter().chain(paused_until).min();
        let mut started = false;
        let mut tasks = self.0.tasks.lock().await;
        while tasks.try_join_next().is_some() {}
        for lane in due.lanes {
            // Whoever lands makes room, and says so on the bus.
            if tasks.len() >= LANES {
                break;
            }
            let until = now.plus_ms(LEASE_MS);
            let Some(lease) = self.0.store.claim_lane(lane, &self.0.worker, until, now).await? else {
                continue;
            };
            self.walked().busy.insert(lane);
            started = true;
            let channels = self.clone();
            tasks.spawn(async move { channels.walk(lease).await });
        }
        Ok((started, next))
    }

    /// Waits until no lane is walked, at most for `patience` of real time; says whether none is.
    pub async fn settle(&self, patience: Duration) -> bool {
        let all_landed = async {
            loop {
                let landed = self.0.landed.notified();
                if self.walked().busy.is_empty() {
                    return;
                }
                landed.await;
            }
        };
        tokio::time::timeout(patience, all_landed).await.is_ok()
    }

    /// Ends all walks where they are and forgets what was learned from the store; leases stay as they were claimed.
    pub(crate) async fn abandon(&self) {
        self.0.tasks.lock().await.shutdown().await;
        *self.walked() = Walked::default();
        self.0.signer.forget();
        self.0.landed.notify_waiters();
    }

    async fn walk(&self, lease: LaneLease) {
        let walk = async {
            match lease.lane {
                Lane::Push(..) => self.walk_push(lease).await,
                Lane::Bridge(_) => self.walk_bridge(lease).await,
            }
        };
        let account = lease.lane.account();
        let walked = tokio::select! {
            walked = walk => walked,
            kept = self.keep(lease) => {
                tracing::warn!(account.id = account.0, "a lane of a channel had passed to another worker");
                kept
            }
        };
        if let Err(error) = walked {
            tracing::error!(%error, account.id = account.0, "a channel is paused");
            let until = self.0.clock.now().plus_ms(PAUSE_MS);
            self.walked().paused.push((lease.lane, until));
        }
        self.walked().busy.remove(&lease.lane);
        self.0.landed.notify_waiters();
        self.0.bus.publish(Hint::Work);
    }

    /// Renews the lease of a lane; returns when it has passed to another worker.
    async fn keep(&self, lease: LaneLease) -> StoreResult<()> {
        loop {
            self.0.clock.sleep_until(self.now().plus_ms(RENEWAL_MS)).await;
            let until = self.now().plus_ms(LEASE_MS);
            if !self.0.store.keep_lane(lease, until).await? {
                return Ok(());
            }
        }
    }

    /// Lanes that are not to be begun now, and when the first of the paused ones may be.
    fn away(&self, now: Timestamp) -> (Vec<Lane>, Option<Timestamp>) {
        let mut walked = self.walked();
        walked.paused.retain(|(_, until)| *until > now);
        let paused_until = walked.paused.iter().map(|(_, until)| *until).min();
        let paused = walked.paused.iter().map(|(lane, _)| *lane);
        (walked.busy.iter().copied().chain(paused).collect(), paused_until)
    }

    fn walked(&self) -> MutexGuard<'_, Walked> {
        self.0.walked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    fn jitter(&self) -> u8 {
        let [jitter] = self.0.random.bytes();
        jitter
    }
}
