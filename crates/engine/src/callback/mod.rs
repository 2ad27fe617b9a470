//! Callbacks: events on their way to the accounts' servers, and the check of a callback URL.
//!
//! Sent after the commit that made the event, at least once, with the same body at every try (I19). A slow
//! receiver holds up its own account only.

mod address;
pub mod edge;
mod letter;
pub(crate) mod post;
mod probe;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};

pub use address::AddressRules;
use domain::{
    account::Callback,
    callback::{Retries, next_try},
    id::AccountId,
    link::LinkKey,
    time::Timestamp,
};
use edge::{Edge, Fate, Outgoing};
use store::{
    Store, StoreResult,
    bus::{Bus, Hint},
    clock::Clock,
    crash_point, measure,
    outbox::Event,
    random::Random,
};
use tokio::{
    sync::{Notify, Semaphore},
    task::JoinSet,
};

/// Events taken at once.
const CLAIM_LIMIT: usize = 64;
/// An event nobody reports on falls due again after this time: longer than a try may take.
const CLAIM_MS: i64 = 15_000;

/// How callbacks are sent.
#[derive(Clone, Debug)]
pub struct CallbackSettings {
    /// Where articles are read, such as `https://mp.example.org`.
    pub public_url: String,
    /// Which addresses may be called.
    pub addresses: AddressRules,
    /// How long delivery is tried.
    pub retries: Retries,
    /// Real time a receiver has to answer (spec events §3.2: 5 s).
    pub timeout: Duration,
    /// Tries under way at once to one account's receiver.
    pub per_endpoint: usize,
}

/// Sends events and checks callback URLs.
#[derive(Clone)]
pub struct CallbackSender(Arc<Parts>);

struct Parts {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    bus: Bus,
    random: Random,
    links: LinkKey,
    settings: CallbackSettings,
    http: post::Poster,
    in_flight: Mutex<HashMap<AccountId, Lane>>,
    landed: Notify,
    tries: tokio::sync::Mutex<JoinSet<()>>,
    look_ups: Arc<Semaphore>,
    edge: OnceLock<Arc<dyn Edge>>,
}

/// Why an event was not received.
enum Failure {
    /// The try failed.
    Failed(String),
    /// It was held back at the edge until then.
    HeldBack(Timestamp),
}

impl<T: Into<String>> From<T> for Failure {
    fn from(reason: T) -> Self {
        Self::Failed(reason.into())
    }
}

/// The tries under way of one account.
struct Lane {
    places: Arc<Semaphore>,
    events: Vec<i64>,
}

impl std::fmt::Debug for CallbackSender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CallbackSender({:?})", self.0.settings)
    }
}

