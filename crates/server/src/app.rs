//! What every handler can reach: the store, the clock, sources of chance, settings.

use std::{net::IpAddr, ops::Deref, sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{
    account::{Account, Callback},
    id::AccountId,
    library::LibraryLimits,
    link::{Link, LinkKey, LinkKind},
    position::PositionKey,
    review::Verdict,
    speed::SpeedTable,
    statistics::{Read, ReadCounting},
    time::{Calendar, Timestamp},
};
use ipnet::IpNet;
use store::{
    Store, StoreResult,
    blob::Blobs,
    bridge::BridgeAddress,
    bus::Bus,
    clock::{Clock, ClockMode},
    random::Random,
};
use tokio::sync::{RwLock, Semaphore};

use crate::{
    api::{inflight::Inflight, network::Checks, refused::Refused},
    guess::Guesses,
    health::Health,
    live::hub::Hub,
    metrics::{MetricsAccess, Scrape},
    pages::picture::Pictures,
    role::Role,
    sandbox::inspector::Inspector,
};

/// Uploads that are looked at at a time: a picture may take 128 MiB while it is decoded (SEC9, SEC10).
const FILE_CHECKS: usize = 4;

/// The parts that the binary puts together.
pub struct Parts {
    /// The rows.
    pub store: Arc<dyn Store>,
    /// The bytes.
    pub blobs: Blobs,
    /// Wakes the engine.
    pub bus: Bus,
    /// The one clock.
    pub clock: Arc<dyn Clock>,
    /// Days and months.
    pub calendar: Calendar,
    /// Chance for ids; in a sandbox the same for the same seed.
    pub ids: Arc<Random>,
    /// Chance for tokens and secrets; never seeded.
    pub secrets: Arc<Random>,
    /// Seals public links.
    pub links: LinkKey,
    /// Seals positions of readers.
    pub positions: PositionKey,
    /// Settings of this server.
    pub settings: Arc<ServerSettings>,
    /// Verifies callback URLs.
    pub callback_check: Arc<dyn CallbackCheck>,
    /// Serves the channels beside the inbox.
    pub channels: Arc<dyn ChannelAccess>,
    /// Moves the clock, in a sandbox.
    pub sandbox: Option<Arc<dyn SandboxControl>>,
    /// Takes the world back, in a sandbox.
    pub world: Option<Arc<dyn WorldControl>>,
    /// Watches and disturbs calls, in a sandbox.
    pub inspector: Option<Arc<Inspector>>,
    /// What the server is made of, and how it stands.
    pub health: Arc<Health>,
    /// Writes out the numbers of `/metrics`; without it there are none.
    pub scrape: Option<Arc<dyn Scrape>>,
}

/// What handlers share; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Shared>);

struct Shared {
    parts: Parts,
    inflight: Inflight,
    refused: Refused,
    guesses: Guesses,
    callback_checks: Checks,
    file_checks: Arc<Semaphore>,
    pictures: Pictures,
    live: Arc<Hub>,
}

impl App {
    /// The application made of these parts.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(Shared {
            guesses: Guesses::new(parts.settings.guess_delay),
            parts,
            inflight: Inflight::default(),
            refused: Refused::default(),
            callback_checks: Checks::default(),
            file_checks: Arc::new(Semaphore::new(FILE_CHECKS)),
            pictures: Pictures::default(),
            live: Arc::default(),
        }))
    }

    /// Mass-send calls of this process that are not yet decided.
    pub fn inflight(&self) -> &Inflight {
        &self.0.inflight
    }

    /// Calls of this process that were refused.
    pub fn refused(&self) -> &Refused {
        &self.0.refused
    }

    /// Wrong secrets and tokens that this process was told.
    pub fn guesses(&self) -> &Guesses {
        &self.0.guesses
    }

    /// Checks of receivers that run in this process.
    pub fn callback_checks(&self) -> &Checks {
        &self.0.callback_checks
    }

    /// Places for those who look into uploaded files.
    pub fn file_checks(&self) -> Arc<Semaphore> {
        self.0.file_checks.clone()
    }

    /// Sizes and smaller forms of pictures that this process knows.
    pub fn pictures(&self) -> &Pictures {
        &self.0.pictures
    }

    /// Who is online on this node; `live::run` keeps it up to date.
    pub fn live(&self) -> &Arc<Hub> {
        &self.0.live
    }

    /// Now, by the one clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The 22 characters of a public link.
    pub fn link(&self, kind: LinkKind, account: AccountId, number: i64, index: u8) -> String {
        self.links.seal(Link {
            kind,
            account,
            number: number.unsigned_abs(),
            index,
        })
    }

    /// Counts a read of an article of this account, as far as the settings let it.
    pub fn count_read(&self, account: AccountId, read: Read) {
        if let Some(read) = self.settings.read_counting.kept(read) {
            self.store.note_read(account, read, self.now());
        }
    }

    /// An address of this server as followers see it; `path` begins with a slash.
    pub fn public(&self, path: &str) -> String {
        format!("{}{path}", self.settings.public_url.trim_end_matches('/'))
    }

    /// An instant as the native API writes it.
    pub fn rfc3339(&self, at: Timestamp) -> String {
        self.calendar.rfc3339(at)
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0.parts
    }
}

