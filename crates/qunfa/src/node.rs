//! One process put together: store, engine and HTTP server over one folder and one clock.

use std::{
    net::IpAddr,
    panic::AssertUnwindSafe,
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use domain::{
    account::{Account, Callback},
    time::Calendar,
};
use engine::{
    Engine,
    callback::{AddressRules, CallbackSender, CallbackSettings},
    channel::{ChannelSettings, Channels},
    review::{Reviewer, Reviews},
};
use futures::FutureExt;
use server::{
    app::{App, CallbackCheck, ChannelAccess, Parts, SandboxControl, ServerSettings, WorldControl},
    health::Health,
    role::Role,
    sandbox::inspector::Inspector,
};
use store::{
    Store, StoreError, StoreResult,
    blob::{Blobs, Bucket},
    bridge::BridgeAddress,
    bus::Bus,
    clock::Clock,
    mass::WorkerId,
    postgres::PostgresOptions,
    random::Random,
    rows::SqlStore,
    vault::Vault,
};
use tokio::{net::TcpListener, time::timeout};

use crate::{
    key_mark,
    numbers::Numbers,
    parts,
    sandbox::{Control, intercept::Interception},
};

/// Between the word that the server stops and the end of idle connections: a call that is on its way to one of them
/// arrives, and is told to go elsewhere the next time.
const FAREWELL: Duration = Duration::from_millis(250);
/// What the end of background work has at least, however long requests took.
const LAST_WORK: Duration = Duration::from_secs(1);
/// Before a loop that ended in a panic begins again.
const AFTER_PANIC: Duration = Duration::from_secs(1);

/// What a node is made of.
pub struct NodeConfig {
    /// Where the database, unless it is on a server, and the blobs, unless they are in a bucket, lie; must exist.
    pub folder: PathBuf,
    /// What it is called; a random name when it has none.
    pub name: Option<String>,
    /// The server that the rows are on; without one they are in the folder.
    pub postgres: Option<PostgresOptions>,
    /// Where the blobs lie; `None` is in the folder.
    pub bucket: Option<Bucket>,
    /// Opens the secrets in the database (SEC3).
    pub master_key: [u8; 32],
    /// Days and months.
    pub calendar: Calendar,
    /// For how many months it is kept who got what, this one counted; `None` is for ever.
    pub months_kept: Option<u32>,
    /// The one clock.
    pub clock: Arc<dyn Clock>,
    /// Chance for ids.
    pub ids: Random,
    /// Of the HTTP side.
    pub server: ServerSettings,
    /// Of the events.
    pub callbacks: CallbackSettings,
    /// Of pushes to readers' browsers.
    pub push: PushConfig,
    /// Who reads masses before they go out.
    pub reviewers: Vec<Arc<dyn Reviewer>>,
    /// Watches and disturbs calls, in a sandbox.
    pub inspector: Option<Arc<Inspector>>,
}

/// How readers' browsers are pushed to.
#[derive(Clone, Debug, Default)]
pub struct PushConfig {
    /// How push services reach the operator, a `mailto:` or `https:` URL; the public URL when it is not told.
    pub contact: Option<String>,
    /// Which addresses push services may have.
    pub addresses: AddressRules,
}

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store does not open.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something else of the machine.
    #[error("{0}")]
    Machine(String),
}

/// A node, its parts within reach.
pub struct Node {
    /// The rows.
    pub store: Arc<dyn Store>,
    /// The same by their own name, for what a made-up world needs.
    pub rows: Arc<SqlStore>,
    /// Moves the clock and takes the world back, in a sandbox.
    pub control: Option<Arc<Control>>,
    /// The background work.
    pub engine: Arc<Engine>,
    /// The bytes.
    pub blobs: Blobs,
    channels: Channels,
    bus: Bus,
    clock: Arc<dyn Clock>,
    calendar: Calendar,
    ids: Arc<Random>,
    vault: Vault,
    settings: Arc<ServerSettings>,
    inspector: Option<Arc<Inspector>>,
    health: Arc<Health>,
    numbers: Arc<Numbers>,
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Node({:?})", self.engine)
    }
}

struct Handshake(CallbackSender);

struct Access(Channels);