impl CallbackSender {
    /// A sender; fails when the machine's TLS cannot be set up.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        bus: Bus,
        links: LinkKey,
        settings: CallbackSettings,
    ) -> Result<Self, String> {
        let http = post::Poster::new(settings.addresses.clone(), settings.timeout)?;
        let (random, in_flight, landed) = (Random::system(), Mutex::default(), Notify::new());
        Ok(Self(Arc::new(Parts {
            store,
            clock,
            bus,
            random,
            links,
            settings,
            http,
            in_flight,
            look_ups: Arc::new(Semaphore::new(probe::LOOK_UPS)),
            landed,
            tries: tokio::sync::Mutex::default(),
            edge: OnceLock::new(),
        })))
    }

    /// Puts `edge` between the sender and the network; once, before anything is sent.
    pub fn watch(&self, edge: Arc<dyn Edge>) {
        let _ = self.0.edge.set(edge);
    }

    /// The GET handshake of spec events §2: the receiver must answer the echo string within 5 seconds.
    pub async fn verify(&self, callback: &Callback) -> Result<(), String> {
        let echo = self.0.random.number().to_string();
        let stamp = self.stamp(callback);
        let answer = self
            .0
            .http
            .get(&callback.url, &letter::verification(&stamp, &echo))
            .await?;
        if answer.trim_end_matches(['\r', '\n']) == echo {
            Ok(())
        } else {
            Err("the receiver did not answer the echostr".to_owned())
        }
    }

    /// Starts a try for every event that is due; says whether there was one.
    pub(crate) async fn send_due(&self, now: Timestamp) -> StoreResult<bool> {
        let due = self.next_due().await?;
        if due.is_none_or(|due| due > now) {
            return Ok(false);
        }
        crash_point!("event.before");
        let events = self
            .0
            .store
            .claim_events(self.busy(), CLAIM_LIMIT, CLAIM_MS, now)
            .await?;
        crash_point!("event.claimed");
        let mut started = false;
        let mut tries = self.0.tries.lock().await;
        while tries.try_join_next().is_some() {}
        for event in events {
            if let Some(places) = self.take_off(&event) {
                started = true;
                let sender = self.clone();
                tries.spawn(async move { sender.one_try(event, places).await });
            }
        }
        drop(tries);
        Ok(started)
    }

    /// When the next event falls due that could be tried.
    pub(crate) async fn next_due(&self) -> StoreResult<Option<Timestamp>> {
        self.0.store.next_event_due(self.busy()).await
    }

    /// Waits until no try is under way, at most for `patience` of real time; says whether none is.
    pub async fn settle(&self, patience: Duration) -> bool {
        let all_landed = async {
            loop {
                let landed = self.0.landed.notified();
                if self.lanes().is_empty() {
                    return;
                }
                landed.await;
            }
        };
        tokio::time::timeout(patience, all_landed).await.is_ok()
    }

    /// Ends all tries under way; what their receivers said is not kept, and their events stay as claimed.
    pub(crate) async fn abandon(&self) {
        self.0.tries.lock().await.shutdown().await;
        self.lanes().clear();
        self.0.landed.notify_waiters();
    }

    fn lanes(&self) -> std::sync::MutexGuard<'_, HashMap<AccountId, Lane>> {
        self.0.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn busy(&self) -> Vec<AccountId> {
        let full = |lane: &Lane| lane.events.len() >= self.0.settings.per_endpoint;
        self.lanes()
            .iter()
            .filter(|(_, lane)| full(lane))
            .map(|(account, _)| *account)
            .collect()
    }

    /// Notes that a try begins; `None` when one of this event is still under way.
    fn take_off(&self, event: &Event) -> Option<Arc<Semaphore>> {
        let per_endpoint = self.0.settings.per_endpoint;
        let mut lanes = self.lanes();
        let lane = lanes.entry(event.account).or_insert_with(|| Lane {
            places: Arc::new(Semaphore::new(per_endpoint)),
            events: Vec::new(),
        });
        if lane.events.contains(&event.id) {
            return None;
        }
        lane.events.push(event.id);
        Some(lane.places.clone())
    }

    fn land(&self, event: &Event) {
        let mut lanes = self.lanes();
        if let Some(lane) = lanes.get_mut(&event.account) {
            lane.events.retain(|id| *id != event.id);
            if lane.events.is_empty() {
                lanes.remove(&event.account);
            }
        }
        drop(lanes);
        self.0.landed.notify_waiters();
        self.0.bus.publish(Hint::Work);
    }

    async fn one_try(&self, event: Event, places: Arc<Semaphore>) {
        // The semaphore is never closed; without a place the try would only be less polite.
        let _place = places.acquire().await;
        let began = Instant::now();
        let outcome = self.deliver(&event).await;
        crash_point!("event.posted");
        metrics::histogram!(measure::CALLBACK_DURATION.name).record(began.elapsed());
        let word = match &outcome {
            Ok(()) => "received",
            Err(Failure::HeldBack(_)) => "held_back",
            Err(Failure::Failed(_)) => "failed",
        };
        metrics::counter!(measure::CALLBACKS.name, "outcome" => word).increment(1);
        if let Err(error) = self.report(&event, outcome).await {
            tracing::error!(%error, account.id = event.account.0, "the outcome of a callback could not be kept");
        }
        crash_point!("event.answered");
        self.land(&event);
    }

    async fn deliver(&self, event: &Event) -> Result<(), Failure> {
        let store = self.0.store.as_ref();
        let account = store
            .account_by_id(event.account)
            .await
            .map_err(|error| error.to_string())?;
        let account = account.ok_or("the account is gone")?;
        let callback = account.callback.clone().ok_or("no callback URL is configured")?;
        let draft = letter::draft(store, &self.0.links, &self.0.settings.public_url, &account, event).await?;
        let stamp = self.stamp(&callback);
        let envelope = draft.seal(&account, &callback, &stamp, self.0.random.bytes())?;
        let Some(edge) = self.0.edge.get() else {
            let answer = self.0.http.post(&callback.url, &envelope).await?;
            return Ok(post::received(answer)?);
        };
        let outgoing = Outgoing {
            app_id: &account.app_id.0,
            event,
            url: &callback.url,
            plain: &draft.xml,
            envelope: &envelope,
            token: &stamp.token,
            timestamp: stamp.timestamp,
            nonce: &stamp.nonce,
        };
        self.over(edge.as_ref(), outgoing).await
    }

    /// One try over an edge.
    async fn over(&self, edge: &dyn Edge, outgoing: Outgoing<'_>) -> Result<(), Failure> {
        let fate = edge.fate(&outgoing);
        let spoilt = edge::spoilt(outgoing.envelope);
        let outgoing = match fate {
            Fate::HoldBack(until) => return Err(Failure::HeldBack(until)),
            Fate::Lose => {
                edge.went(&outgoing, fate, &Err("lost on the way".to_owned()));
                return Ok(());
            }
            Fate::SpoilSignature => Outgoing {
                envelope: &spoilt,
                ..outgoing
            },
            Fate::Send | Fate::SendTwice | Fate::TimeOut => outgoing,
        };
        let mut answer = self.0.http.post(outgoing.url, outgoing.envelope).await;
        edge.went(&outgoing, fate, &answer);
        if fate == Fate::TimeOut {
            return Err(self.0.http.too_late().into());
        }
        if fate == Fate::SendTwice {
            answer = self.0.http.post(outgoing.url, outgoing.envelope).await;
            edge.went(&outgoing, fate, &answer);
        }
        Ok(post::received(answer?)?)
    }

    async fn report(&self, event: &Event, outcome: Result<(), Failure>) -> StoreResult<()> {
        let error = match outcome {
            Ok(()) => return self.0.store.event_delivered(event.account, event.id).await,
            Err(Failure::HeldBack(until)) => {
                let held = "held back by a fault rule";
                return self.0.store.event_failed(event, held, Some(until)).await;
            }
            Err(Failure::Failed(error)) => error,
        };
        let now = self.0.clock.now();
        let first = event.first_try_at.unwrap_or(now);
        let [jitter] = self.0.random.bytes();
        let retry = next_try(self.0.settings.retries, first, event.attempts + 1, now, jitter);
        tracing::warn!(
            account.id = event.account.0,
            attempt = event.attempts + 1,
            error,
            "a callback failed"
        );
        self.0.store.event_failed(event, &error, retry).await
    }

    fn stamp(&self, callback: &Callback) -> letter::OwnedStamp {
        letter::OwnedStamp {
            token: callback.token.clone(),
            timestamp: self.0.clock.now().seconds(),
            nonce: (self.0.random.number() % 10_000_000_000).to_string(),
        }
    }
}