/// Settings of the HTTP side.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Scheme, host and port under which followers and accounts reach this server, without a last slash.
    pub public_url: String,
    /// Addresses and networks from which events come and to which calls go (`getcallbackip`).
    pub addresses: Vec<String>,
    /// The SHA-256 of the admin token of the native API (SEC2).
    pub admin_token_hash: [u8; 32],
    /// How fast mass sends go.
    pub speeds: SpeedTable,
    /// How much each account's library holds.
    pub library: LibraryLimits,
    /// From the last byte of a request to the answer, at most (SEC10).
    pub answer_timeout: Duration,
    /// For all headers of a request (SEC10).
    pub header_timeout: Duration,
    /// Between two parts of a request's body (SEC10).
    pub body_idle_timeout: Duration,
    /// How long a connection may wait for its next request.
    pub keep_alive_timeout: Duration,
    /// Connections from one address at a time (SEC10).
    pub connections_per_source: usize,
    /// Origins of pages that may read inboxes: `scheme://host`, or `*`; never with cookies.
    pub reader_origins: Vec<String>,
    /// Proxies whose word counts for where a request comes from.
    pub trusted_proxies: Vec<IpNet>,
    /// How long who guessed wrong too often waits (SEC5); shorter than `answer_timeout`.
    pub guess_delay: Duration,
    /// Who may read `/metrics`.
    pub metrics: MetricsAccess,
    /// How long the server goes on working after it was asked to stop and says so at `/readyz`.
    pub stop_pause: Duration,
    /// How long running requests may take after that.
    pub stop_timeout: Duration,
    /// What this node does.
    pub roles: Vec<Role>,
    /// What is kept of who reads articles.
    pub read_counting: ReadCounting,
}

impl ServerSettings {
    /// The documented limits for a server at this address.
    pub fn new(public_url: String, admin_token_hash: [u8; 32]) -> Self {
        Self {
            addresses: address_of(&public_url).into_iter().collect(),
            public_url,
            admin_token_hash,
            speeds: SpeedTable::document(),
            library: LibraryLimits::default(),
            answer_timeout: Duration::from_secs(5),
            header_timeout: Duration::from_secs(10),
            body_idle_timeout: Duration::from_secs(10),
            keep_alive_timeout: Duration::from_secs(75),
            connections_per_source: 1024,
            reader_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            guess_delay: Duration::from_secs(3),
            metrics: MetricsAccess::default(),
            stop_pause: Duration::ZERO,
            stop_timeout: Duration::from_secs(10),
            roles: Role::ALL.to_vec(),
            read_counting: ReadCounting::default(),
        }
    }
}