#[async_trait]
impl ChannelAccess for Access {
    fn check_endpoint(&self, endpoint: &str) -> Result<(), &'static str> {
        self.0.check_endpoint(endpoint)
    }

    fn check_bridge(&self, url: &str) -> Result<(), &'static str> {
        self.0.check_bridge(url)
    }

    async fn push_public_key(&self) -> StoreResult<String> {
        self.0.push_public_key().await
    }

    async fn test_bridge(&self, account: &Account, address: &BridgeAddress) -> Result<(), String> {
        self.0.test_bridge(account, address).await
    }
}

#[async_trait]
impl CallbackCheck for Handshake {
    async fn verify(&self, callback: &Callback) -> Result<(), String> {
        self.0.verify(callback).await
    }

    async fn resolve(&self, callback: &Callback) -> Vec<IpAddr> {
        self.0.resolve(callback).await
    }

    async fn connect_time(&self, callback: &Callback, address: IpAddr) -> Option<Duration> {
        self.0.connect_time(callback, address).await
    }
}

impl Node {
    /// Opens the store and puts the parts together; nothing runs yet.
    pub fn open(config: NodeConfig) -> Result<Self, StartError> {
        let vault = Vault::new(config.master_key);
        let calendar = config.calendar.clone();
        let rows = Arc::new(match &config.postgres {
            Some(server) => SqlStore::connect(server, vault.clone(), calendar)?,
            None => SqlStore::open(&config.folder, vault.clone(), calendar)?,
        });
        let store: Arc<dyn Store> = rows.clone();
        let blobs = match &config.bucket {
            Some(bucket) => Blobs::in_bucket(bucket)?,
            None => Blobs::in_folder(&config.folder.join("blobs"))?,
        };
        let (bus, clock) = (Bus::default(), config.clock);
        let settings = channel_settings(&config.callbacks, config.push);
        let callbacks = CallbackSender::new(
            store.clone(),
            clock.clone(),
            bus.clone(),
            vault.link_key(),
            config.callbacks,
        )
        .map_err(StartError::Machine)?;
        // A process that starts again under its name is another worker: its leases are not those of before.
        let name = config.name.unwrap_or_else(|| std::process::id().to_string());
        let worker = WorkerId(format!("{name}-{}", Random::system().text::<6>()));
        let channels = Channels::new(
            (store.clone(), clock.clone(), bus.clone()),
            (vault.link_key(), config.calendar.clone()),
            worker.clone(),
            settings,
        )
        .map_err(StartError::Machine)?;
        let engine = Engine::new(
            store.clone(),
            blobs.clone(),
            bus.clone(),
            clock.clone(),
            callbacks,
            worker,
        )
        .with_channels(channels.clone())
        .with_speeds(config.server.speeds.clone())
        .with_months_kept(config.months_kept)
        .with_reviews(Reviews::new(config.reviewers));
        let engine = Arc::new(engine);
        let works = config.server.roles.contains(&Role::Worker);
        let health = parts::health(&store, &blobs, works.then_some(&engine), &clock, &bus);
        let numbers =
            Numbers::new(store.clone(), clock.clone(), health.clone()).map_err(StartError::Machine)?;
        Ok(Self {
            store,
            rows,
            control: None,
            engine,
            blobs,
            channels,
            bus,
            clock,
            calendar: config.calendar,
            ids: Arc::new(config.ids),
            vault,
            settings: Arc::new(config.server),
            inspector: config.inspector,
            health,
            numbers: Arc::new(numbers),
        })
    }

    /// Chance for ids.
    pub fn ids(&self) -> &Arc<Random> {
        &self.ids
    }

    /// Fails when the data belongs to another master key than this node's.
    pub async fn check_key(&self) -> StoreResult<()> {
        key_mark::check(self.store.as_ref(), &self.vault).await
    }

    /// Wakes the engine.
    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    /// The HTTP side over this node; with the sandbox's routes when there is a sandbox.
    pub fn app(&self, sandbox: Option<Arc<dyn SandboxControl>>) -> App {
        App::new(Parts {
            store: self.store.clone(),
            blobs: self.blobs.clone(),
            bus: self.bus.clone(),
            clock: self.clock.clone(),
            calendar: self.calendar.clone(),
            ids: self.ids.clone(),
            secrets: Arc::new(Random::system()),
            links: self.vault.link_key(),
            positions: self.vault.position_key(),
            settings: self.settings.clone(),
            callback_check: Arc::new(Handshake(self.engine.callbacks().clone())),
            channels: Arc::new(Access(self.channels.clone())),
            sandbox,
            world: self
                .control
                .clone()
                .map(|control| control as Arc<dyn WorldControl>),
            inspector: self.inspector.clone(),
            health: self.health.clone(),
            scrape: Some(self.numbers.clone()),
        })
    }

    /// Answers requests and does the background work until `shutdown` resolves; then lets what is under way
    /// end.
    pub async fn serve(
        &self,
        listener: TcpListener,
        sandbox: Option<Arc<dyn SandboxControl>>,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) {
        self.serve_intercepting(listener, sandbox, None, shutdown).await;
    }

    /// The same, also in the place of WeChat's hosts.
    pub async fn serve_intercepting(
        &self,
        listener: TcpListener,
        sandbox: Option<Arc<dyn SandboxControl>>,
        interception: Option<Interception>,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) {
        let app = self.app(sandbox);
        let router = server::routes::router(app.clone());
        let settings = self.settings.clone();
        let (inspector, health) = (self.inspector.clone(), self.health.clone());
        let pause = settings.stop_pause + FAREWELL;
        let closed = Arc::new(OnceLock::new());
        let since = closed.clone();
        let online = app.live().clone();
        let shutdown = async move {
            shutdown.await;
            // First whoever distributes calls sees that none should come here, then none is taken any more.
            health.stop();
            tokio::time::sleep(pause).await;
            if let Some(inspector) = inspector {
                inspector.close();
            }
            // Feeds never end by themselves.
            online.close();
            // The only one who sets it.
            let _ = since.set(Instant::now());
        };
        let works = settings.roles.contains(&Role::Worker);
        let work = works.then(|| tokio::spawn(work(self.engine.clone())));
        let feeds = settings.roles.contains(&Role::Live);
        let feeds = feeds.then(|| tokio::spawn(feed(app)));
        let numbers = self.numbers.clone();
        let care = tokio::spawn(async move { numbers.care().await });
        let rows = self.rows.clone();
        let watch = tokio::spawn(async move { rows.watch_others().await });
        let drive = self.control.as_ref().map(|control| tokio::spawn(control.drive()));
        let shutdown = shutdown.shared();
        let intercepted = async {
            if let Some(interception) = interception {
                interception
                    .serve(router.clone(), settings.clone(), shutdown.clone())
                    .await;
            }
        };
        let served = server::listen::serve(listener, router.clone(), settings.clone(), shutdown.clone());
        tokio::join!(served, intercepted);
        let spent = closed.get().map_or(Duration::ZERO, Instant::elapsed);
        let patience = settings.stop_timeout.saturating_sub(spent).max(LAST_WORK);
        if timeout(patience, self.end_work()).await.is_err() {
            tracing::warn!("background work did not end in time; the next start takes it up");
        }
        for task in drive.into_iter().chain(work).chain(feeds).chain([care, watch]) {
            task.abort();
            let _ = task.await;
        }
    }

    /// Lets the turn under way end and begins none, waits for callbacks on their way, writes what was only noted.
    async fn end_work(&self) {
        let _held = self.engine.hold().await;
        self.engine.settle(Duration::MAX).await;
        if let Err(error) = self.store.flush_reads().await {
            tracing::error!(%error, "reads of articles were not written");
        }
    }
}

/// Keeps live feeds up to date until the future is dropped. A panic is a defect; it must not leave them silent (I17).
async fn feed(app: App) {
    loop {
        let ended = AssertUnwindSafe(server::live::run(app.clone()))
            .catch_unwind()
            .await;
        if ended.is_err() {
            tracing::error!("what keeps live feeds up to date ended in a panic and begins again");
        }
        tokio::time::sleep(AFTER_PANIC).await;
    }
}

fn channel_settings(callbacks: &CallbackSettings, push: PushConfig) -> ChannelSettings {
    ChannelSettings {
        public_url: callbacks.public_url.clone(),
        contact: push.contact.unwrap_or_else(|| callbacks.public_url.clone()),
        push_addresses: push.addresses,
        bridge_addresses: callbacks.addresses.clone(),
    }
}

/// Works until the future is dropped. A panic is a defect; it must not leave accepted masses lying (I1).
async fn work(engine: Arc<Engine>) {
    loop {
        let ended = AssertUnwindSafe(engine.run()).catch_unwind().await;
        if ended.is_err() {
            tracing::error!("the engine ended in a panic and begins again");
        }
        tokio::time::sleep(AFTER_PANIC).await;
    }
}