/// The address in a URL whose host is one; `None` for a name.
pub fn address_of(url: &str) -> Option<String> {
    match url::Url::parse(url).ok()?.host()? {
        url::Host::Ipv4(address) => Some(address.to_string()),
        url::Host::Ipv6(address) => Some(address.to_string()),
        url::Host::Domain(_) => None,
    }
}

/// Looks at a callback's receiver, within the rules for its address (SEC6); the engine's sender does it.
#[async_trait]
pub trait CallbackCheck: Send + Sync {
    /// The GET handshake (spec events §1): whether the receiver answers as it must; the error says why not, for people.
    async fn verify(&self, callback: &Callback) -> Result<(), String>;
    /// What the receiver's name resolves to; nothing when it does not resolve, or to an address that is not
    /// allowed.
    async fn resolve(&self, callback: &Callback) -> Vec<IpAddr>;
    /// How long one of these addresses takes to accept a connection; `None` when it does not.
    async fn connect_time(&self, callback: &Callback, address: IpAddr) -> Option<Duration>;
}

/// What calls need of the channels beside the inbox; the engine serves them.
#[async_trait]
pub trait ChannelAccess: Send + Sync {
    /// Whether a browser's endpoint may be called (SEC6), as far as that shows without resolving it; else why not.
    fn check_endpoint(&self, endpoint: &str) -> Result<(), &'static str>;
    /// The same of a push bridge.
    fn check_bridge(&self, url: &str) -> Result<(), &'static str>;
    /// The public key that browsers subscribe with.
    async fn push_public_key(&self) -> StoreResult<String>;
    /// Sends a test call to a bridge; the error says why it was not taken.
    async fn test_bridge(&self, account: &Account, address: &BridgeAddress) -> Result<(), String>;
}

/// The virtual clock of a sandbox, and what it plays to the engine.
#[async_trait]
pub trait SandboxControl: Send + Sync {
    /// Sets the clock to `target` and runs everything that falls due; returns the time it then is.
    async fn advance_to(&self, target: Timestamp) -> StoreResult<Timestamp>;
    /// What the review says of the account's next mass; `None` lets it pass.
    fn set_next_verdict(&self, account: AccountId, verdict: Option<Verdict>);
}

/// A copy of a sandbox's world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// What it is called.
    pub name: String,
    /// What the clock showed.
    pub now: Timestamp,
    /// What it takes on disk.
    pub bytes: u64,
}

/// The world of a sandbox: how its clock goes by itself, and the way back to an earlier state. Names of snapshots
/// are those that `sandbox::snapshots` accepts.
#[async_trait]
pub trait WorldControl: Send + Sync {
    /// Held for reading by every call, and alone by whoever exchanges the world.
    fn gate(&self) -> Arc<RwLock<()>>;
    /// How the clock goes.
    fn clock_mode(&self) -> ClockMode;
    /// Lets the clock go this way from now on.
    async fn set_clock_mode(&self, mode: ClockMode) -> StoreResult<()>;
    /// When the next thing falls due; `None` when nothing waits.
    async fn next_due(&self) -> StoreResult<Option<Timestamp>>;
    /// All snapshots, by name.
    async fn snapshots(&self) -> StoreResult<Vec<Snapshot>>;
    /// Takes a snapshot, in the place of an earlier one of this name.
    async fn take_snapshot(&self, name: &str) -> StoreResult<Snapshot>;
    /// Makes everything as it was; false when there is no such snapshot.
    async fn restore_snapshot(&self, name: &str) -> StoreResult<bool>;
    /// Forgets a snapshot; false when there was none.
    async fn remove_snapshot(&self, name: &str) -> StoreResult<bool>;
    /// Makes everything as it was right after the start; false when that was not kept.
    async fn reset(&self) -> StoreResult<bool>;
}
